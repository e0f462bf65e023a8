import { expect, test, vi } from 'vitest'
import type { Node } from '../../api/generated/v1.ts'
import { systemClock } from '../../lib/clock.ts'
import type { Exec } from '../../lib/exec.ts'
import { silentLogger } from '../../lib/log.ts'
import { keepPodRoutes, type NodeCache } from './index.ts'

const node = (name: string, address: string, cidr: string): Node => ({
  metadata: { name },
  spec: { podCIDR: cidr, podCIDRs: [cidr] },
  status: { addresses: [{ type: 'InternalIP', address }] },
})

/** Nodes that change when told; `ip` as far as it is asked, with what it was told in `programs`. */
function world() {
  let nodes: Node[] = []
  let fails = false
  const handlers: (() => void)[] = []
  const programs: string[] = []
  const cache: NodeCache = {
    synced: Promise.resolve(),
    list: () => nodes,
    onChange: (handler) => handlers.push(handler),
  }
  const exec: Exec = async (_, args, options) => {
    const input = options?.input?.toString().trim()
    programs.push(input ?? args.join(' '))
    return { code: input && fails ? 1 : 0, stdout: '', stderr: '' }
  }
  return {
    programs,
    cache,
    exec,
    become: (next: Node[], how: 'works' | 'fails' = 'works') => {
      nodes = next
      fails = how === 'fails'
      for (const handler of handlers) handler()
    },
  }
}

const shown = '-j route show table all proto 102'
const added = 'route replace 10.244.1.0/24 via 172.30.0.11 proto 102'
const first = node('node-1', '172.30.0.11', '10.244.1.0/24')

test('the kernel is asked once per change of addresses, however often nodes change', async () => {
  const { programs, cache, exec, become } = world()
  const stop = new AbortController()
  keepPodRoutes({ nodes: cache, exec, clock: systemClock, log: silentLogger }, stop.signal)
  await vi.waitFor(() => expect(programs).toEqual([shown]))
  become([first])
  become([{ ...first, metadata: { name: 'node-1', labels: { a: 'b' } } }])
  await vi.waitFor(() => expect(programs).toHaveLength(3))
  become([first])
  become([])
  await vi.waitFor(() => expect(programs).toEqual([shown, shown, added, shown]))
  stop.abort()
})

test('after a failure the kernel is asked again, also when what was there before is wanted again', async () => {
  const { programs, cache, exec, become } = world()
  const stop = new AbortController()
  keepPodRoutes({ nodes: cache, exec, clock: systemClock, log: silentLogger }, stop.signal)
  await vi.waitFor(() => expect(programs).toEqual([shown]))
  become([first], 'fails')
  await vi.waitFor(() => expect(programs.slice(0, 3)).toEqual([shown, shown, added]))
  const before = programs.length
  become([])
  await vi.waitFor(() => expect(programs.slice(before)).toContain(shown))
  stop.abort()
})
