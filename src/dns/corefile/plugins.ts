/** What each plugin's lines mean. A function per plugin; all fail with the file and the line. */
import { parseCidr, parseIp } from '../../lib/ip.ts'
import type {
  ApiAccess,
  CacheConfig,
  Destination,
  ForwardConfig,
  HealthConfig,
  HostsConfig,
  KubernetesConfig,
  ReloadConfig,
} from './config.ts'
import { CorefileError, type Directive } from './lexer.ts'

export interface Scope {
  readonly file: string
  /** The server block's zones: what a plugin without zones of its own is for. */
  readonly zones: readonly string[]
}

export function fail({ file }: Scope, { line }: Directive, what: string): never {
  throw new CorefileError(file, line, what)
}

const wrongArguments = (scope: Scope, directive: Directive): never =>
  fail(
    scope,
    directive,
    `Wrong argument count or unexpected line ending after '${directive.args.at(-1) ?? directive.name}'`,
  )

export function noArguments(scope: Scope, directive: Directive): true {
  if (directive.args.length > 0 || directive.block) wrongArguments(scope, directive)
  return true
}

function number(
  scope: Scope,
  directive: Directive,
  text: string | undefined,
  { min, max }: { min: number; max: number },
) {
  const value = Number(text)
  if (text === undefined || !/^\d+$/.test(text) || value < min || value > max) {
    fail(scope, directive, `${directive.name}: expected a number from ${min} to ${max}, got '${text ?? ''}'`)
  }
  return value
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Go's durations (`1m30s`); a bare number is seconds. */
function durationMs(scope: Scope, directive: Directive, text: string | undefined): number {
  const bare = text !== undefined && /^\d+$/.test(text) ? `${text}s` : (text ?? '')
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(bare)) fail(scope, directive, `invalid duration '${text ?? ''}'`)
  let total = 0
  for (const [, count, unit] of bare.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(count) * (unitsMs[unit ?? ''] ?? 0)
  }
  return total
}

/** A zone name or a CIDR, which stands for its reverse zones. */
export function zoneName(scope: Scope, directive: Directive, text: string): string {
  const cidr = parseCidr(text)
  if (cidr) return reverseZone(scope, directive, text)
  const name = `${text.toLowerCase().replace(/\.$/, '')}.`
  if (name.length > 255 || name.split('.').some((label) => label.length > 63))
    fail(scope, directive, `invalid zone '${text}'`)
  return name
}

function reverseZone(scope: Scope, directive: Directive, text: string): string {
  const cidr = parseCidr(text)
  const step = cidr?.ip.family === 4 ? 8 : 4
  if (!cidr || cidr.prefix % step !== 0) return fail(scope, directive, `'${text}' is not on a zone boundary`)
  const width = cidr.ip.family === 4 ? 32 : 128
  const labels: string[] = []
  for (let bits = step; bits <= cidr.prefix; bits += step) {
    const part = (cidr.ip.value >> BigInt(width - bits)) & BigInt(2 ** step - 1)
    labels.unshift(part.toString(step === 8 ? 10 : 16))
  }
  return [...labels, step === 8 ? 'in-addr.arpa.' : 'ip6.arpa.'].join('.')
}

const zonesOr = (scope: Scope, directive: Directive, names: readonly string[]): readonly string[] =>
  names.length > 0 ? names.map((name) => zoneName(scope, directive, name)) : scope.zones

const fallthroughOf = (scope: Scope, directive: Directive) => ({
  zones: directive.args.length > 0 ? directive.args.map((name) => zoneName(scope, directive, name)) : ['.'],
})

export function listenAddress(scope: Scope, directive: Directive, fallback: string): string {
  const [address = fallback, ...more] = directive.args
  if (more.length > 0 || !/^(\S*):(\d+)$/.test(address))
    fail(scope, directive, `${directive.name}: invalid address '${address}'`)
  return address
}

export function health(scope: Scope, directive: Directive): HealthConfig {
  let lameduckMs = 0
  for (const option of directive.block ?? []) {
    if (option.name !== 'lameduck') fail(scope, option, `health: unknown property '${option.name}'`)
    lameduckMs = durationMs(scope, option, option.args[0])
  }
  return { address: listenAddress(scope, directive, ':8080'), lameduckMs }
}

