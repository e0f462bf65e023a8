/** Input for `iptables-restore --noflush`: everything anew, or only a difference. Pure. */
import type { BaseRules } from './base-rules.ts'
import { ownChainPattern, sharedChains } from './names.ts'
import type { PortRules, SharedRule, Table } from './port-rules.ts'

/** What is in the kernel, as far as it concerns us, read from `iptables-save`. */
export interface Existing {
  /** Chains of single ports in table nat. */
  readonly ownChains: ReadonlySet<string>
  /** `TABLE CHAIN TARGET` of rules in built-in chains. */
  readonly jumps: ReadonlySet<string>
}

export function parseExisting(saved: string): Existing {
  const ownChains = new Set<string>()
  const found = new Set<string>()
  let table = ''
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1)
    else if (line.startsWith(':')) {
      const chain = line.slice(1, line.indexOf(' '))
      if (table === 'nat' && ownChainPattern.test(chain)) ownChains.add(chain)
    } else {
      const match = /^-A (INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING) .*-j (KUBE-\S+)$/.exec(line)
      if (match) found.add(`${table} ${match[1]} ${match[2]}`)
    }
  }
  return { ownChains, jumps: found }
}

export function jumpKey({ table, chain, rule }: { table: string; chain: string; rule: string }): string {
  return `${table} ${chain} ${rule.slice(rule.lastIndexOf(' ') + 1)}`
}

/** Replaces every chain of ours and removes those no port has any more; each table changes in one step. */
export function fullScript(base: BaseRules, ports: Iterable<PortRules>, existing: Existing): string {
  const shared: Record<string, string[]> = {}
  const chains = new Map<string, readonly string[]>()
  for (const port of ports) {
    for (const [chain, rules] of port.chains) chains.set(chain, rules)
    for (const { table, chain, rule } of port.shared) (shared[`${table} ${chain}`] ??= []).push(rule)
  }
  // iptables-restore keeps its chains sorted by insertion from the front: in falling order each goes in at once. With
  // 5000 Services that is a third of the time.
  const ordered = [...chains].sort(([a], [b]) => (a < b ? 1 : -1))
  const stale = [...existing.ownChains].filter((chain) => !chains.has(chain))
  const sharedOf = (table: Table) =>
    Object.entries(base[table]).map(
      ([chain, rules]) => [chain, [...(shared[`${table} ${chain}`] ?? []), ...rules]] as const,
    )
  const missing = (table: Table) =>
    base.jumps.filter((j) => j.table === table && !existing.jumps.has(jumpKey(j))).map((j) => `-I ${j.chain} ${j.rule}`)
  return [
    ...tableScript('mangle', { chains: sharedChains.mangle.map((chain) => [chain, []] as const) }),
    ...tableScript('filter', { chains: sharedOf('filter'), inserts: missing('filter').reverse() }),
    ...tableScript('nat', { chains: [...sharedOf('nat'), ...ordered], inserts: missing('nat').reverse(), stale }),
    '',
  ].join('\n')
}

type ChainRules = readonly [string, readonly string[]]

interface TableContent {
  readonly chains?: readonly ChainRules[]
  readonly inserts?: readonly string[]
  readonly deletes?: readonly string[]
  readonly stale?: readonly string[]
}

/** Chains first, so that rules may jump forward; stale chains go last, when nothing leads to them. */
function tableScript(table: string, { chains = [], inserts = [], deletes = [], stale = [] }: TableContent): string[] {
  const lines = [
    ...chains.map(([chain]) => `:${chain} - [0:0]`),
    ...stale.map((chain) => `:${chain} - [0:0]`),
    ...deletes,
    ...chains.flatMap(([chain, rules]) => rules.map((rule) => `-A ${chain} ${rule}`)),
    ...inserts,
    ...stale.map((chain) => `-X ${chain}`),
  ]
  return lines.length > 0 ? [`*${table}`, ...lines, 'COMMIT'] : []
}

export interface RulesChange {
  readonly before?: PortRules
  readonly after?: PortRules
}

export interface Partial {
  /** '' when the kernel need not hear of it. */
  readonly text: string
  /** Rules and chains the kernel will report as deleted. */
  readonly deletions: number
}

/**
 * Only what differs. Lines of shared chains are deleted and inserted one by one, before the chain's fixed rules, unless
 * so many change that writing the chain anew is cheaper; `all` are the rules of all ports after the change.
 */
