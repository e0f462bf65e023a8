/** Gives each node its block of pod addresses. */
import type { Node } from '../../api/generated/v1.ts'
import { isReason } from '../../api/machinery/status.ts'
import { resources } from '../../client/resources.ts'
import { type Cidr, cidrRange, formatCidr, overlaps, parseCidr } from '../../lib/ip.ts'
import { type ControllerContext, startQueue } from '../context.ts'

const defaultMaskSize = { 4: 24, 6: 64 }
const addressBits = { 4: 32, 6: 128 }

/** The first block of `maskSize` in `range` that overlaps none of those in use; undefined when there is none left. */
export function nextBlock(range: string, maskSize: number, used: readonly string[]): string | undefined {
  const within = parseCidr(range)
  if (!within || maskSize < within.prefix) return undefined
  const taken = used.flatMap((text) => parseCidr(text) ?? []).filter((cidr) => cidr.ip.family === within.ip.family)
  const { first } = cidrRange(within)
  const step = 1n << BigInt(addressBits[within.ip.family] - maskSize)
  const count = 1n << BigInt(maskSize - within.prefix)
  for (let i = 0n; i < count; i++) {
    const block: Cidr = { ip: { ...first, value: first.value + i * step }, prefix: maskSize }
    if (!taken.some((cidr) => overlaps(cidr, block))) return formatCidr(block)
  }
  return undefined
}

/** One block of each range, or the family that has none left. */
export function allocate(
  ranges: readonly string[],
  maskSizes: { readonly 4?: number; readonly 6?: number },
  nodes: readonly Node[],
): { podCIDRs: string[] } | { exhausted: string } {
  const used = nodes.flatMap(({ spec }) => spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []))
  const podCIDRs: string[] = []
  for (const range of ranges) {
    const family = range.includes(':') ? 6 : 4
    const block = nextBlock(range, maskSizes[family] ?? defaultMaskSize[family], used)
    if (block === undefined) return { exhausted: range }
    podCIDRs.push(block)
  }
  return { podCIDRs }
}

export function startNodeIpamController(ctx: ControllerContext): void {
  const { podCidrs, nodeCidrMaskSize = {} } = ctx.settings
  if (podCidrs.length === 0) return
  const nodes = ctx.informers.of(resources.nodes)
  const events = ctx.events('cidrAllocator')
  /** Given away, and not yet seen in the cache. */
  const pending = new Map<string, Node>()

  const reconcile = async (name: string) => {
    const node = nodes.get(name)
    if (!node || node.spec?.podCIDR || pending.has(name)) return
    const result = allocate(podCidrs, nodeCidrMaskSize, [...nodes.list(), ...pending.values()])
    if ('exhausted' in result) {
      events.event(node, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`)
      throw new Error(`no block of ${result.exhausted} is left for node ${name}`)
    }
    const [podCIDR = ''] = result.podCIDRs
    const spec = { podCIDR, podCIDRs: result.podCIDRs }
    pending.set(name, { ...node, spec })
    try {
      await ctx.client.patch(resources.nodes, { name }, { spec })
    } catch (error) {
      pending.delete(name)
      if (!isReason(error, 'NotFound')) throw error
    }
  }
  const queue = startQueue(ctx, { name: 'node-ipam', after: [nodes], reconcile })
  nodes.onChange(({ type, object }) => {
    const { name } = object.metadata
    if (type === 'deleted' || object.spec?.podCIDR) pending.delete(name)
    if (type !== 'deleted' && !object.spec?.podCIDR) queue.add(name)
  })
}