/** CoreDNS looks every 30 seconds unless told otherwise; looking costs one stat call, so here it is every 2. */
const reloadDefault: ReloadConfig = { intervalMs: 2000, jitterMs: 0 }

export function reload(scope: Scope, directive: Directive): ReloadConfig {
  const [interval, jitter, ...more] = directive.args
  if (more.length > 0) wrongArguments(scope, directive)
  if (interval === undefined) return reloadDefault
  const intervalMs = durationMs(scope, directive, interval)
  if (intervalMs < 2000) fail(scope, directive, 'reload: interval value must be greater or equal to 2s')
  const jitterMs = jitter === undefined ? intervalMs / 2 : durationMs(scope, directive, jitter)
  return { intervalMs, jitterMs: Math.min(jitterMs, intervalMs / 2) }
}

const capacityDefault = 9984

export function cache(scope: Scope, directive: Directive): CacheConfig {
  const [first] = directive.args
  const ttl =
    first !== undefined && /^\d+$/.test(first) ? number(scope, directive, first, { min: 1, max: 86_400 }) : undefined
  const config = {
    success: { capacity: capacityDefault, max: ttl ?? 3600, min: 5 },
    denial: { capacity: capacityDefault, max: ttl ?? 1800, min: 5 },
    servfail: 5,
  }
  for (const option of directive.block ?? []) {
    const { name, args } = option
    if (name === 'success' || name === 'denial') {
      const at = (i: number, otherwise: number) =>
        args[i] === undefined ? otherwise : number(scope, option, args[i], { min: 0, max: 1_000_000 })
      const { capacity, max, min } = config[name]
      config[name] = { capacity: at(0, capacity), max: at(1, max), min: at(2, min) }
    } else if (name === 'servfail') config.servfail = Math.min(durationMs(scope, option, args[0]) / 1000, 300)
    // What is switched off for cluster zones is never cached here; only forwarded answers are.
    else if (name !== 'disable') fail(scope, option, `cache: unknown property '${name}'`)
  }
  return config
}

export function hosts(scope: Scope, directive: Directive): HostsConfig {
  const [file, ...zones] = directive.args
  const entries: { address: string; names: string[] }[] = []
  let config = { ttl: 3600, reverse: true, reloadMs: 5000, fallthrough: { zones: [] as readonly string[] } }
  for (const option of directive.block ?? []) {
    const { name, args } = option
    if (parseIp(name)) entries.push({ address: name, names: args.map((each) => zoneName(scope, option, each)) })
    else if (name === 'fallthrough') config = { ...config, fallthrough: fallthroughOf(scope, option) }
    else if (name === 'ttl') config = { ...config, ttl: number(scope, option, args[0], { min: 1, max: 65_535 }) }
    else if (name === 'no_reverse') config = { ...config, reverse: false }
    else if (name === 'reload') config = { ...config, reloadMs: durationMs(scope, option, args[0]) }
    else fail(scope, option, `hosts: unknown property '${name}'`)
  }
  // As in CoreDNS, entries in the block come on top of the file, which is /etc/hosts by default.
  const path = file ?? (entries.length > 0 ? undefined : '/etc/hosts')
  return { file: path, zones: zonesOr(scope, directive, zones), entries, ...config }
}

const kubernetesDefaults = {
  access: { type: 'in-cluster' } as ApiAccess,
  namespaces: [] as readonly string[],
  pods: 'disabled' as KubernetesConfig['pods'],
  endpointPodNames: false,
  ignoreEmptyService: false,
  ttl: 5,
  fallthrough: { zones: [] as readonly string[] },
}

export function kubernetes(scope: Scope, directive: Directive): KubernetesConfig {
  let config = { zones: zonesOr(scope, directive, directive.args), ...kubernetesDefaults }
  if (!config.zones.some((zone) => !zone.endsWith('.arpa.')))
    fail(scope, directive, 'kubernetes: needs a zone that is not a reverse zone')
  for (const option of directive.block ?? []) config = { ...config, ...kubernetesOption(scope, option, config.access) }
  return config
}

