import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type PortPlan, planKey } from '../../plan/types.ts'
import { FakeIptables } from '../../testing/fake-iptables.ts'
import { type SpecInput, service, slice } from '../../testing/objects.ts'
import { recordedTracker } from '../../testing/recorded.ts'
import { chainsOf } from '../../testing/save-format.ts'
import { Tracker } from '../../track/tracker.ts'
import { findMissing, parseDeletion } from './audit.ts'
import { baseRules } from './base-rules.ts'
import { renderPort } from './port-rules.ts'
import { cleanupScript, countWritten, fullScript, parseExisting, partialScript } from './script.ts'
import type { IptablesSettings } from './settings.ts'
import { testSettings } from './test-settings.ts'

const settings: IptablesSettings = {
  ...testSettings,
  counters: new Set(['ct_state_invalid_dropped_pkts', 'localhost_nps_accepted_pkts']),
}
const nothing = parseExisting('')

function full(plans: Iterable<PortPlan>, existing = nothing): string {
  return fullScript(
    baseRules(settings),
    [...plans].map((plan) => renderPort(plan, settings)),
    existing,
  )
}

/** The rules of one Service with two endpoints here, unless told otherwise. */
function rulesOf(spec: SpecInput, endpoints = ['10.244.0.5', '10.244.0.6'], status?: Parameters<typeof service>[3]) {
  const tracker = new Tracker({ node: 'node-1' })
  tracker.setService(service('demo/web', '10.96.0.9', spec, status))
  tracker.setSlice(slice('demo/web', endpoints))
  tracker.flush()
  return chainsOf(full(tracker.plans()))
}

describe('recorded from kube-proxy 1.36', () => {
  const recorded = chainsOf(readFileSync(join(import.meta.dirname, 'recorded-1.36.golden'), 'utf8'))
  // kubelet's own chain is not the proxy's.
  const foreign = /KUBE-KUBELET-CANARY/
  // The recording left out the rules of kube-dns, but not the names of its chains.
  const kubeDns = /KUBE-SVC-(ERIFXISQEP7F7OF4|JD5MR3NA4I4DYORP|TCOU7JCQXEZGVUNU)|KUBE-SEP-(LGXZ|SUIY|WHU5)/
  const expected = Object.fromEntries(
    Object.entries(recorded)
      .filter(([chain]) => !foreign.test(chain) && !kubeDns.test(chain))
      .map(([chain, rules]) => [chain, rules.filter((rule) => !foreign.test(rule))]),
  )
  const rendered = chainsOf(full(recordedTracker().plans()))

  test('the same chains', () => {
    const ours = new Set([...Object.keys(rendered), 'nat INPUT'])
    ours.delete('mangle KUBE-PROXY-CANARY')
    expect([...ours].sort()).toEqual(Object.keys(expected).sort())
  })
  test.each(Object.entries(expected))('%s', (chain, rules) => expect(rendered[chain] ?? []).toEqual(rules))
})

// `vitest -u` writes it anew; iptables.real.test.ts feeds it to iptables-restore.
test('the whole script is the golden one', async () => {
  const plain = { ...settings, counters: new Set<string>() }
  const ports = [...recordedTracker().plans()].map((plan) => renderPort(plan, plain))
  await expect(fullScript(baseRules(plain), ports, nothing)).toMatchFileSnapshot('full-script.golden')
})

