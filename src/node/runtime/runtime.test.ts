import { describe, expect, test } from 'vitest'
import { AddressPool, AddressPools } from './addresses.ts'
import { capabilityMask, heldCapabilities } from './capabilities.ts'
import { commandLine } from './container-spec.ts'
import { separateMounts } from './host-mounts.ts'
import { Catalogue, matches, parseReference } from './images.ts'
import { nodeBatch, podBatch, podMac, podSysctls, vethName } from './network.ts'
import { mountPointsBelow } from './remove.ts'
import { encodeSpec, execOperations, type Operation } from './spec.ts'

describe('image references', () => {
  const cases: [string, string, string][] = [
    ['nginx', 'nginx', 'latest'],
    ['nginx:1.14.2', 'nginx', '1.14.2'],
    ['docker.io/library/nginx:1.14.2', 'nginx', '1.14.2'],
    ['ikubernetes/demoapp:v1.0', 'ikubernetes/demoapp', 'v1.0'],
    ['docker.io/ikubernetes/demoapp:v1.0@sha256:abc', 'ikubernetes/demoapp', 'v1.0'],
    ['localhost:5000/web', 'localhost:5000/web', 'latest'],
    ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause', '3.10'],
  ]
  test.each(cases)('%s', (reference, name, tag) => expect(parseReference(reference)).toEqual({ name, tag }))

  test('patterns', () => {
    expect(matches('example.org/*', 'example.org/a/b')).toBe(true)
    expect(matches('nginx', 'nginx2')).toBe(false)
    expect(matches('a.b', 'axb')).toBe(false)
  })
})

describe('the catalogue', () => {
  const own = { directory: '/own', images: [{ name: 'nginx', command: ['mine'] }] }
  const built = {
    directory: '/built',
    images: [{ name: 'nginx' }, { name: 'demo', requires: [{ program: 'demod', package: 'demo-light' }] }],
  }
  const catalogue = new Catalogue([own, built], (program) => program !== 'demod')

  test("prefers the user's own entries", () => expect(catalogue.find('nginx:1').directory).toBe('/own'))
  test('says what to do about an unknown image', () => {
    expect(() => catalogue.find('example.org/x:1')).toThrow(/"example\.org\/x:1".*images\.json/)
  })
  const malformed = ['Nginx', 'nginx:', 'a//b', 'nginx@sha256:x', '-x', 'a b']
  test.each(malformed)('takes %j for no name', (reference) => {
    expect(() => catalogue.find(reference)).toThrow(
      `couldn't parse image name "${reference}": invalid reference format`,
    )
  })
  test.each(['localhost:5000/nginx', `nginx:1@sha256:${'a'.repeat(64)}`, 'Example.org/a__b/c-d'])(
    '%s is a name',
    (name) => {
      expect(() => catalogue.find(name)).not.toThrow('invalid reference format')
    },
  )
  test('names the package of a missing program', () => {
    expect(() => catalogue.find('demo')).toThrow(/demod.*apt-get install .*demo-light/)
  })
})

test('command and args replace what the image has', () => {
  const image = { entrypoint: ['entry'], command: ['default'] }
  expect(commandLine({}, image)).toEqual(['entry', 'default'])
  expect(commandLine({ args: ['a'] }, image)).toEqual(['entry', 'a'])
  expect(commandLine({ command: ['c'] }, image)).toEqual(['c'])
  expect(commandLine({ command: ['c'], args: ['a'] }, image)).toEqual(['c', 'a'])
})

test('capabilities', () => {
  const mask = (add: string[], drop: string[], privileged = false) =>
    capabilityMask(heldCapabilities({ privileged, add, drop }))
  expect(mask([], [])).toBe('00000000a80425fb')
  expect(mask(['NET_ADMIN'], [])).toBe('00000000a80435fb')
  expect(mask(['CAP_NET_BIND_SERVICE'], ['ALL'])).toBe('0000000000000400')
  expect(mask([], [], true)).toBe('000001ffffffffff')
})

