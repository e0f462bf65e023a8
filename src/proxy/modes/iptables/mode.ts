/** The iptables mode for one address family: keeps a mirror of the rules it wrote and writes differences. */
import type { Logger } from '../../../lib/log.ts'
import { type PortChange, type PortPlan, planKey } from '../../plan/types.ts'
import type { Mode } from '../mode.ts'
import { findMissing, monitorDeletions, parseDeletion } from './audit.ts'
import { type BaseRules, baseRules } from './base-rules.ts'
import type { IptablesKernel } from './kernel.ts'
import { type PortRules, renderPort, type Table } from './port-rules.ts'
import { fullScript, jumpKey, parseExisting, partialScript, type RulesChange } from './script.ts'
import { type IptablesSettings, largeClusterEndpoints } from './settings.ts'

export interface IptablesModeOptions {
  readonly kernel: IptablesKernel
  readonly settings: IptablesSettings
  /** Prints deletions of rules as `nft monitor` does; absent: iptables here is not nftables. */
  readonly monitor?: readonly string[]
  /** Between two looks at the canary chain where there is no monitor. */
  readonly canaryPeriodMs: number
  readonly log: Logger
}

/** Reports of a change of our own begin, and go on, within this time. */
const echoMs = 100

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
  #quietFrom = 0
  #working = 0
  #writes = 0
  #doubting = false

  constructor(options: IptablesModeOptions) {
    this.#options = options
    this.#settings = options.settings
    this.#base = baseRules(options.settings)
  }

  async replace(plans: Iterable<PortPlan>): Promise<void> {
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

  async update(changes: readonly PortChange[]): Promise<void> {
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
    const gap = () => {
      if (this.#own()) this.#doubt(damaged)
      else damaged('reports of deleted rules were lost')
    }
    monitorDeletions(monitor, { line: (text) => this.#heard(text, damaged), gap, missing: canary }, signal)
  }

  counts(): Record<string, number> {
    return { ...this.#counts }
  }

  #count({ chains, shared }: PortRules, sign: 1 | -1): void {
    for (const rules of chains.values()) this.#counts.nat += sign * rules.length
    for (const { table } of shared) this.#counts[table] += sign
  }

  async #restore(script: string, deletions: number): Promise<void> {
    if (!this.#own()) this.#expected = 0
    this.#expected += deletions
    this.#working += 1
    this.#writes += 1
    try {
      await this.#options.kernel.restore(script)
    } finally {
      this.#working -= 1
      this.#quietFrom = Date.now() + echoMs
    }
  }

  /** A change of ours is under way, or its reports may still come. */
  #own(): boolean {
    return this.#working > 0 || Date.now() < this.#quietFrom
  }

  #heard(text: string, damaged: Damaged): void {
    const deletion = parseDeletion(text, this.#options.kernel.family)
    if (!deletion) return
    if (deletion.kind === 'entry') {
      void this.#checkJumps(deletion.table, deletion.chain, damaged)
      return
    }
    if (!this.#own()) return damaged(`${deletion.what} was deleted`)
    this.#quietFrom = Math.max(this.#quietFrom, Date.now() + echoMs)
    if (this.#expected > 0) this.#expected -= 1
    else this.#doubt(damaged)
  }

  /** Somebody else's deletion may hide among the reports of our own: soon, the kernel is asked what it holds. */
  #doubt(damaged: Damaged): void {
    if (this.#doubting) return
    this.#doubting = true
    setTimeout(() => void this.#verify(damaged), echoMs).unref()
  }

  async #verify(damaged: Damaged): Promise<void> {
    this.#doubting = false
    const writes = this.#writes
    const saved = await this.#options.kernel.save().catch(() => '')
    // What was read in the middle of a change says nothing.
    if (this.#working > 0 || this.#writes !== writes) return this.#doubt(damaged)
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
        if (found === undefined && !signal.aborted && !this.#own()) damaged('chain nat KUBE-PROXY-CANARY is gone')
      })
    }, this.#options.canaryPeriodMs)
    signal.addEventListener('abort', () => clearInterval(timer))
  }
}

function countRules(chains: Readonly<Record<string, readonly string[]>>): number {
  return Object.values(chains).reduce((sum, rules) => sum + rules.length, 0)
}
