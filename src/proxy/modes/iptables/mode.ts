/** The iptables mode for one address family: keeps a mirror of the rules it wrote and writes differences. */
import type { Logger } from '../../../lib/log.ts'
import { type PortChange, type PortPlan, planKey } from '../../plan/types.ts'
import type { Mode, PacketCount, RuleCounts } from '../mode.ts'
import { findMissing, monitorDeletions, parseDeletion } from './audit.ts'
import { type BaseRules, baseRules } from './base-rules.ts'
import type { IptablesKernel } from './kernel.ts'
import { type PortRules, renderPort, type Table } from './port-rules.ts'
import { countWritten, fullScript, jumpKey, parseExisting, partialScript, type RulesChange } from './script.ts'
import {
  type IptablesSettings,
  invalidDroppedCounter,
  largeClusterEndpoints,
  localhostNodePortsCounter,
} from './settings.ts'

export interface IptablesModeOptions {
  readonly kernel: IptablesKernel
  readonly settings: IptablesSettings
  /** Prints deletions of rules as `nft monitor` does; absent: iptables here is not nftables. */
  readonly monitor?: readonly string[]
  /** Between two looks at the canary chain where there is no monitor. */
  readonly canaryPeriodMs: number
  readonly log: Logger
}

/** Reports of a change of our own have begun, and go on, within this time. */
const echoMs = 1000
/** Others rarely delete one rule alone: after the first report, so long until the kernel is asked. */
const doubtMs = 50

type Damaged = (what: string) => void

export class IptablesMode implements Mode {
  readonly #options: IptablesModeOptions
  readonly #base: BaseRules
  #ports = new Map<string, PortRules>()
  #counts: Record<Table, number> = { nat: 0, filter: 0 }
  /** As of the last `replace`: rules that stand are not rewritten for the sake of their comments. */
  #settings: IptablesSettings
  /** Deletions of our own that the monitor has yet to report. */
  #expected = 0
  #echoesUntil = 0
  #doubting = false
  /** Changes and audits, one at a time. */
  #last: Promise<unknown> = Promise.resolve()
  #written: Record<Table, number> = { nat: 0, filter: 0 }

  constructor(options: IptablesModeOptions) {
    this.#options = options
    this.#settings = options.settings
    this.#base = baseRules(options.settings)
  }

  replace(plans: Iterable<PortPlan>): Promise<void> {
    return this.#exclusive(() => this.#replace(plans))
  }

  update(changes: readonly PortChange[]): Promise<void> {
    return this.#exclusive(() => this.#update(changes))
  }

