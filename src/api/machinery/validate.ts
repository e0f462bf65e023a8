/** Formats of names and values, in the words of k8s.io/apimachinery/pkg/util/validation. No message: valid. */

const labelMax = 63
const subdomainMax = 253

const label1123 = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomain1123 = `${label1123}(\\.${label1123})*`
const qualifiedName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const labelValue = `(${qualifiedName})?`

const patterns = {
  label1123: new RegExp(`^${label1123}$`),
  subdomain1123: new RegExp(`^${subdomain1123}$`),
  qualifiedName: new RegExp(`^${qualifiedName}$`),
  labelValue: new RegExp(`^${labelValue}$`),
  configMapKey: /^[-._a-zA-Z0-9]+$/,
}

// Upstream counts bytes in both cases, and says so only for label keys and values.
const tooLong = (max: number) => `must be no more than ${max} characters`
const tooLongBytes = (max: number) => `must be no more than ${max} bytes`
const emptyMessage = 'must be non-empty'

/** `message (e.g. 'a',  or 'b', regex used for validation is 'r')`: two spaces, as upstream prints it. */
export function regexMessage(message: string, regex: string, ...examples: string[]): string {
  const eg = examples.map((e) => `'${e}'`).join(',  or ')
  return `${message} (${eg ? `e.g. ${eg}, ` : ''}regex used for validation is '${regex}')`
}

const messages = {
  label1123: regexMessage(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
    label1123,
    'my-name',
    '123-abc',
  ),
  subdomain1123: regexMessage(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    subdomain1123,
    'example.com',
  ),
  qualifiedName: regexMessage(
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    qualifiedName,
    'MyName',
    'my.name',
    '123-abc',
  ),
  labelValue: regexMessage(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    labelValue,
    'MyValue',
    'my_value',
    '12345',
  ),
  configMapKey: regexMessage(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    '[-._a-zA-Z0-9]+',
    'key.name',
    'KEY_NAME',
    'key-name',
  ),
} as const

function check(value: string, max: number, pattern: RegExp, message: string, long = tooLong): string[] {
  const problems: string[] = []
  if (Buffer.byteLength(value) > max) problems.push(long(max))
  if (!pattern.test(value)) problems.push(message)
  return problems
}

export const isDNS1123Label = (value: string): string[] => {
  if (patterns.label1123.test(value)) return value.length > labelMax ? [tooLong(labelMax)] : []
  const problems = Buffer.byteLength(value) > labelMax ? [tooLong(labelMax)] : []
  // A subdomain that is no label most likely has a dot in it; upstream says so.
  if (patterns.subdomain1123.test(value)) return [...problems, 'must not contain dots']
  return [...problems, messages.label1123]
}

export const isDNS1123Subdomain = (value: string): string[] =>
  check(value, subdomainMax, patterns.subdomain1123, messages.subdomain1123)

const wildcardSubdomain = `\\*\\.${subdomain1123}`
const wildcardPattern = new RegExp(`^${wildcardSubdomain}$`)
const wildcardMessage = regexMessage(
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  wildcardSubdomain,
  '*.example.com',
)

export const isWildcardDNS1123Subdomain = (value: string): string[] =>
  check(value, subdomainMax, wildcardPattern, wildcardMessage)

export const isValidLabelValue = (value: string): string[] =>
  check(value, labelMax, patterns.labelValue, messages.labelValue, tooLongBytes)

/** Keys of labels and annotations, names of finalizers and resources: `[prefix/]name`. */
export function isQualifiedName(value: string): string[] {
  const parts = value.split('/')
  if (parts.length > 2) {
    return [
      `a valid label key ${regexMessage(messageHead(messages.qualifiedName), qualifiedName, 'MyName', 'my.name', '123-abc')} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ]
  }
  const problems: string[] = []
  const name = parts.at(-1) ?? ''
  const prefix = parts.length === 2 ? (parts[0] ?? '') : undefined
  if (prefix === '') problems.push(`prefix part ${emptyMessage}`)
  else if (prefix !== undefined) {
    const found = check(prefix, subdomainMax, patterns.subdomain1123, messages.subdomain1123, tooLongBytes)
    problems.push(...found.map((m) => `prefix part ${m}`))
  }
  if (name === '') problems.push(`name part ${emptyMessage}`)
  else if (Buffer.byteLength(name) > labelMax) problems.push(`name part ${tooLongBytes(labelMax)}`)
  if (!patterns.qualifiedName.test(name)) problems.push(`name part ${messages.qualifiedName}`)
  return problems
}

function messageHead(message: string): string {
  return message.slice(0, message.indexOf(' ('))
}

export const inclusiveRange = (lo: number, hi: number): string => `must be between ${lo} and ${hi}, inclusive`

export const isInRange = (value: number, lo: number, hi: number): string[] =>
  value >= lo && value <= hi ? [] : [inclusiveRange(lo, hi)]

export const isValidPortNum = (port: number): string[] =>
  Number.isInteger(port) && port >= 1 && port <= 65535 ? [] : [inclusiveRange(1, 65535)]

/** IANA service names (RFC 6335), as container ports have. */
export function isValidPortName(port: string): string[] {
  const problems: string[] = []
  if (Buffer.byteLength(port) > 15) problems.push(tooLong(15))
  if (!/^[-a-z0-9]+$/.test(port)) {
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  }
  if (!/[a-z]/.test(port)) problems.push('must contain at least one letter (a-z)')
  if (port.includes('--')) problems.push('must not contain consecutive hyphens')
  if (port.startsWith('-') || port.endsWith('-')) problems.push('must not begin or end with a hyphen')
  return problems
}

export const isConfigMapKey = (value: string): string[] => {
  const problems: string[] = []
  if (Buffer.byteLength(value) > subdomainMax) problems.push(tooLong(subdomainMax))
  if (!patterns.configMapKey.test(value)) problems.push(messages.configMapKey)
  return [...problems, ...dotProblems(value)]
}

function dotProblems(value: string): string[] {
  if (value === '.' || value === '..') return [`must not be '${value}'`]
  return value.startsWith('..') ? ["must not start with '..'"] : []
}