describe('pod addresses', () => {
  test('go round, and are not given twice', () => {
    const pool = new AddressPool('10.0.0.0/29')
    const all = [1, 2, 3, 4, 5].map(() => pool.allocate())
    expect(all).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'])
    expect(() => pool.allocate()).toThrow('no free pod address')
    pool.release('10.0.0.4')
    expect(pool.allocate()).toBe('10.0.0.4')
  })
  test('of both families come together or not at all', () => {
    const pools = new AddressPools(['10.0.0.0/29', 'fd00::/125'])
    expect(pools.allocate()).toEqual(['10.0.0.2', 'fd00::2'])
    pools.adopt(['10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'])
    expect(() => pools.allocate()).toThrow('all of 10.0.0.0/29 are in use')
    pools.release(['10.0.0.5', 'fd00::2'])
    expect(pools.allocate()).toEqual(['10.0.0.5', 'fd00::3'])
  })
  test('in use before the agent started stay so', () => {
    const pool = new AddressPool('10.244.1.0/24')
    pool.adopt('10.244.1.2')
    pool.adopt('10.244.1.7')
    pool.adopt('172.30.0.11')
    expect(pool.allocate()).toBe('10.244.1.8')
  })
})

describe('the network of a pod', () => {
  const link = { netns: 'fw-a-node-1-uid', ips: ['10.244.0.5'], nodeIPs: ['172.30.0.11', 'fd00:30::11'] }
  const veth = vethName(link.netns)
  const mac = podMac(link.netns)

  test('of one family', () => {
    expect(veth).toMatch(/^veth[0-9a-f]{8}$/)
    expect(mac).toMatch(/^0e(:[0-9a-f]{2}){5}$/)
    expect(nodeBatch(link)).toBe(
      `link add ${veth} address ee:ee:ee:ee:ee:ee type veth peer name eth0 address ${mac} netns fw-a-node-1-uid
link set ${veth} up
neighbour replace 10.244.0.5 lladdr ${mac} dev ${veth} nud permanent
route replace 10.244.0.5/32 dev ${veth} src 172.30.0.11
`,
    )
    expect(podBatch(link)).toContain('route replace default via 169.254.1.1 dev eth0 onlink\n')
    expect(podSysctls(link.ips).some(([file]) => file.includes('ipv6'))).toBe(false)
  })

  test('of two', () => {
    const dual = { ...link, ips: ['10.244.0.5', 'fd00:244::5'] }
    expect(nodeBatch(dual)).toContain(`route replace fd00:244::5/128 dev ${veth} src fd00:30::11\n`)
    expect(podBatch(dual)).toContain('address add fd00:244::5/128 dev eth0 nodad\n')
    expect(podBatch(dual)).toContain('route replace default via fe80::1 dev eth0\n')
    expect(podSysctls(dual.ips)).toContainEqual(['/proc/sys/net/ipv6/conf/default/accept_dad', '0'])
  })
})

test("a command in a container shares the container's user, directory, capabilities and environment", () => {
  const spec: Operation[] = [
    ['log', '/l', '1'],
    ['bind', '/a', '/b', 'ro'],
    ['cwd', '/'],
    ['user', '0', '0', ''],
    ['caps', 'ff'],
    ['env', 'A', 'b=c\nd'],
    ['arg', 'sleep'],
  ]
  expect(execOperations(encodeSpec(spec))).toEqual([
    ['cwd', '/'],
    ['user', '0', '0', ''],
    ['caps', 'ff'],
    ['env', 'A', 'b=c\nd'],
  ])
})

test('mounts below a directory, deepest first', () => {
  const line = (point: string) => `1 2 0:1 / ${point} rw - tmpfs tmpfs rw`
  const info = [line('/s/pods/u/rw'), line('/s/pods/u/rw/a\\040b'), line('/s/pods/u2'), line('/')].join('\n')
  expect(mountPointsBelow(info, '/s/pods/u')).toEqual(['/s/pods/u/rw/a b', '/s/pods/u/rw'])
})

test('file systems of the host that an overlay of its root would not show', () => {
  const line = (point: string, type: string) => `1 2 0:1 / ${point} rw,relatime shared:1 - ${type} /dev/x rw`
  const info = [
    line('/', 'ext4'),
    line('/var', 'xfs'),
    line('/usr', 'ext4'),
    line('/var/lib/fairway', 'ext4'),
    line('/var/lib/nfs', 'rpc_pipefs'),
    line('/home', 'ext4'),
    line('/boot', 'ext4'),
  ].join('\n')
  expect(separateMounts(info, ['/var/lib/fairway'])).toEqual(['/usr', '/var'])
})
