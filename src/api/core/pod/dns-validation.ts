/** Checks of `dnsPolicy` and `dnsConfig`. */
import { check, checkIp } from '../../common/validation.ts'
import type { PodDNSConfig, PodSpec } from '../../generated/v1.ts'
import type { FieldError, Path } from '../../machinery/field.ts'
import { invalid, notSupported, required } from '../../machinery/field.ts'
import { isDNS1123Subdomain } from '../../machinery/validate.ts'

const policies = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']
// Limits of the C library's resolver.
const maxNameservers = 3
const maxSearches = 32
const maxSearchCharacters = 2048

export function validateDns(spec: PodSpec, path: Path): FieldError[] {
  const { dnsPolicy, dnsConfig } = spec
  const at = path.child('dnsConfig')
  const errors: FieldError[] = []
  if (!dnsPolicy) errors.push(required(path.child('dnsPolicy')))
  else if (!policies.includes(dnsPolicy)) errors.push(notSupported(path.child('dnsPolicy'), dnsPolicy, policies))
  if (dnsPolicy === 'None') {
    if (!dnsConfig) return [...errors, required(at, 'must provide `dnsConfig` when `dnsPolicy` is None')]
    if (!dnsConfig.nameservers?.length) {
      const why = 'must provide at least one DNS nameserver when `dnsPolicy` is None'
      return [...errors, required(at.child('nameservers'), why)]
    }
  }
  return dnsConfig ? [...errors, ...validateConfig(dnsConfig, at)] : errors
}

function validateConfig({ nameservers = [], searches = [], options = [] }: PodDNSConfig, path: Path): FieldError[] {
  const errors: FieldError[] = []
  if (nameservers.length > maxNameservers) {
    const why = `must not have more than ${maxNameservers} nameservers`
    errors.push(invalid(path.child('nameservers'), nameservers, why))
  }
  nameservers.forEach((address, i) => errors.push(...checkIp(path.child('nameservers').index(i), address)))
  if (searches.length > maxSearches) {
    errors.push(invalid(path.child('searches'), searches, `must not have more than ${maxSearches} search paths`))
  }
  if (searches.join(' ').length > maxSearchCharacters) {
    const why = `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`
    errors.push(invalid(path.child('searches'), searches, why))
  }
  searches.forEach((search, i) => {
    if (search === '.') return
    const name = search.replace(/\.$/, '')
    // Underscores are allowed here (since 1.34, KEP-4427).
    const plain = name.replace(/_/g, 'x')
    errors.push(...check(path.child('searches').index(i), name, isDNS1123Subdomain(plain)))
  })
  options.forEach((option, i) => {
    if (!option.name) errors.push(required(path.child('options').index(i), 'must not be empty'))
  })
  return errors
}