describe('a Service', () => {
  test('without endpoints rejects', () => {
    expect(rulesOf({}, [])['filter KUBE-SERVICES']).toEqual([
      '-d 10.96.0.9/32 -p tcp -m comment --comment "demo/web:http has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable',
    ])
  })
  test('whose local policy finds nothing here drops', () => {
    const tracker = new Tracker({ node: 'node-2' })
    tracker.setService(service('demo/web', '10.96.0.9', { internalTrafficPolicy: 'Local' }))
    tracker.setSlice(slice('demo/web', ['10.244.0.5']))
    tracker.flush()
    const rules = chainsOf(full(tracker.plans()))
    expect(rules['filter KUBE-SERVICES']?.[0]).toMatch(/has no local endpoints.* -j DROP$/)
    expect(Object.keys(rules).filter((c) => /KUBE-(SVC|SVL|SEP)/.test(c))).toEqual([])
  })
  test('with internalTrafficPolicy Local goes through its SVL chain', () => {
    const rules = rulesOf({ internalTrafficPolicy: 'Local' })
    expect(rules['nat KUBE-SERVICES']?.[0]).toMatch(/-j KUBE-SVL-/)
    expect(Object.keys(rules).filter((c) => c.includes('KUBE-SVC-'))).toEqual([])
  })
  test('spreads evenly over three', () => {
    const rules = rulesOf({}, ['10.244.0.5', '10.244.0.6', '10.244.0.7'])
    const chain = Object.entries(rules).find(([c]) => c.includes('KUBE-SVC-'))?.[1]
    expect(chain?.map((r) => /probability (\S+)/.exec(r)?.[1])).toEqual([
      undefined,
      '0.33333333349',
      '0.50000000000',
      undefined,
    ])
  })
  test('with source ranges guards its load-balancer address', () => {
    const rules = rulesOf(
      {
        type: 'LoadBalancer',
        loadBalancerSourceRanges: ['172.30.0.0/16'],
        ports: [{ name: 'http', port: 80, nodePort: 30001 }],
      },
      undefined,
      { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } },
    )
    expect(rules['filter KUBE-PROXY-FIREWALL']?.[0]).toMatch(
      /-d 192.0.2.7\/32 .*not accepted by KUBE-FW-\w{16}" .*-j DROP$/,
    )
    const guard = Object.entries(rules).find(([c]) => c.includes('KUBE-FW-'))?.[1]
    expect(guard?.map((r) => /^-s (\S+) .*-j KUBE-EXT-/.exec(r)?.[1])).toEqual([
      '172.30.0.0/16',
      '192.0.2.7/32',
      undefined,
    ])
  })
  test('without endpoints has no guard either', () => {
    const spec = { type: 'LoadBalancer', loadBalancerSourceRanges: ['172.30.0.0/16'] }
    const rules = rulesOf(spec, [], { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } })
    expect(rules['filter KUBE-PROXY-FIREWALL']).toEqual([])
    expect(Object.keys(rules).filter((chain) => chain.includes('KUBE-FW-'))).toEqual([])
  })
  test('external addresses without endpoints reject in KUBE-EXTERNAL-SERVICES', () => {
    const rules = rulesOf(
      { externalIPs: ['192.0.2.8'], type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30001 }] },
      [],
    )
    expect(rules['filter KUBE-EXTERNAL-SERVICES']?.map((r) => r.slice(r.lastIndexOf('--dport')))).toEqual([
      '--dport 80 -j REJECT --reject-with icmp-port-unreachable',
      '--dport 30001 -j REJECT --reject-with icmp-port-unreachable',
    ])
  })
})

describe('node ports answer on', () => {
  const cases: { name: string; more: Partial<IptablesSettings>; entries: string[]; guard: boolean }[] = [
    { name: 'every address', more: {}, entries: ['--dst-type LOCAL'], guard: true },
    {
      name: 'all but 127.0.0.0/8',
      more: { localhostNodePorts: false },
      entries: ['! -d 127.0.0.0/8', '--dst-type LOCAL'],
      guard: false,
    },
    { name: 'all but ::1', more: { family: 6 }, entries: ['! -d ::1/128', '--dst-type LOCAL'], guard: false },
    {
      name: 'addresses that were chosen',
      more: { nodePortAddresses: ['172.30.9.2', '127.0.0.1'] },
      entries: ['-d 172.30.9.2/32', '-d 127.0.0.1/32'],
      guard: true,
    },
    {
      name: 'chosen addresses but those of loopback',
      more: { nodePortAddresses: ['127.0.0.1', '::1', 'fd00::2'], localhostNodePorts: false },
      entries: ['-d fd00::2/128'],
      guard: false,
    },
  ]
  test.each(cases)('$name', ({ more, entries, guard }) => {
    const { nat, filter } = baseRules({ ...settings, ...more })
    const found = nat['KUBE-SERVICES']?.flatMap((rule) => rule.match(/(! )?-d \S+|--dst-type LOCAL/g) ?? [])
    expect(found).toEqual(entries)
    // Whoever lets packets to 127.0.0.1 pass must keep the neighbours' out.
    expect('KUBE-FIREWALL' in filter).toBe(guard)
  })
})