  async #replace(plans: Iterable<PortPlan>): Promise<void> {
    const { kernel, settings } = this.#options
    const existing = parseExisting(await kernel.save())
    const all = [...plans]
    const endpoints = all.reduce((sum, plan) => sum + Math.max(plan.cluster.length, plan.local.length), 0)
    this.#settings = { ...settings, largeCluster: endpoints > largeClusterEndpoints }
    const ports = new Map<string, PortRules>()
    for (const plan of all) ports.set(planKey(plan), renderPort(plan, this.#settings))
    this.#ports = ports
    this.#counts = { nat: countRules(this.#base.nat), filter: countRules(this.#base.filter) }
    for (const rules of ports.values()) this.#count(rules, 1)
    await this.#restore(fullScript(this.#base, ports.values(), existing), 0)
  }

  async #update(changes: readonly PortChange[]): Promise<void> {
    const difference: RulesChange[] = []
    for (const { before, after } of changes) {
      const key = before ? planKey(before) : after && planKey(after)
      if (key === undefined) continue
      const old = this.#ports.get(key)
      const rules = after && renderPort(after, this.#settings)
      if (old) this.#count(old, -1)
      if (rules) this.#count(rules, 1)
      if (rules) this.#ports.set(key, rules)
      else this.#ports.delete(key)
      difference.push({ ...(old && { before: old }), ...(rules && { after: rules }) })
    }
    const { text, deletions } = partialScript(this.#base, difference, this.#ports)
    if (text) await this.#restore(text, deletions)
  }

  watch(damaged: Damaged, signal: AbortSignal): void {
    const { monitor } = this.#options
    const canary = () => this.#watchCanary(damaged, signal)
    if (!monitor) return canary()
    const gap = () => this.#doubt(damaged)
    monitorDeletions(monitor, { line: (text) => this.#heard(text, damaged), gap, missing: canary }, signal)
  }

  counts(): RuleCounts[] {
    return (['nat', 'filter'] as const).map((table) => ({
      table,
      total: this.#counts[table],
      written: this.#written[table],
    }))
  }

  async packets(): Promise<PacketCount[]> {
    const { counters } = this.#settings
    if (counters.size === 0) return []
    return packetCounts(await this.#options.kernel.packets(), counters)
  }

  #count({ chains, shared }: PortRules, sign: 1 | -1): void {
    for (const rules of chains.values()) this.#counts.nat += sign * rules.length
    for (const { table } of shared) this.#counts[table] += sign
  }

  #exclusive(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }

  async #restore(script: string, deletions: number): Promise<void> {
    if (this.#quiet()) this.#expected = 0
    this.#expected += deletions
    this.#echoesUntil = Number.POSITIVE_INFINITY
    try {
      await this.#options.kernel.restore(script)
      this.#written = countWritten(script)
    } finally {
      this.#echoesUntil = Date.now() + echoMs
    }
  }

  /** No change of ours is under way, and none is so young that its reports still come. */
  #quiet(): boolean {
    return Date.now() > this.#echoesUntil
  }

  #heard(text: string, damaged: Damaged): void {
    const deletion = parseDeletion(text, this.#options.kernel.family)
    if (!deletion) return
    if (deletion.kind === 'entry') {
      void this.#checkJumps(deletion.table, deletion.chain, damaged)
      return
    }
    if (this.#quiet()) return damaged(`${deletion.what} was deleted`)
    if (this.#expected === 0) return this.#doubt(damaged)
    this.#expected -= 1
    this.#echoesUntil = Math.max(this.#echoesUntil, Date.now() + echoMs)
  }

  /** Among reports of our own changes nothing tells which are somebody else's: the kernel is asked. */
  #doubt(damaged: Damaged): void {
    if (this.#doubting) return
    this.#doubting = true
    setTimeout(() => {
      this.#doubting = false
      void this.#exclusive(() => this.#audit(damaged))
    }, doubtMs).unref()
  }

  async #audit(damaged: Damaged): Promise<void> {
    const saved = await this.#options.kernel.save().catch(() => '')
    const missing = findMissing(saved, this.#base, this.#ports.values())
    if (missing) damaged(missing)
  }

  async #checkJumps(table: string, chain: string, damaged: Damaged): Promise<void> {
    const rules = (await this.#options.kernel.list(table, chain)) ?? ''
    const present = new Set(rules.split('\n').map((rule) => jumpKey({ table, chain, rule })))
    const missing = this.#base.jumps.find((j) => j.table === table && j.chain === chain && !present.has(jumpKey(j)))
    if (missing) damaged(`a jump in ${table} ${chain} was deleted`)
  }

  #watchCanary(damaged: Damaged, signal: AbortSignal): void {
    const timer = setInterval(() => {
      void this.#options.kernel.list('nat', 'KUBE-PROXY-CANARY').then((found) => {
        if (found === undefined && !signal.aborted) damaged('chain nat KUBE-PROXY-CANARY is gone')
      })
    }, this.#options.canaryPeriodMs)
    signal.addEventListener('abort', () => clearInterval(timer))
  }
}

const told = {
  [invalidDroppedCounter]: 'invalid-dropped',
  [localhostNodePortsCounter]: 'localhost-node-port-accepted',
} as const

function packetCounts(counted: ReadonlyMap<string, number>, ours: ReadonlySet<string>): PacketCount[] {
  return Object.entries(told).flatMap(([name, what]) => {
    const packets = ours.has(name) ? counted.get(name) : undefined
    return packets === undefined ? [] : [{ what, packets }]
  })
}

function countRules(chains: Readonly<Record<string, readonly string[]>>): number {
  return Object.values(chains).reduce((sum, rules) => sum + rules.length, 0)
}