function kubernetesOption(scope: Scope, option: Directive, access: ApiAccess): Partial<typeof kubernetesDefaults> {
  const { name, args } = option
  const [first] = args
  const need = (from: number, to = from) => {
    if (args.length < from || args.length > to) wrongArguments(scope, option)
  }
  switch (name) {
    case 'kubeconfig':
      need(1, 2)
      return { access: { type: 'kubeconfig', path: first ?? '', context: args[1] } }
    case 'endpoint':
      need(1)
      return {
        access: { type: 'endpoint', url: first ?? '', tls: access.type === 'endpoint' ? access.tls : undefined },
      }
    case 'tls':
      need(3)
      return {
        access: {
          type: 'endpoint',
          url: access.type === 'endpoint' ? access.url : '',
          tls: [args[0] ?? '', args[1] ?? '', args[2] ?? ''],
        },
      }
    case 'namespaces':
      need(1, 1000)
      return { namespaces: args.map((namespace) => namespace.toLowerCase()) }
    case 'pods':
      need(1)
      if (first !== 'disabled' && first !== 'insecure' && first !== 'verified') {
        return fail(
          scope,
          option,
          `wrong value for pods: ${first ?? ''},  must be one of: disabled, verified, insecure`,
        )
      }
      return { pods: first }
    case 'endpoint_pod_names':
      return { endpointPodNames: noArguments(scope, option) }
    case 'ignore':
      need(1)
      if (first !== 'empty_service') return fail(scope, option, `unable to parse ignore value: '${first ?? ''}'`)
      return { ignoreEmptyService: true }
    case 'ttl':
      need(1)
      return { ttl: number(scope, option, first, { min: 0, max: 3600 }) }
    case 'fallthrough':
      return { fallthrough: fallthroughOf(scope, option) }
    default:
      return fail(scope, option, `unknown property '${name}'`)
  }
}

export function forward(scope: Scope, directive: Directive): ForwardConfig {
  const [from, ...to] = directive.args
  if (from === undefined || to.length === 0) return wrongArguments(scope, directive)
  let config: ForwardConfig = {
    from: zoneName(scope, directive, from),
    to: to.map((text) => destination(scope, directive, text)),
    except: [],
    policy: 'random',
    maxConcurrent: 0,
    maxFails: 2,
    forceTcp: false,
  }
  for (const option of directive.block ?? []) config = { ...config, ...forwardOption(scope, option) }
  return config
}

function forwardOption(scope: Scope, option: Directive): Partial<ForwardConfig> {
  const { name, args } = option
  const count = () => number(scope, option, args[0], { min: 0, max: 2 ** 31 })
  switch (name) {
    case 'except':
      return { except: args.map((zone) => zoneName(scope, option, zone)) }
    case 'policy': {
      const [policy] = args
      if (policy !== 'random' && policy !== 'round_robin' && policy !== 'sequential') {
        return fail(scope, option, `unknown policy '${policy ?? ''}'`)
      }
      return { policy }
    }
    case 'max_concurrent':
      return { maxConcurrent: count() }
    case 'max_fails':
      return { maxFails: count() }
    case 'force_tcp':
      return { forceTcp: noArguments(scope, option) }
    // UDP is always tried first here, and connections are not kept; both lines say what already is.
    case 'prefer_udp':
      noArguments(scope, option)
      return {}
    case 'expire':
    case 'health_check':
      durationMs(scope, option, args[0])
      return {}
    default:
      return fail(scope, option, `unknown property '${name}'`)
  }
}

function destination(scope: Scope, directive: Directive, text: string): Destination {
  const plain = text.replace(/^dns:\/\//, '')
  if (plain.startsWith('/')) return { type: 'resolv.conf', path: plain }
  const [, bracketed, host = bracketed, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(plain) ?? []
  const address = host ?? plain
  if (!parseIp(address)) return fail(scope, directive, `not an IP address or file: ${JSON.stringify(text)}`)
  return {
    type: 'address',
    host: address,
    port: port === undefined ? 53 : number(scope, directive, port, { min: 1, max: 65_535 }),
  }
}