describe('a difference', () => {
  const web = service('demo/web', '10.96.0.9')
  const base = baseRules(settings)

  /** Applies changes one flush at a time; returns the last script. */
  function lastScript(tracker: Tracker, rules: Map<string, ReturnType<typeof renderPort>>, ...steps: (() => void)[]) {
    let last = { text: '', deletions: 0 }
    for (const step of steps) {
      step()
      const changes = tracker.flush().changes.map(({ before, after }) => {
        const key = planKey((after ?? before) as PortPlan)
        const change = {
          ...(rules.has(key) && { before: rules.get(key) }),
          ...(after && { after: renderPort(after, settings) }),
        }
        if (change.after) rules.set(key, change.after)
        else rules.delete(key)
        return change
      })
      last = partialScript(base, changes, rules)
    }
    return last
  }
  function many(): { tracker: Tracker; rules: Map<string, ReturnType<typeof renderPort>>; fill: () => void } {
    const tracker = new Tracker({ node: 'node-1' })
    const fill = () => {
      for (let i = 0; i < 50; i++) {
        tracker.setService(service(`demo/s${i}`, `10.96.1.${i + 1}`))
        tracker.setSlice(slice(`demo/s${i}`, ['10.244.0.9']))
      }
    }
    return { tracker, rules: new Map(), fill }
  }

  test('of one endpoint writes that Service only, and no shared chain', () => {
    const { tracker, rules, fill } = many()
    const { text } = lastScript(
      tracker,
      rules,
      fill,
      () => {
        tracker.setService(web)
        tracker.setSlice(slice('demo/web', ['10.244.0.5']))
      },
      () => tracker.setSlice(slice('demo/web', ['10.244.0.5', '10.244.0.6'])),
    )
    expect(
      text
        .split('\n')
        .filter((l) => l.startsWith(':'))
        .map((l) => l.slice(1, 10)),
    ).toEqual(['KUBE-SVC-', 'KUBE-SEP-'])
    expect(text).not.toMatch(/KUBE-SERVICES|s1:http/)
  })
  test('of the last endpoint moves the Service to the reject rules and removes its chains', () => {
    const { tracker, rules, fill } = many()
    const { text, deletions } = lastScript(
      tracker,
      rules,
      fill,
      () => {
        tracker.setService(web)
        tracker.setSlice(slice('demo/web', ['10.244.0.5']))
      },
      () => tracker.setSlice(slice('demo/web', [])),
    )
    expect(text).toMatch(/^\*filter\n-I KUBE-SERVICES .*REJECT.*\nCOMMIT\n\*nat/)
    expect(text).toMatch(/-D KUBE-SERVICES -d 10.96.0.9\/32 .*\n-X KUBE-SVC-\w{16}\n-X KUBE-SEP-\w{16}\nCOMMIT\n$/)
    expect(deletions).toBe(1 + 2 + 1 + 2 + 1)
  })
  test('that changes nothing is not written', () => {
    const { tracker, rules, fill } = many()
    const { text } = lastScript(tracker, rules, fill, () => tracker.setService(service('demo/s1', '10.96.1.2')))
    expect(text).toBe('')
  })
  test('of most Services writes the shared chain anew, its last rule last', () => {
    const { tracker, rules, fill } = many()
    const { text } = lastScript(tracker, rules, fill, () => {
      for (let i = 0; i < 40; i++) tracker.deleteService(service(`demo/s${i}`, `10.96.1.${i + 1}`))
    })
    expect(text).toMatch(/:KUBE-SERVICES - \[0:0\]/)
    expect(text).not.toMatch(/-D KUBE-SERVICES/)
    expect(
      text
        .split('\n')
        .filter((l) => l.startsWith('-A KUBE-SERVICES'))
        .at(-1),
    ).toMatch(/must be the last rule/)
  })
})

