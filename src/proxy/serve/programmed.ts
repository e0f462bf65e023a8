/** What this node's rules are made from, for who asks about a Service or about a pod's address. */
import { externallyAccessible, type PortPlan, type Verdict } from '../plan/types.ts'
import type { Journal } from '../track/journal.ts'

export interface ProgrammedPort {
  /** '' for an unnamed port. */
  readonly name: string
  readonly ipFamily: 'IPv4' | 'IPv6'
  readonly protocol: string
  readonly port: number
  readonly nodePort?: number
  /** Of the Service. */
  readonly resourceVersion: string
  /** Name → resourceVersion of the slices of this family. */
  readonly endpointSlices: Readonly<Record<string, string>>
  /** RFC 3339. */
  readonly programmedAt: string
  /** From the watch event to the kernel's commit. */
  readonly latencyMs: number
  readonly internal: Verdict
  /** Absent: nothing outside leads to it. */
  readonly external?: Verdict
  /** Endpoints that the rules lead to from this node. */
  readonly endpoints: number
}

/** The body of `GET /fairway/services/NAMESPACE/NAME`. */
export interface ProgrammedService {
  readonly namespace: string
  readonly name: string
  /** Something newer is known and not yet in the kernel. */
  readonly pending: boolean
  readonly ports: readonly ProgrammedPort[]
}

/** Undefined: this proxy has no rules for such a Service. */
export function describeProgrammed(
  service: string,
  journal: Pick<Journal, 'programmed' | 'isPending'>,
  plans: Iterable<PortPlan>,
): ProgrammedService | undefined {
  const programmed = journal.programmed(service)
  if (!programmed) return undefined
  const [namespace = '', name = ''] = service.split('/')
  const ports = [...plans].map((plan): ProgrammedPort => {
    const slices = programmed.slices.filter((slice) => slice.family === plan.family)
    const reachable = new Set([...plan.cluster, ...plan.local].map(({ ip, port }) => `${ip} ${port}`))

    return {
      name: plan.id.slice(service.length + 1),
      ipFamily: `IPv${plan.family}`,
      protocol: plan.protocol.toUpperCase(),
      port: plan.port,
      ...(plan.nodePort > 0 && { nodePort: plan.nodePort }),
      resourceVersion: programmed.service,
      endpointSlices: Object.fromEntries(slices.map((slice) => [slice.name, slice.resourceVersion])),
      programmedAt: new Date(programmed.at).toISOString(),
      latencyMs: Math.round(programmed.latencyMs * 10) / 10,
      internal: plan.internal,
      ...(externallyAccessible(plan) && { external: plan.external }),
      endpoints: reachable.size,
    }
  })
  return { namespace, name, pending: journal.isPending(service), ports }
}

/** Of the Services that an address is an endpoint of, those whose rules do not say yet that it is ending. */
export function countLeading(
  services: Iterable<{ readonly service: string; readonly ending: boolean }>,
  journal: Pick<Journal, 'isPending'>,
): number {
  return [...services].filter(({ service, ending }) => !ending || journal.isPending(service)).length
}
