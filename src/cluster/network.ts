/** Makes and removes the networks of a cluster: the edge of network-plan.ts. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run, runOk } from '../lib/exec.ts'
import { type Cidr, overlaps, parseCidr } from '../lib/ip.ts'
import {
  egressTable,
  hostBatch,
  hostEgressRules,
  isClusterNamespace,
  type NamespaceSetup,
  nodeCable,
  nodeSetup,
  outside,
  outsideNamespace,
  outsideSetup,
  plugIn,
  switchEgressRules,
  switchSetup,
  teardownBatch,
} from './network-plan.ts'
import { type Layout, type NodeLayout, rangesOf, SettingsError } from './settings.ts'

const netnsDirectory = '/run/netns'
/** From linux/magic.h: a mounted namespace; a name in /run/netns that is not one is a leftover. */
const nsfsMagic = 0x6e736673

/** What must be put back on the host when the cluster goes. */
interface HostChanges {
  readonly uplink: string
  /** What `net.ipv4.conf.UPLINK.forwarding` was. */
  readonly forwarding: string
}

interface HostRoute {
  readonly dst: string
  readonly dev?: string
  readonly gateway?: string
  readonly type?: string
}

/** `up`: made already and whole. `absent`: nothing of it. `partial`: leftovers of a crash, or of a start that was ended. */
export function networkState(layout: Layout, nodes: readonly NodeLayout[]): 'up' | 'partial' | 'absent' {
  const found = clusterNamespaces(layout)
  if (found.length === 0 && !hostDeviceExists(layout)) return 'absent'
  const wanted = [layout.switchNamespace, ...nodes.map((node) => node.namespace)]
  const alive = wanted.every((name) => found.includes(name) && isMounted(name))
  return alive && hostDeviceExists(layout) && existsSync(madeFile(layout)) ? 'up' : 'partial'
}

/** Written when the last address is in place: names and devices are there long before. */
function madeFile(layout: Layout): string {
  return join(layout.run, 'network.made')
}

/** /proc/net/dev, not /sys/class/net: the latter shows the namespace sysfs was mounted in. */
function hostDeviceExists(layout: Layout): boolean {
  return readFileSync('/proc/net/dev', 'utf8').includes(`${layout.hostDevice}:`)
}

function isMounted(namespace: string): boolean {
  return statfsSync(join(netnsDirectory, namespace)).type === nsfsMagic
}

export function clusterNamespaces(layout: Layout): string[] {
  if (!existsSync(netnsDirectory)) return []
  return readdirSync(netnsDirectory).filter((name) => isClusterNamespace(layout, name))
}

/** Makes everything; the caller has seen that nothing of it is there. Says whether pods can reach the outside. */
export async function createNetwork(layout: Layout, nodes: readonly NodeLayout[]): Promise<{ egress: boolean }> {
  const routes = await hostRoutes(layout)
  checkOverlaps(layout, routes)
  const uplink = routes.find((route) => route.dst === 'default' && !route.gateway?.includes(':'))?.dev
  const way = uplink !== undefined && existsInPath('nft') && layout.nodeCidrs.some((range) => !range.includes(':'))
  const egress = layout.config.egress && way
  await ipBatch(hostBatch(layout, nodes))
  await together([
    setUp(switchSetup(layout, nodes, egress)),
    ...nodes.map((node) => setUp(nodeSetup(layout, node))),
    ...(egress ? [openEgress(layout, uplink)] : []),
  ])
  mkdirSync(layout.run, { recursive: true, mode: 0o700 })
  writeFileSync(madeFile(layout), '')
  return { egress }
}

/** A node that was off, on a cluster that runs. */
export async function connectNode(layout: Layout, node: NodeLayout): Promise<void> {
  await ipBatch(nodeCable(layout, node))
  await Promise.all([setUp(nodeSetup(layout, node)), inSwitch(layout, plugIn(node))])
}

/** Nothing comes from it any more, and nothing reaches it. */
export async function unplugNode({ switchNamespace }: Layout, { name }: NodeLayout): Promise<void> {
  await run('ip', ['-n', switchNamespace, 'link', 'del', name])
}

/** Its namespace and those of its pods. Processes in them must be gone before. */
export async function removeNodeNamespaces(layout: Layout, node: NodeLayout): Promise<void> {
  const batch = nodeNamespaces(layout, node).map((name) => `netns del ${name}`)
  await run('ip', ['-force', '-batch', '-'], { input: `${batch.join('\n')}\n` })
}

export function nodeNamespaces(layout: Layout, { namespace }: NodeLayout): string[] {
  return clusterNamespaces(layout).filter((name) => name === namespace || name.startsWith(`${namespace}-`))
}

/** Makes the outside host unless it is there; returns its namespace. */
export async function outsideHost(layout: Layout): Promise<string> {
  const namespace = outsideNamespace(layout)
  if (clusterNamespaces(layout).includes(namespace)) return namespace
  const { cable, setup } = outsideSetup(layout)
  await ipBatch(cable)
  await Promise.all([setUp(setup), inSwitch(layout, plugIn(outside))])
  return namespace
}

