import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, example } from '../harness.ts'
import { startThreeNodes, type ThreeNodes } from './three-nodes.ts'

/** The rules that kube-proxy 1.36 makes of examples/iptables-rules.yaml on the node of the endpoints, sorted. */
const recorded = readFileSync(join(import.meta.dirname, 'w18-nat.txt'), 'utf8')
  .trim()
  .split('\n')
const chainOf = (rule: string) => rule.split(' ')[1] ?? ''
const chains = new Set(recorded.map(chainOf).filter((chain) => /-\w{16}$/.test(chain)))

let cluster: ThreeNodes
beforeAll(async () => {
  cluster = await startThreeNodes()
  await cluster.kubectl('apply', '-f', example('iptables-rules.yaml'))
  for (const node of cluster.nodes.keys()) {
    await eventually(`rules on ${node}`, async () => {
      const rules = (await saved(node, 'nat')).join('\n')
      return ['web', 'web-np', 'web-local'].every((name) => rules.includes(`"demo/${name}:http -> 10.244.0.55:8080"`))
    })
  }
})
afterAll(() => cluster?.down())

async function saved(node: string, table: string): Promise<string[]> {
  return (await cluster.on(node, 'iptables-save', '-t', table)).stdout.trim().split('\n')
}

/** Of the Services of the example: what has their name in its comment, or is in one of their chains. */
async function rulesOfServices(node: string): Promise<string[]> {
  const rules = (await saved(node, 'nat')).filter((line) => line.startsWith('-A '))
  // Kernels with nfacct also count what comes to node ports by 127.0.0.1.
  return rules
    .filter((line) => line.includes('"demo/') || chains.has(chainOf(line)))
    .filter((line) => !line.includes('nfacct'))
}

const byText = (a: string, b: string) => (a < b ? -1 : Number(a > b))

test("W18 the rules are kube-proxy's, hashes and all", async () => {
  expect((await rulesOfServices('node-1')).sort(byText)).toEqual([...recorded].sort(byText))
})

test('W18 the rules of a chain are in the order they are tried', async () => {
  const rules = (await rulesOfServices('node-1')).filter((line) => line.startsWith('-A KUBE-SVC-QCC5NB6GHBMIIHIO '))
  expect(rules.map((line) => /--rcheck|--mode random|-j KUBE-\w+/.exec(line)?.[0])).toEqual([
    '-j KUBE-MARK',
    '--rcheck',
    '--rcheck',
    '--mode random',
    '-j KUBE-SEP',
  ])
})

test('W18 the built-in chains lead there, node ports last, and what is marked is masqueraded', async () => {
  for (const node of cluster.nodes.keys()) {
    const rules = await saved(node, 'nat')
    expect(rules).toContain('-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES')
    expect(rules).toContain('-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES')
    expect(rules).toContain('-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING')
    expect(rules).toContain('-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000')
    expect(rules.filter((line) => line.startsWith('-A KUBE-POSTROUTING'))).toEqual([
      '-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
      '-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0',
      '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
    ])
    expect(rules.filter((line) => line.startsWith('-A KUBE-SERVICES')).at(-1)).toBe(
      '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this ' +
        'chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS',
    )
  }
})

test('W18 a node without endpoints drops what policy Local would have kept there', async () => {
  const dropped =
    '-A KUBE-EXTERNAL-SERVICES -p tcp -m comment --comment "demo/web-local:http has no local endpoints" ' +
    '-m addrtype --dst-type LOCAL -m tcp --dport 30081 -j DROP'
  expect(await saved('node-1', 'filter')).not.toContain(dropped)
  for (const node of ['node-2', 'node-3']) {
    expect(await saved(node, 'filter')).toContain(dropped)
    expect((await rulesOfServices(node)).join('\n')).not.toContain('-A KUBE-SVL-')
  }
})

test('W18 nothing stays when the Services are gone', async () => {
  await cluster.kubectl('delete', 'namespace', 'demo')
  for (const node of cluster.nodes.keys()) {
    await eventually(`no rules and no chains on ${node}`, async () => {
      const text = (await Promise.all([saved(node, 'nat'), saved(node, 'filter')])).flat().join('\n')
      return !text.includes('demo/') && [...chains].every((chain) => !text.includes(chain))
    })
  }
})
