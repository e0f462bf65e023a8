/** The audit of node ports: what Services say they hold against what the server says is held. */
import type { Service } from '../../api/generated/v1.ts'
import { objectKey, splitKey } from '../../api/machinery/object.ts'
import type { EventRecorder } from '../../client/events.ts'
import { resources } from '../../client/resources.ts'
import type { ControllerContext } from '../context.ts'
import { auditIntervalMs, every } from './every.ts'

export interface NodePortClaim {
  readonly port: number
  /** `NAMESPACE/NAME` of the Service. */
  readonly holder: string
  readonly revision: number
}

/** The server's claims on node ports; the API server's room has the real one. */
export interface NodePortLedger {
  /** Inclusive. */
  readonly range: { readonly from: number; readonly to: number }
  list(): Promise<NodePortClaim[]>
  /** False when somebody has it. */
  claim(port: number, holder: { namespace: string; name: string }): Promise<boolean>
  /** False when it has changed hands or is free already. */
  release(claim: NodePortClaim): Promise<boolean>
}

export type PortFinding =
  | { readonly type: 'outOfRange' | 'duplicate' | 'unclaimed'; readonly port: number; readonly service: Service }
  | { readonly type: 'leaked'; readonly port: number; readonly claim: NodePortClaim }

/** Pure. A port that several Services hold is the claim's holder's, else the oldest Service's. */
export function auditPorts(
  services: readonly Service[],
  claims: readonly NodePortClaim[],
  range: NodePortLedger['range'],
): PortFinding[] {
  const findings: PortFinding[] = []
  const claimed = new Map(claims.map((claim) => [claim.port, claim]))
  const byPort = new Map<number, Service[]>()
  for (const service of [...services].sort(older)) {
    for (const port of nodePortsOf(service)) byPort.set(port, [...(byPort.get(port) ?? []), service])
  }
  for (const [port, holders] of byPort) {
    if (port < range.from || port > range.to) {
      findings.push(...holders.map((service) => ({ type: 'outOfRange', port, service }) as const))
      continue
    }
    const claim = claimed.get(port)
    const owner = holders.find((service) => objectKey(service) === claim?.holder) ?? holders[0]
    for (const service of holders) if (service !== owner) findings.push({ type: 'duplicate', port, service })
    if (!owner || claim?.holder === objectKey(owner)) continue
    if (claim) findings.push({ type: 'leaked', port, claim })
    findings.push({ type: 'unclaimed', port, service: owner })
  }
  for (const claim of claims) if (!byPort.has(claim.port)) findings.push({ type: 'leaked', port: claim.port, claim })
  return findings
}

function older(a: Service, b: Service): number {
  const [first = '', second = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp]
  return first < second ? -1 : first > second ? 1 : 0
}

function nodePortsOf({ spec }: Service): Set<number> {
  const ports = [...(spec?.ports ?? []).map(({ nodePort }) => nodePort), spec?.healthCheckNodePort]
  return new Set(ports.flatMap((port) => port || []))
}

/** Audits once at the start, and then at intervals. */
export function startPortRepair(ctx: ControllerContext, ledger: NodePortLedger): void {
  const events = ctx.events('portallocator-repair-controller')
  const audit = () => {
    if (ctx.signal.aborted) return
    void repairPorts(ctx, ledger, events).catch((error: unknown) =>
      ctx.log.warn({ err: error }, 'node ports could not be audited'),
    )
  }
  audit()
  every(ctx, auditIntervalMs, audit)
}

/**
 * Claims are read first and each Service's ports are written together with its claims; so a claim whose Service does
 * not know it has leaked, unless it has changed since, and then it cannot be released.
 */
async function repairPorts(ctx: ControllerContext, ledger: NodePortLedger, events: EventRecorder): Promise<void> {
  const claims = await ledger.list()
  const { items } = await ctx.client.list(resources.services)
  for (const finding of auditPorts(items, claims, ledger.range)) await settle(ledger, events, finding)
}

async function settle(ledger: NodePortLedger, events: EventRecorder, finding: PortFinding): Promise<void> {
  const { port } = finding
  const warn = (service: Service, reason: string, message: string) =>
    events.event({ apiVersion: 'v1', kind: 'Service', ...service }, 'Warning', reason, message)
  switch (finding.type) {
    case 'outOfRange': {
      const { from, to } = ledger.range
      const message = `Port ${port} is not within the port range ${from}-${to}; please recreate service`
      return warn(finding.service, 'PortOutOfRange', message)
    }
    case 'duplicate': {
      const message = `Port ${port} was assigned to multiple services; please recreate service`
      return warn(finding.service, 'PortAlreadyAllocated', message)
    }
    case 'unclaimed': {
      const { namespace = '', name } = finding.service.metadata
      if (!(await ledger.claim(port, { namespace, name }))) return
      return warn(finding.service, 'PortNotAllocated', `Port ${port} is not allocated; repairing`)
    }
    case 'leaked': {
      if (!(await ledger.release(finding.claim))) return
      const { holder } = finding.claim
      const message = `Port ${port} for Service ${holder} appears to have leaked: cleaning up`
      return warn({ metadata: splitKey(holder) }, 'PortNotAllocated', message)
    }
  }
}
