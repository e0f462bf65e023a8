/**
 * Notices when somebody else deletes our rules. `nft monitor destroy` sleeps in the kernel until something is deleted,
 * so an idle proxy costs nothing and damage is known at once; where there is no nft (or iptables is the legacy one),
 * the canary chain is looked up now and then, as kube-proxy does.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Family } from '../../plan/types.ts'
import { type BaseRules, localnetChain } from './base-rules.ts'
import { ownChainPattern, sharedChains } from './names.ts'
import type { PortRules } from './port-rules.ts'
import { jumpKey, parseExisting } from './script.ts'

/** One deletion that may concern us. `entry`: a rule of a built-in chain went, perhaps one of our jumps. */
export type Deletion =
  | { readonly kind: 'ours'; readonly what: string }
  | { readonly kind: 'entry'; readonly table: string; readonly chain: string }

const builtIn = new Set(['INPUT', 'FORWARD', 'OUTPUT', 'PREROUTING', 'POSTROUTING'])

/** Reads a line of `nft monitor`; undefined when it is none of our business. */
export function parseDeletion(line: string, family: Family): Deletion | undefined {
  const match = /^delete (rule|chain|table) (ip6?) (\S+)(?: (\S+))?/.exec(line)
  if (!match || match[2] !== (family === 4 ? 'ip' : 'ip6')) return undefined
  const [, kind = '', , table = '', chain = ''] = match
  const shared = (sharedChains as Record<string, readonly string[]>)[table]
  if (!shared) return undefined
  if (kind === 'table') return { kind: 'ours', what: `table ${table}` }
  if (kind === 'rule' && builtIn.has(chain)) return { kind: 'entry', table, chain }
  if (!shared.includes(chain) && !ownChainPattern.test(chain) && chain !== localnetChain) return undefined
  return { kind: 'ours', what: kind === 'rule' ? `a rule of ${table} ${chain}` : `chain ${table} ${chain}` }
}

/**
 * What `iptables-save` printed less of than there must be, in words; undefined: nothing. Rules are counted, not compared:
 * what others put into our chains is theirs.
 */
export function findMissing(saved: string, base: BaseRules, ports: Iterable<PortRules>): string | undefined {
  const wanted = wantedCounts(base, ports)
  let table = ''
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1)
    const chain = /^-A (\S+) /.exec(line)?.[1]
    const key = `${table} ${chain}`
    const left = chain && wanted.get(key)
    if (left) wanted.set(key, left - 1)
  }
  for (const [chain, left] of wanted) if (left > 0) return `a rule of ${chain} was deleted`
  const { jumps } = parseExisting(saved)
  const gone = base.jumps.find((jump) => !jumps.has(jumpKey(jump)))
  return gone && `a jump in ${gone.table} ${gone.chain} was deleted`
}

/** `TABLE CHAIN` → how many rules of ours. */
function wantedCounts(base: BaseRules, ports: Iterable<PortRules>): Map<string, number> {
  const counts = new Map<string, number>()
  const add = (key: string, rules: number) => counts.set(key, (counts.get(key) ?? 0) + rules)
  for (const table of ['filter', 'nat'] as const)
    for (const [chain, rules] of Object.entries(base[table])) add(`${table} ${chain}`, rules.length)
  for (const { chains, shared } of ports) {
    for (const [chain, rules] of chains) add(`nat ${chain}`, rules.length)
    for (const { table, chain } of shared) add(`${table} ${chain}`, 1)
  }
  return counts
}

const restartMs = 1000

export const monitorCommand: readonly string[] = ['nft', 'monitor', 'destroy']

export interface MonitorHandlers {
  /** A deletion, as nft words it. */
  line(text: string): void
  /** Some may have been missed. */
  gap(): void
  /** There is no such command; nothing more is called. */
  missing(): void
}

/** Runs `command` (and again, should it end) and reads what it prints, until the signal aborts. */
export function monitorDeletions(command: readonly string[], handlers: MonitorHandlers, signal: AbortSignal): void {
  if (signal.aborted) return
  const child = spawn(command[0] ?? '', command.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] })
  const stop = () => child.kill()
  signal.addEventListener('abort', stop)
  createInterface({ input: child.stdout }).on('line', (text) => {
    if (text.includes('lost some netlink events')) handlers.gap()
    else handlers.line(text)
  })
  let started = false
  child.on('spawn', () => (started = true))
  child.on('error', () => {})
  child.on('close', () => {
    signal.removeEventListener('abort', stop)
    if (signal.aborted) return
    if (!started) return handlers.missing()
    handlers.gap()
    setTimeout(() => monitorDeletions(command, handlers, signal), restartMs).unref()
  })
}
