import { expect, test } from 'vitest'
import { silentLogger } from '../../../lib/log.ts'
import { FakeIptables } from '../../testing/fake-iptables.ts'
import { type SpecInput, service, slice } from '../../testing/objects.ts'
import { Tracker } from '../../track/tracker.ts'
import { IptablesKernel } from './kernel.ts'
import { IptablesMode } from './mode.ts'
import { testSettings } from './test-settings.ts'

/** Rules that one Service with this many endpoints here adds to those that are always there. */
async function rulesFor(spec: SpecInput, endpoints: number, vip?: string) {
  const { exec } = new FakeIptables()
  const kernel = new IptablesKernel({ family: 4, exec })
  const mode = new IptablesMode({ kernel, settings: testSettings, canaryPeriodMs: 1000, log: silentLogger })
  await mode.replace([])
  const totals = () => mode.counts().map(({ total }) => total)
  const [nat0 = 0, filter0 = 0] = totals()
  const tracker = new Tracker({ node: 'node-1' })
  tracker.setService(
    service('demo/web', '10.96.0.1', spec, vip ? { loadBalancer: { ingress: [{ ip: vip }] } } : undefined),
  )
  tracker.setSlice(
    slice(
      'demo/web',
      Array.from({ length: endpoints }, (_, i) => `10.244.0.${i + 1}`),
    ),
  )
  await mode.update(tracker.flush().changes)
  const [nat = 0, filter = 0] = totals()
  return [nat - nat0, filter - filter0]
}

const ports = [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30080 }]
const local = { externalTrafficPolicy: 'Local' }
const ranges = { loadBalancerSourceRanges: ['10.0.0.0/8'] }

// [nat, filter]. A number that grows here is paid by every packet and every sync: it is a decision.
const budget: { name: string; spec: SpecInput; endpoints: number; vip?: string; rules: [number, number] }[] = [
  { name: 'no endpoints', spec: {}, endpoints: 0, rules: [0, 1] },
  { name: 'one endpoint', spec: {}, endpoints: 1, rules: [5, 0] },
  { name: 'ten endpoints', spec: {}, endpoints: 10, rules: [32, 0] },
  { name: 'affinity', spec: { sessionAffinity: 'ClientIP' }, endpoints: 10, rules: [42, 0] },
  { name: 'node port', spec: { type: 'NodePort', ports }, endpoints: 10, rules: [35, 0] },
  { name: 'node port, Local', spec: { type: 'NodePort', ports, ...local }, endpoints: 10, rules: [47, 0] },
  { name: 'balancer', spec: { type: 'LoadBalancer', ports }, endpoints: 10, vip: '192.0.2.1', rules: [36, 0] },
  {
    name: 'balancer, source ranges',
    spec: { type: 'LoadBalancer', ports, ...ranges },
    endpoints: 10,
    vip: '192.0.2.1',
    rules: [38, 1],
  },
  {
    name: 'balancer, Local',
    spec: { type: 'LoadBalancer', ports, ...local, healthCheckNodePort: 32000 },
    endpoints: 10,
    vip: '192.0.2.1',
    rules: [48, 1],
  },
]

test.each(budget)('rules of a Service: $name', async ({ spec, endpoints, vip, rules }) => {
  expect(await rulesFor(spec, endpoints, vip)).toEqual(rules)
})
