/** What the proxy's metrics say of the present: asked for when somebody reads them, kept by nobody. */
import type { PacketCount } from '../modes/mode.ts'
import { externallyAccessible, type Family, type PortPlan } from '../plan/types.ts'
import type { ChangeCounts, ChangeKind } from './changes.ts'

export interface TableRules {
  readonly family: Family
  readonly table: string
  /** Of ours in the kernel. */
  readonly total: number
  /** By the last pass that changed this family. */
  readonly written: number
}

export interface NoLocalEndpoints {
  readonly family: Family
  readonly trafficPolicy: 'internal' | 'external'
  /** Service ports whose policy is Local and whose endpoints are all elsewhere. */
  readonly ports: number
}

export interface ProxyGauges {
  readonly rules: readonly TableRules[]
  readonly noLocalEndpoints: readonly NoLocalEndpoints[]
  readonly packets: readonly PacketCount[]
  readonly changes: Readonly<Record<ChangeKind, ChangeCounts>>
}

export function countNoLocalEndpoints(plans: Iterable<PortPlan>, families: readonly Family[]): NoLocalEndpoints[] {
  const all = [...plans]
  return families.flatMap((family) => {
    const own = all.filter((plan) => plan.family === family)
    const external = own.filter((plan) => plan.external === 'drop' && externallyAccessible(plan))
    return [
      { family, trafficPolicy: 'internal', ports: own.filter((plan) => plan.internal === 'drop').length },
      { family, trafficPolicy: 'external', ports: external.length },
    ] as const
  })
}
