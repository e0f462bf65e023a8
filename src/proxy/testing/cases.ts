/** What every proxy mode promises, as packets: "from here to there ends at these pods, seen as this, or is refused". */
import { addresses, type Place, type Target } from './network.ts'
import { everyPod } from './world.ts'

export interface PacketCase {
  readonly name: string
  readonly from: Place
  readonly to: Target
  readonly count?: number
  /** The pods that may answer; all of them must. */
  readonly pods?: readonly string[]
  /** Exactly one pod answers, whichever it is. */
  readonly onePod?: true
  /** The source that the pods see. */
  readonly client?: string
  /** `refused` covers EPERM, which is how the kernel tells a local UDP sender of a reject. */
  readonly error?: 'refused' | 'TIMEOUT'
}

export const tcp = (ip: string, port = 80): Target => ({ protocol: 'tcp', ip, port })
export const udp = (ip: string, port = 53): Target => ({ protocol: 'udp', ip, port })

type Outcome = Omit<PacketCase, 'name' | 'from' | 'to'>

const is = (name: string, from: Place, to: Target, outcome: Outcome): PacketCase => ({ name, from, to, ...outcome })

const every: Outcome = { count: 50, pods: everyPod }
const only = (pod: string, client?: string): Outcome => ({ count: 4, pods: [pod], ...(client && { client }) })
const refused: Outcome = { error: 'refused' }
const dropped: Outcome = { error: 'TIMEOUT' }

const at = (place: Place, family: 4 | 6 = 4) => addresses[place][family]
const [node1, node2, outside] = [at('node-1'), at('node-2'), at('outside')]

const clusterIp = [
  is('a pod reaches every endpoint', 'pod-1', tcp('10.96.0.10'), { ...every, count: 60 }),
  is('a node reaches every endpoint', 'node-1', tcp('10.96.0.10'), { ...every, count: 60 }),
  is('a pod reaches itself, seen under another address', 'pod-1', tcp('10.96.0.11'), only('pod-1', node1)),
  is('another pod keeps its address', 'pod-2', tcp('10.96.0.11'), only('pod-1', at('pod-2'))),
  is('a pod of another node keeps its address', 'pod-3', tcp('10.96.0.11'), only('pod-1', at('pod-3'))),
  is('a host outside is masqueraded', 'outside', tcp('10.96.0.11'), only('pod-1', node1)),
  is('no endpoints: TCP from a pod is refused at once', 'pod-1', tcp('10.96.0.12'), refused),
  is('no endpoints: UDP from a pod is refused at once', 'pod-1', udp('10.96.0.12'), refused),
  is('no endpoints: TCP from a node is refused at once', 'node-1', tcp('10.96.0.12'), refused),
  is('no endpoints: UDP from a node is refused at once', 'node-1', udp('10.96.0.12'), refused),
  is('affinity keeps a pod with one endpoint', 'pod-1', tcp('10.96.0.13'), { count: 12, onePod: true }),
  is('affinity keeps a node with one endpoint', 'node-1', tcp('10.96.0.13'), { count: 12, onePod: true }),
  is('UDP from a pod', 'pod-1', udp('10.96.0.14'), only('pod-2', at('pod-1'))),
  is('UDP from a node', 'node-1', udp('10.96.0.14'), only('pod-2')),
  is('TCP on the same port number', 'pod-1', tcp('10.96.0.14', 53), only('pod-2')),
  is('internal policy Local uses this node only', 'pod-1', tcp('10.96.0.15'), only('pod-2', at('pod-1'))),
  is('internal policy Local on the other node uses that one only', 'pod-3', tcp('10.96.0.15'), only('pod-3')),
  is('internal policy Local holds for the node itself', 'node-1', tcp('10.96.0.15'), only('pod-2')),
  is('internal policy Local without a pod here drops', 'pod-1', tcp('10.96.0.16'), dropped),
  is('an ending pod that serves is used when nothing is ready', 'pod-1', tcp('10.96.0.17'), only('pod-2')),
]

const nodePorts = [
  is('a node port reaches every endpoint', 'outside', tcp(node1, 30080), every),
  is('a node port on a node without the pod is masqueraded', 'outside', udp(node2, 30053), only('pod-2', node2)),
  is('a node port of this node from a pod', 'pod-1', tcp(node1, 30080), every),
  is('a node port of another node from a pod', 'pod-1', tcp(node2, 30080), every),
  is('a node port from the node itself', 'node-1', tcp(node1, 30080), every),
  is('a node port on localhost', 'node-1', tcp('127.0.0.1', 30080), every),
  is('a UDP node port on localhost', 'node-1', udp('127.0.0.1', 30053), only('pod-2', node1)),
  is('a node port without endpoints is refused', 'outside', tcp(node1, 30082), refused),
  is('a node port without endpoints is refused on localhost', 'node-1', tcp('127.0.0.1', 30082), refused),
  is('affinity holds on node ports', 'outside', tcp(node1, 30083), { count: 12, onePod: true }),
  is('external policy Local keeps the source', 'outside', tcp(node1, 30081), only('pod-2', outside)),
  is('external policy Local without a pod here drops', 'outside', tcp(node2, 30081), dropped),
  is('external policy Local: pods use all endpoints', 'pod-3', tcp(node2, 30081), only('pod-2', at('pod-3'))),
  is('external policy Local: the node uses all endpoints', 'node-2', tcp(node2, 30081), only('pod-2', node2)),
  is('external policy Local: so does localhost', 'node-2', tcp('127.0.0.1', 30081), only('pod-2', node2)),
  is('external policy Local: the cluster IP is untouched', 'pod-3', tcp('10.96.0.21'), only('pod-2', at('pod-3'))),
  is('external policy Local: an ending pod here is the last resort', 'outside', tcp(node1, 30084), only('pod-2')),
  is('external policy Local: a ready pod here is preferred', 'outside', tcp(node2, 30084), only('pod-3', outside)),
]

