import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Pod } from '../../api/generated/v1.ts'
import { type ClusterNames, hostsFile, kernelHostname, podHostname } from './files.ts'
import { resolvConf } from './resolv-conf.ts'
import { writeVolume } from './volumes/atomic-writer.ts'

const names: ClusterNames = {
  nodeName: 'node-1',
  clusterDNS: '10.96.0.10',
  clusterDomain: 'cluster.local',
  hostResolvConf: 'nameserver 127.0.0.1\n',
  hostHosts: '127.0.0.1\tlocalhost\n',
}

function pod(spec: Partial<NonNullable<Pod['spec']>>, name = 'cli'): Pod {
  return { metadata: { name, namespace: 'demo' }, spec: { containers: [], ...spec } }
}

const managed = [
  '# Kubernetes-managed hosts file.',
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'fe00::0\tip6-mcastprefix',
  'fe00::1\tip6-allnodes',
  'fe00::2\tip6-allrouters',
]

describe('/etc/hosts', () => {
  test('of a plain pod', () => {
    expect(hostsFile(pod({}), ['10.244.0.59'], names)).toBe([...managed, '10.244.0.59\tcli', ''].join('\n'))
  })
  test('of a pod with a subdomain', () => {
    const web2 = pod({ hostname: 'web-2', subdomain: 'web-hl' })
    const line = '10.244.0.55\tweb-2.web-hl.demo.svc.cluster.local\tweb-2'
    expect(hostsFile(web2, ['10.244.0.55'], names)).toBe([...managed, line, ''].join('\n'))
  })
  test('with aliases', () => {
    const aliased = pod({ hostAliases: [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }] })
    expect(hostsFile(aliased, ['10.244.0.59'], names)).toMatch(
      /\tcli\n\n# Entries added by HostAliases.\n1\.2\.3\.4\ta\tb\n$/,
    )
  })
  test('on the node network', () => {
    expect(hostsFile(pod({ hostNetwork: true }), ['172.30.0.11'], names)).toBe(
      '# Kubernetes-managed hosts file (host network).\n127.0.0.1\tlocalhost\n',
    )
  })
})

describe('/etc/resolv.conf', () => {
  const cluster =
    'search demo.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n'
  const none = { nameservers: ['1.1.1.1'], searches: ['resolv.conf.local'], options: [{ name: 'ndots', value: '2' }] }
  const cases: [string, Partial<NonNullable<Pod['spec']>>, string][] = [
    ['ClusterFirst', { dnsPolicy: 'ClusterFirst' }, cluster],
    ['ClusterFirst on the node network', { dnsPolicy: 'ClusterFirst', hostNetwork: true }, 'nameserver 127.0.0.1\n'],
    ['ClusterFirstWithHostNet', { dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true }, cluster],
    ['Default', { dnsPolicy: 'Default' }, 'nameserver 127.0.0.1\n'],
    ['None', { dnsPolicy: 'None', dnsConfig: none }, 'search resolv.conf.local\nnameserver 1.1.1.1\noptions ndots:2\n'],
    [
      'ClusterFirst with dnsConfig',
      { dnsPolicy: 'ClusterFirst', dnsConfig: none },
      'search demo.svc.cluster.local svc.cluster.local cluster.local resolv.conf.local\nnameserver 10.96.0.10\nnameserver 1.1.1.1\noptions ndots:2\n',
    ],
  ]
  test.each(cases)('%s', (_, spec, expected) =>
    expect(resolvConf(pod(spec), names)).toEqual({ text: expected, omissions: [] }),
  )

  test('takes no more than resolvers do, and says so', () => {
    const dnsConfig = {
      nameservers: ['1.1.1.1', '2.2.2.2', '3.3.3.3'],
      searches: Array.from({ length: 40 }, (_, i) => `s${i}`),
    }
    const { text, omissions } = resolvConf(pod({ dnsConfig }), names)
    expect(text).toContain('\nnameserver 10.96.0.10\nnameserver 1.1.1.1\nnameserver 2.2.2.2\noptions')
    expect(omissions[0]).toBe(
      'Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.96.0.10 1.1.1.1 2.2.2.2',
    )
    expect(omissions[1]).toMatch(/^Search Line limits were exceeded, some search paths have been omitted, .* s28$/)
    const long = Array.from({ length: 9 }, (_, i) => `${i}${'x'.repeat(250)}`)
    expect(resolvConf(pod({ dnsPolicy: 'None', dnsConfig: { searches: long } }), names).text.length).toBeLessThan(2060)
  })

  test("does not take the node's options to the cluster's server", () => {
    const host = { ...names, hostResolvConf: 'search example.org .\nnameserver 127.0.0.1\noptions rotate\n' }
    expect(resolvConf(pod({}), host).text).toBe(
      'search demo.svc.cluster.local svc.cluster.local cluster.local example.org\nnameserver 10.96.0.10\noptions ndots:5\n',
    )
    expect(resolvConf(pod({ dnsPolicy: 'Default' }), host).text).toBe(
      'search example.org\nnameserver 127.0.0.1\noptions rotate\n',
    )
  })
})

test('host names', () => {
  expect(podHostname(pod({}), names)).toBe('cli')
  expect(podHostname(pod({ hostNetwork: true }), names)).toBe('node-1')
  expect(podHostname(pod({}, `${'a'.repeat(62)}-${'b'.repeat(20)}`), names)).toBe('a'.repeat(62))
  const full = pod({ hostname: 'x', subdomain: 's', setHostnameAsFQDN: true })
  expect(podHostname(full, names)).toBe('x')
  expect(kernelHostname(full, names)).toBe('x.s.demo.svc.cluster.local')
  const long = pod({ hostname: 'x'.repeat(40), subdomain: 's', setHostnameAsFQDN: true })
  expect(() => kernelHostname(long, names)).toThrow('is too long (64 characters is the max, 65 characters requested)')
  const overridden = pod({ hostnameOverride: 'a.b.example', subdomain: 's', setHostnameAsFQDN: true })
  expect(kernelHostname(overridden, names)).toBe('a.b.example')
})

test('a volume of files changes as a whole', () => {
  const directory = mkdtempSync(join(tmpdir(), 'volume-'))
  try {
    const file = (text: string) => [{ path: 'a/b', data: Buffer.from(text), mode: 0o400 }]
    writeVolume(directory, file('one'))
    const first = readlinkSync(join(directory, '..data'))
    expect(readFileSync(join(directory, 'a/b'), 'utf8')).toBe('one')
    expect(statSync(join(directory, 'a/b')).mode & 0o777).toBe(0o400)
    writeVolume(directory, file('two'))
    expect(readFileSync(join(directory, 'a/b'), 'utf8')).toBe('two')
    expect(readlinkSync(join(directory, '..data'))).not.toBe(first)
    expect(readdirSync(directory)).not.toContain(first)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
