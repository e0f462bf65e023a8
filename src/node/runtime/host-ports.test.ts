import { expect, test } from 'vitest'
import { hostPortScript } from './host-ports.ts'

const rules = (script: string) =>
  script.split('\n').filter((line) => line.startsWith('add rule') && !line.includes('fib'))

test('every port of every pod has its rule, in both families', () => {
  const script = hostPortScript([
    {
      netns: 'a',
      ips: ['10.244.0.2', 'fd00:244::2'],
      hostPorts: [
        { protocol: 'TCP', hostPort: 8080, containerPort: 80 },
        { protocol: 'UDP', hostPort: 53, containerPort: 5353, hostIP: '172.30.0.11' },
      ],
    },
  ])
  const table = 'inet fairway-host-ports'
  expect(rules(script)).toEqual([
    `add rule ${table} ports meta nfproto ipv4 tcp dport 8080 dnat ip to 10.244.0.2:80`,
    `add rule ${table} ports meta nfproto ipv6 tcp dport 8080 dnat ip6 to [fd00:244::2]:80`,
    `add rule ${table} ports ip daddr 172.30.0.11 udp dport 53 dnat ip to 10.244.0.2:5353`,
    `add rule ${table} martians iifname != "lo" ip daddr 127.0.0.0/8 drop`,
    `add rule ${table} martians iifname != "lo" ip saddr 127.0.0.0/8 drop`,
    `add rule ${table} postrouting ip saddr 10.244.0.2 ip daddr 10.244.0.2 ct status dnat masquerade`,
    `add rule ${table} postrouting ip saddr 127.0.0.0/8 ip daddr 10.244.0.2 ct status dnat masquerade`,
    `add rule ${table} postrouting ip6 saddr fd00:244::2 ip6 daddr fd00:244::2 ct status dnat masquerade`,
  ])
  expect(script.indexOf('flush table')).toBeLessThan(script.indexOf('add rule'))
})

test('without ports there is no table', () => {
  expect(hostPortScript([])).toBe('add table inet fairway-host-ports\ndelete table inet fairway-host-ports\n')
})
