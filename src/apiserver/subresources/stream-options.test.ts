import { expect, test } from 'vitest'
import { agentHeaders, kubeletQuery, type StreamedSubresource } from './stream-options.ts'

const cases: [subresource: StreamedSubresource, query: string, kubelet: string][] = [
  ['exec', 'command=sh&command=-c&command=a%20b&stdout=true', 'command=sh&command=-c&command=a+b&output=1'],
  ['exec', 'command=x&stdin=1&stdout=TRUE&stderr&tty=yes', 'command=x&error=1&input=1&output=1&tty=1'],
  ['exec', 'command=x&stdin=false&stdout=0&stderr=False', 'command=x'],
  ['attach', 'command=x&stdin=true&container=c', 'input=1'],
  ['portforward', '', ''],
  ['portforward', 'ports=80&ports=81,82', 'port=80%2C81%2C82'],
]
test.each(cases)('%s?%s', (subresource, query, kubelet) => {
  expect(kubeletQuery(subresource, new URLSearchParams(query)).toString()).toBe(kubelet)
})

test.each(['x', '-1', '', '65536'])('port %j is refused', (port) => {
  const read = () => kubeletQuery('portforward', new URLSearchParams({ ports: port }))
  expect(read).toThrow('cannot convert to []int32: strconv.ParseUint: parsing ')
})

test.each<[subresource: StreamedSubresource, offered: string, told: string]>([
  ['exec', 'v4.channel.k8s.io, v5.channel.k8s.io', 'v5.channel.k8s.io'],
  ['attach', 'v5.channel.k8s.io', 'v5.channel.k8s.io'],
  ['exec', 'v4.channel.k8s.io, channel.k8s.io', 'v4.channel.k8s.io, channel.k8s.io'],
  ['portforward', 'v4.channel.k8s.io, v5.channel.k8s.io', 'v4.channel.k8s.io, v5.channel.k8s.io'],
])('%s of a client that offers %s is asked of the agent with %s', (subresource, offered, told) => {
  const relayed = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'x' }
  const headers = { ...relayed, cookie: 'a=b', 'sec-websocket-protocol': offered }
  expect(agentHeaders(subresource, headers)).toEqual({ ...relayed, 'sec-websocket-protocol': told })
})