describe('what is there already', () => {
  const recorded = readFileSync(join(import.meta.dirname, 'recorded-1.36.golden'), 'utf8')
  test('jumps are not made twice, chains of gone Services are removed', () => {
    const text = full([], parseExisting(recorded))
    expect(text).not.toMatch(/^-I/m)
    expect(text.match(/^-X KUBE-/gm)).toHaveLength(recorded.match(/^:KUBE-(SVC|SVL|EXT|SEP)-/gm)?.length ?? 0)
  })
  test('cleanup takes all of ours and leaves kubelet alone', () => {
    const text = cleanupScript(recorded)
    expect(text).not.toMatch(/KUBE-FIREWALL|KUBE-KUBELET-CANARY/)
    expect(text.match(/^-D (INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING)/gm)).toHaveLength(12)
    expect(text).toMatch(/-X KUBE-POSTROUTING/)
  })
})

test('rules that a script adds are counted by table', () => {
  const { mangle: _, ...expected } = Object.fromEntries(
    ['mangle', 'filter', 'nat'].map((table) => {
      const rules = Object.entries(chainsOf(full(recordedTracker().plans()))).filter(([key]) => key.startsWith(table))
      return [table, rules.flatMap(([, lines]) => lines).length]
    }),
  )
  expect(countWritten(full(recordedTracker().plans()))).toEqual(expected)
})

describe('what a kernel lacks', () => {
  const tracker = recordedTracker()
  tracker.flush()
  const base = baseRules(settings)
  const ports = [...tracker.plans()].map((plan) => renderPort(plan, settings))
  const kernel = new FakeIptables()
  kernel.restore(fullScript(base, ports, nothing))
  const saved = kernel.save()
  const without = (rule: RegExp) => saved.replace(new RegExp(`^-A ${rule.source}.*\\n`, 'm'), '')

  const cases: [string, string, string | undefined][] = [
    ['all there', saved, undefined],
    ['a rule of others in our chain', saved.replace('-A KUBE-MARK-MASQ', '-A KUBE-SERVICES -j X\n$&'), undefined],
    ['a shared rule', without(/KUBE-SERVICES/), 'a rule of filter KUBE-SERVICES was deleted'],
    ['a rule of a port', without(/KUBE-SEP/), expect.stringMatching(/^a rule of nat KUBE-SEP-\w+ was deleted$/)],
    ['a jump', without(/PREROUTING/), 'a jump in nat PREROUTING was deleted'],
    ['everything', '', expect.stringMatching(/^a rule of /)],
  ]
  test.each(cases)('%s', (_, text, expected) => expect(findMissing(text, base, ports)).toEqual(expected))
})

describe('deletions nft reports', () => {
  const cases: [string, ReturnType<typeof parseDeletion>][] = [
    ['delete rule ip nat KUBE-SERVICES handle 4', { kind: 'ours', what: 'a rule of nat KUBE-SERVICES' }],
    ['delete chain ip nat KUBE-SVC-XRY76EGRC3BSCIIJ', { kind: 'ours', what: 'chain nat KUBE-SVC-XRY76EGRC3BSCIIJ' }],
    ['delete table ip nat', { kind: 'ours', what: 'table nat' }],
    ['delete rule ip nat PREROUTING handle 5', { kind: 'entry', table: 'nat', chain: 'PREROUTING' }],
    ['delete rule ip filter KUBE-FIREWALL handle 5', { kind: 'ours', what: 'a rule of filter KUBE-FIREWALL' }],
    ['delete rule ip6 nat KUBE-SERVICES handle 4', undefined],
    ['delete rule ip filter DOCKER-USER handle 5', undefined],
    ['delete table inet fairway', undefined],
    ['delete set ip nat foo', undefined],
  ]
  test.each(cases)('%s', (line, expected) => expect(parseDeletion(line, 4)).toEqual(expected))
})
