import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Pod } from '../../api/generated/v1.ts'
import { run, runOk } from '../../lib/exec.ts'
import { type TestAgent, TestNode } from '../testing/node.ts'

const cases = [
  { name: 'dual stack', nodeIPs: ['172.30.0.11', 'fd00:30::11'], podCIDRs: ['10.244.0.0/24', 'fd00:244::/64'] },
  { name: 'IPv6 first', nodeIPs: ['fd00:30::11', '172.30.0.11'], podCIDRs: ['fd00:244::/64', '10.244.0.0/24'] },
  { name: 'IPv6 only', nodeIPs: ['fd00:30::11'], podCIDRs: ['fd00:244::/64'] },
]

const demoapp = {
  image: 'ikubernetes/demoapp:v1.0',
  readinessProbe: { httpGet: { path: '/readyz', port: 80 }, periodSeconds: 10 },
}

describe.each(cases)('pods of a node that is $name', ({ nodeIPs, podCIDRs }) => {
  let node: TestNode
  let agent: TestAgent
  let client: string
  let server: Pod

  beforeAll(async () => {
    node = await TestNode.prepare({ nodeIPs, podCIDRs })
    agent = await node.startAgent()
    const fields = (fieldPath: string) => ({ valueFrom: { fieldRef: { fieldPath } } })
    const env = [
      { name: 'POD_IPS', ...fields('status.podIPs') },
      { name: 'HOST_IPS', ...fields('status.hostIPs') },
    ]
    client = node.createPod('client', { command: ['sleep', '1000'], env })
    node.createPod('server', demoapp)
    await node.untilRunning('client')
    server = await node.untilRunning('server')
  })

  afterAll(async () => {
    agent.stop()
    await node.remove()
  })

  const shell = (script: string) => agent.output(client, script)

  test('have an address of each range, in their order', () => {
    const ips = server.status?.podIPs?.map(({ ip }) => ip) ?? []
    expect(ips.map((ip) => ip.includes(':'))).toEqual(podCIDRs.map((cidr) => cidr.includes(':')))
    expect(server.status?.podIP).toBe(ips[0])
    expect(server.status?.hostIPs).toEqual(nodeIPs.map((ip) => ({ ip })))
    expect(server.status?.hostIP).toBe(nodeIPs[0])
  })

  test('know them', async () => {
    const ips = node.pod('client')?.status?.podIPs?.map(({ ip }) => ip) ?? []
    const output = await shell('echo $POD_IPS $HOST_IPS; cat /etc/hosts')
    expect(output).toContain(`${ips.join(',')} ${nodeIPs.join(',')}\n`)
    for (const ip of ips) expect(output).toContain(`${ip}\tclient\n`)
  })

  test('are reached by node and pods, at once', async () => {
    for (const { ip } of server.status?.podIPs ?? []) {
      const url = `http://${ip.includes(':') ? `[${ip}]` : ip}/`
      const fromNode = await run('curl', ['-sg', '-m', '2', url])
      expect(fromNode.stdout).toContain(`ServerIP: ${ip}`)
      expect(fromNode.stdout).toContain(`ClientIP: ${nodeIPs.find((own) => own.includes(':') === ip.includes(':'))},`)
      const fromPod = await shell(`curl -sg -m 2 '${url}'`)
      const own = node.pod('client')?.status?.podIPs?.find((pod) => pod.ip.includes(':') === ip.includes(':'))
      expect(fromPod).toContain(`ClientIP: ${own?.ip},`)
    }
  })

  test('have no address that waits for duplicate detection', async () => {
    const output = await shell('ip -o address show dev eth0')
    expect(output).not.toContain('tentative')
  })

  test('give their addresses back', async () => {
    await node.deletePod('server')
    await expect.poll(async () => (await run('ip', ['-6', 'route'])).stdout).not.toContain('fd00:244::3 ')
  })
})

describe('a node', () => {
  let node: TestNode
  let agent: TestAgent

  beforeAll(async () => {
    node = await TestNode.prepare()
    agent = await node.startAgent()
  })

  afterAll(async () => {
    agent.stop()
    await node.remove()
  })

  // As the proxy has it in KUBE-FORWARD.
  const dropInvalid = ['FORWARD', '-m', 'conntrack', '--ctstate', 'INVALID', '-j', 'DROP']

  test('tracks connections that are older than the rules of the proxy: they hear of their end', async () => {
    // Input that does not end: neither side ends of its own accord.
    const talk = '(echo begun; tail -f /dev/null) | nc -l -p 7000'
    const server = node.createPod('server', { command: ['sh', '-c', talk] })
    const address = (await node.untilRunning('server')).status?.podIP ?? ''
    const hear = `until nc ${address} 7000 >/tmp/heard; do sleep 0.1; done; echo ended >>/tmp/heard; sleep 1000`
    const client = node.createPod('client', { command: ['sh', '-c', `tail -f /dev/null | { ${hear}; }`] })
    await node.untilRunning('client')
    const heard = () => agent.output(client, 'cat /tmp/heard')
    await expect.poll(heard).toBe('begun\n')
    await runOk('iptables', ['-A', ...dropInvalid])
    try {
      await agent.output(server, 'killall nc')
      await expect.poll(heard).toBe('begun\nended\n')
    } finally {
      await run('iptables', ['-D', ...dropInvalid])
    }
  })
})