export function partialScript(
  base: BaseRules,
  changes: readonly RulesChange[],
  all: ReadonlyMap<string, PortRules>,
): Partial {
  const own = ownDifference(changes)
  const lines = sharedDifference(changes)
  const content = {
    filter: { chains: [] as ChainRules[], inserts: [] as string[], deletes: [] as string[], stale: [] as string[] },
    nat: { chains: own.written, inserts: [] as string[], deletes: [] as string[], stale: own.stale },
  }
  let deletions = own.deletions
  for (const { table, chain, removed, added } of lines.values()) {
    const target = content[table]
    deletions += removed.length
    if (removed.length * rewriteRatio > all.size) {
      const rules = [...sharedRulesOf(all, table, chain), ...(base[table][chain] ?? [])]
      target.chains.push([chain, rules])
      deletions += rules.length - added.length
    } else {
      target.deletes.push(...removed.map((rule) => `-D ${chain} ${rule}`))
      target.inserts.push(...added.reverse().map((rule) => `-I ${chain} ${rule}`))
    }
  }
  const text = [...tableScript('filter', content.filter), ...tableScript('nat', content.nat)].join('\n')
  return { text: text && `${text}\n`, deletions }
}

/** Deleting a line of a long chain costs about as much as writing this many (bench/proxy.ts). */
const rewriteRatio = 8

function ownDifference(changes: readonly RulesChange[]) {
  const written: ChainRules[] = []
  const stale: string[] = []
  let deletions = 0
  for (const { before, after } of changes) {
    for (const [chain, rules] of after?.chains ?? []) {
      const old = before?.chains.get(chain)
      if (old && old.length === rules.length && old.every((rule, i) => rule === rules[i])) continue
      written.push([chain, rules])
      deletions += old?.length ?? 0
    }
    for (const [chain, rules] of before?.chains ?? []) {
      if (after?.chains.has(chain)) continue
      stale.push(chain)
      deletions += rules.length + 1
    }
  }
  return { written, stale: stale.filter((chain) => !written.some(([name]) => name === chain)), deletions }
}

interface SharedDifference {
  readonly table: Table
  readonly chain: string
  readonly removed: string[]
  readonly added: string[]
}

function sharedDifference(changes: readonly RulesChange[]): Map<string, SharedDifference> {
  const byChain = new Map<string, SharedDifference>()
  const entry = ({ table, chain }: SharedRule) => {
    const key = `${table} ${chain}`
    let found = byChain.get(key)
    if (!found) byChain.set(key, (found = { table, chain, removed: [], added: [] }))
    return found
  }
  for (const { before, after } of changes) {
    const kept = new Set(before?.shared.map(lineKey))
    const wanted = new Set(after?.shared.map(lineKey))
    for (const line of before?.shared ?? []) if (!wanted.has(lineKey(line))) entry(line).removed.push(line.rule)
    for (const line of after?.shared ?? []) if (!kept.has(lineKey(line))) entry(line).added.push(line.rule)
  }
  return byChain
}

const lineKey = ({ table, chain, rule }: SharedRule) => `${table} ${chain} ${rule}`

function sharedRulesOf(all: ReadonlyMap<string, PortRules>, table: Table, chain: string): string[] {
  const rules: string[] = []
  for (const { shared } of all.values())
    for (const line of shared) if (line.table === table && line.chain === chain) rules.push(line.rule)
  return rules
}

/** Rules that a script adds, by table. */
export function countWritten(script: string): Record<Table, number> {
  const counts = { nat: 0, filter: 0 }
  for (const [, table = '', lines = ''] of script.matchAll(/^\*(nat|filter)\n([^]*?)^COMMIT$/gm))
    counts[table as Table] += lines.match(/^-[AI] /gm)?.length ?? 0
  return counts
}

/** Removes everything of ours, given what `iptables-save` printed. */
export function cleanupScript(saved: string): string {
  const ours: Record<string, Set<string>> = { filter: new Set(), nat: new Set(), mangle: new Set() }
  const leads: Record<string, string[]> = { filter: [], nat: [], mangle: [] }
  let table = ''
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1)
    const chain = /^:(\S+) /.exec(line)?.[1]
    if (chain && isOurs(table, chain)) ours[table]?.add(chain)
    const jump = /^-A (INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING) .*-j (KUBE-\S+)$/.exec(line)
    if (jump?.[2] && isOurs(table, jump[2])) leads[table]?.push(line.replace('-A', '-D'))
  }
  const scripts = Object.entries(ours).flatMap(([name, chains]) =>
    tableScript(name, { deletes: leads[name] ?? [], stale: [...chains] }),
  )
  return scripts.length > 0 ? `${scripts.join('\n')}\n` : ''
}

function isOurs(table: string, chain: string): boolean {
  const shared: Record<string, readonly string[]> = sharedChains
  return (shared[table]?.includes(chain) ?? false) || (table === 'nat' && ownChainPattern.test(chain))
}
