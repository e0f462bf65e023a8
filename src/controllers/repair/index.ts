/**
 * Audits what Services hold: every cluster IP has its IPAddress and every node port its claim, each held by one Service,
 * none by nobody. What leaked is freed, what is missing is made up for, and an Event on the object says so
 * (upstream's ipallocator and portallocator repair controllers).
 *
 *   services, ipaddresses, servicecidrs → addresses.ts → create or delete an IPAddress
 *   services, the server's claims       → ports.ts     → claim or release a port
 */
import type { ControllerContext } from '../context.ts'
import { startAddressRepair } from './addresses.ts'
import { type NodePortLedger, startPortRepair } from './ports.ts'

export type { NodePortClaim, NodePortLedger } from './ports.ts'

/** `nodePorts`: the server's claims, where the controllers run beside it. */
export function startRepairController(ctx: ControllerContext, nodePorts?: NodePortLedger): void {
  startAddressRepair(ctx)
  if (nodePorts) startPortRepair(ctx, nodePorts)
}