async function inSwitch({ switchNamespace }: Layout, line: string): Promise<void> {
  await runOk('ip', ['-n', switchNamespace, '-batch', '-'], { input: `${line}\n` })
}

async function hostRoutes({ nodeCidrs }: Layout): Promise<HostRoute[]> {
  const show = async (family: string) =>
    JSON.parse((await runOk('ip', [family, '-j', 'route', 'show', 'table', 'all'])) || '[]') as HostRoute[]
  const dual = nodeCidrs.some((range) => range.includes(':'))
  return (await Promise.all([show('-4'), ...(dual ? [show('-6')] : [])])).flat()
}

/** A range that the machine uses already would cut it off from what is there. */
function checkOverlaps(layout: Layout, routes: readonly HostRoute[]): void {
  for (const { option, text, range } of rangesOf(layout.config)) {
    const taken = routes.find((route) => {
      const used = routeCidr(route)
      return used !== undefined && route.dev !== layout.hostDevice && overlaps(range, used)
    })
    if (taken) {
      const by = taken.dev ? `, which this machine reaches by ${taken.dev}` : ', which this machine uses'
      throw new SettingsError(`${option} ${text} overlaps ${taken.dst}${by}: choose another range with ${option}`)
    }
  }
}

function routeCidr({ dst, type }: HostRoute): Cidr | undefined {
  if (dst === 'default' || type === 'broadcast' || type === 'multicast') return undefined
  return parseCidr(dst.includes('/') ? dst : `${dst}/${dst.includes(':') ? 128 : 32}`)
}

async function ipBatch(lines: readonly string[]): Promise<void> {
  await runOk('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` })
}

/** As Promise.all, but a failure is told when all have ended: what is still being made could not be removed. */
export async function together<T extends readonly Promise<unknown>[] | []>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work)
  return Promise.all(work)
}

/** One process: a shell writes the sysctls and becomes `ip`. */
async function setUp({ namespace, sysctls, batch }: NamespaceSetup): Promise<void> {
  const write = 'for s; do f=/proc/sys/net/${s%%=*}; [ ! -e $f ] || echo ${s#*=} >$f; done; exec ip -batch -'
  await runOk('nsenter', [netFlag(namespace), 'sh', '-c', write, 'sh', ...sysctls], { input: `${batch.join('\n')}\n` })
}

/** nsenter's option for a namespace known by name. */
export function netFlag(namespace: string): string {
  return `--net=${join(netnsDirectory, namespace)}`
}

async function openEgress(layout: Layout, uplink: string): Promise<void> {
  const forwarding = `/proc/sys/net/ipv4/conf/${uplink}/forwarding`
  const changes: HostChanges = { uplink, forwarding: readFileSync(forwarding, 'utf8').trim() }
  mkdirSync(layout.run, { recursive: true, mode: 0o700 })
  writeFileSync(hostChangesFile(layout), JSON.stringify(changes))
  writeFileSync(forwarding, '1')
  writeFileSync(`/proc/sys/net/ipv4/conf/${layout.hostDevice}/forwarding`, '1')
  await Promise.all([
    runOk('nft', ['-f', '-'], { input: hostEgressRules(layout) }),
    runOk('nsenter', [netFlag(layout.switchNamespace), 'nft', '-f', '-'], { input: switchEgressRules(layout) }),
  ])
}

function hostChangesFile(layout: Layout): string {
  return join(layout.run, 'host-network.json')
}

/** Removes all of it, whatever of it is there. Processes in the namespaces must be gone before. */
export async function removeNetwork(layout: Layout): Promise<void> {
  rmSync(madeFile(layout), { force: true })
  const namespaces = clusterNamespaces(layout)
  const batch = teardownBatch(layout, namespaces)
  await Promise.all([run('ip', ['-force', '-batch', '-'], { input: `${batch.join('\n')}\n` }), closeEgress(layout)])
  // A name without a namespace behind it (after a reboot, say) is more than `ip netns del` can remove.
  for (const name of clusterNamespaces(layout)) await removeName(join(netnsDirectory, name))
}

/** Somebody who was killed a moment too late may have mounted it once more. */
async function removeName(path: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await run('umount', ['--lazy', path])
    try {
      rmSync(path, { force: true })
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || attempt === 10) throw error
    }
  }
}

async function closeEgress(layout: Layout): Promise<void> {
  const file = hostChangesFile(layout)
  if (!existsSync(file)) return
  const changes = JSON.parse(readFileSync(file, 'utf8')) as HostChanges
  const forwarding = `/proc/sys/net/ipv4/conf/${changes.uplink}/forwarding`
  if (existsSync(forwarding)) writeFileSync(forwarding, changes.forwarding)
  await run('nft', ['delete', 'table', 'ip', egressTable(layout)])
  rmSync(file)
}

export function existsInPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((directory) => existsSync(join(directory, program)))
}