const balancers = [
  is('a load-balancer address reaches every endpoint', 'outside', tcp('192.0.2.10'), every),
  is('a load-balancer address from a pod does not leave', 'pod-1', tcp('192.0.2.10'), every),
  is('a load-balancer address from a node does not leave', 'node-2', tcp('192.0.2.10'), every),
  is('policy Local keeps the source', 'outside', tcp('192.0.2.11'), only('pod-2', outside)),
  is('policy Local: a pod uses all, under its address', 'pod-1', tcp('192.0.2.11'), {
    count: 30,
    pods: ['pod-2', 'pod-3'],
    client: at('pod-1'),
  }),
  is('policy Local: a node uses all', 'node-1', tcp('192.0.2.11'), { count: 30, pods: ['pod-2', 'pod-3'] }),
  is('source ranges let in whom they name', 'outside', tcp('192.0.2.12'), only('pod-2', node1)),
  is('source ranges drop others', 'outside', tcp('192.0.2.13'), dropped),
  is('source ranges drop pods, too', 'pod-1', tcp('192.0.2.13'), dropped),
  is('source ranges drop the node, too', 'node-1', tcp('192.0.2.13'), dropped),
  is('source ranges that hold the node let it in', 'node-1', tcp('192.0.2.12'), only('pod-2')),
  is('source ranges do not guard the node port', 'outside', tcp(node1, 30086), only('pod-2')),
  is('source ranges do not guard the cluster IP', 'pod-1', tcp('10.96.0.33'), only('pod-2')),
  is('ipMode Proxy leaves the address alone', 'pod-1', tcp('192.0.2.14'), dropped),
  is('ipMode Proxy serves the node port', 'outside', tcp(node1, 30087), only('pod-2', node1)),
  is('a load-balancer address without endpoints is refused', 'outside', tcp('192.0.2.15'), refused),
  is('an external IP is masqueraded', 'outside', tcp('198.51.100.7'), only('pod-3', node1)),
  is('an external IP from a pod', 'pod-1', tcp('198.51.100.7'), only('pod-3')),
  is('an external IP with policy Local drops without a pod here', 'outside', tcp('198.51.100.8'), dropped),
  is('an external IP with policy Local: pods use all', 'pod-1', tcp('198.51.100.8'), only('pod-3', at('pod-1'))),
]

const topology = [
  is('zone hints keep traffic in the zone', 'pod-1', tcp('10.96.0.50'), { count: 10, pods: ['pod-2'] }),
  is('zone hints of the other node', 'pod-3', tcp('10.96.0.50'), { count: 10, pods: ['pod-3'] }),
  is('hints for no zone of ours count for nothing', 'pod-1', tcp('10.96.0.51'), {
    count: 30,
    pods: ['pod-2', 'pod-3'],
  }),
  is('one endpoint without a hint voids all', 'pod-1', tcp('10.96.0.52'), { count: 30, pods: ['pod-2', 'pod-3'] }),
  is('node hints keep traffic on the node', 'pod-1', tcp('10.96.0.53'), { count: 10, pods: ['pod-2'] }),
  is('node hints of the other node', 'node-2', tcp('10.96.0.53'), { count: 10, pods: ['pod-3'] }),
]

const ipv6 = [
  is('IPv6: a pod reaches every endpoint', 'pod-1', tcp('fd00:96::10'), every),
  is('IPv6: a node reaches every endpoint', 'node-2', tcp('fd00:96::10'), every),
  is('IPv6: the other address of the same Service', 'pod-1', tcp('10.96.0.60'), every),
  is('IPv6: a host outside is masqueraded', 'outside', tcp('fd00:96::11'), only('pod-1', at('node-1', 6))),
  is('IPv6: a pod reaches itself, seen under another address', 'pod-1', tcp('fd00:96::11'), { pods: ['pod-1'] }),
  is('IPv6: another pod keeps its address', 'pod-3', tcp('fd00:96::11'), only('pod-1', at('pod-3', 6))),
  is('IPv6: no endpoints, refused', 'pod-1', tcp('fd00:96::12'), refused),
  is('IPv6: no endpoints, refused on the node', 'node-1', tcp('fd00:96::12'), refused),
  is('IPv6: UDP', 'pod-1', udp('fd00:96::14'), only('pod-2', at('pod-1', 6))),
  is('IPv6: a node port', 'outside', tcp(at('node-1', 6), 30090), every),
  is('IPv6: no node ports on ::1', 'node-1', tcp('::1', 30090), refused),
  is('IPv6: policy Local keeps the source', 'outside', tcp(at('node-1', 6), 30091), only('pod-2', at('outside', 6))),
  is('IPv6: policy Local without a pod here drops', 'outside', tcp(at('node-2', 6), 30091), dropped),
  is('IPv6: source ranges drop others', 'outside', tcp('2001:db8::13'), dropped),
  is('IPv6: affinity on a load-balancer address', 'outside', tcp('2001:db8::14'), { count: 12, onePod: true }),
]

export const packetCases: readonly PacketCase[] = [...clusterIp, ...nodePorts, ...balancers, ...topology, ...ipv6]
