/** Server blocks to configuration: which plugins there are and what they may say. */
import { parseIp } from '../../lib/ip.ts'
import type { ForwardConfig, ServerConfig } from './config.ts'
import { CorefileError, type Directive, type RawServerBlock, readBlocks, type Source } from './lexer.ts'
import {
  cache,
  fail,
  forward,
  health,
  hosts,
  kubernetes,
  listenAddress,
  noArguments,
  reload,
  type Scope,
  zoneName,
} from './plugins.ts'

/** Throws CorefileError; a Corefile that parses can be served. */
export function parseCorefile(source: Source): ServerConfig[] {
  const servers = readBlocks(source).flatMap((block) => serverConfigs(source.file, block))
  if (servers.length === 0) throw new CorefileError(source.file, 1, 'no server block')
  const seen = new Set<string>()
  for (const { zones, port, line } of servers) {
    for (const zone of zones) {
      const id = `dns://${zone}:${port}`
      if (seen.has(id)) throw new CorefileError(source.file, line, `cannot serve ${id} - it is already defined`)
      seen.add(id)
    }
  }
  return servers
}

const defaultPort = 53

/** One block may serve several ports: one configuration for each. */
function serverConfigs(file: string, block: RawServerBlock): ServerConfig[] {
  const keys = block.keys.map((key) => parseKey(file, block.line, key))
  const ports = Map.groupBy(keys, ({ port }) => port)
  return [...ports].map(([port, of]) => {
    const zones = of.map(({ zone }) => zone)
    return { zones, port, line: block.line, ...plugins({ file, zones }, block.directives) }
  })
}

function parseKey(file: string, line: number, key: string): { zone: string; port: number } {
  const [, scheme, rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/.exec(key) ?? []
  if (scheme !== undefined && scheme !== 'dns')
    throw new CorefileError(file, line, `scheme '${scheme}://' is not supported`)
  const [, name = rest, port] = /^(.*?):(\d+)$/.exec(rest) ?? []
  const number = port === undefined ? defaultPort : Number(port)
  if (number < 1 || number > 65_535) throw new CorefileError(file, line, `invalid port in '${key}'`)
  const directive: Directive = { name: key, args: [], line, block: undefined }
  return { zone: zoneName({ file, zones: [] }, directive, name), port: number }
}

type Plugins = Omit<ServerConfig, 'zones' | 'port' | 'line'>

function plugins(scope: Scope, directives: readonly Directive[]): Plugins {
  const seen = new Set<string>()
  let config: Plugins = { bind: [], errors: false, log: false, loadbalance: false, loop: false, forward: [] }
  for (const directive of directives) {
    const { name } = directive
    if (seen.has(name) && name !== 'forward') fail(scope, directive, `${name}: may be used only once per server block`)
    seen.add(name)
    config = { ...config, ...plugin(scope, directive, config.forward) }
  }
  return config
}

function plugin(scope: Scope, directive: Directive, forwards: readonly ForwardConfig[]): Partial<Plugins> {
  switch (directive.name) {
    case 'errors':
      return { errors: true }
    case 'log':
      return { log: true }
    case 'loadbalance':
      if ((directive.args[0] ?? 'round_robin') !== 'round_robin')
        fail(scope, directive, `unknown policy '${directive.args[0]}'`)
      return { loadbalance: true }
    case 'loop':
      return { loop: noArguments(scope, directive) }
    case 'bind':
      for (const address of directive.args)
        if (!parseIp(address)) fail(scope, directive, `not a valid IP address: '${address}'`)
      return { bind: directive.args }
    case 'health':
      return { health: health(scope, directive) }
    case 'ready':
      return { ready: listenAddress(scope, directive, ':8181') }
    case 'prometheus':
      return { prometheus: listenAddress(scope, directive, 'localhost:9153') }
    case 'reload':
      return { reload: reload(scope, directive) }
    case 'cache':
      return { cache: cache(scope, directive) }
    case 'hosts':
      return { hosts: hosts(scope, directive) }
    case 'kubernetes':
      return { kubernetes: kubernetes(scope, directive) }
    case 'forward':
      return { forward: [...forwards, forward(scope, directive)] }
    default:
      return fail(scope, directive, `Unknown directive '${directive.name}'`)
  }
}
