import { describe, expect, test } from 'vitest'
import { create, dualStack, row, update } from '../../common/testing.ts'
import type { Service, ServiceSpec } from '../../generated/v1.ts'
import { serviceEnvironment } from './environment.ts'

const now = new Date('2026-11-21T00:05:05Z')

/** The manifests of the recorded cluster, by name. */
const manifests: Record<string, ServiceSpec> = {
  web: { clusterIP: '10.96.100.1', selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  'web-np': {
    type: 'NodePort',
    clusterIP: '10.96.100.2',
    sessionAffinity: 'ClientIP',
    selector: { app: 'web' },
    ports: [{ name: 'http', port: 80, targetPort: 8080, nodePort: 30080 }],
  },
  'web-local': {
    type: 'NodePort',
    clusterIP: '10.96.100.3',
    externalTrafficPolicy: 'Local',
    selector: { app: 'web' },
    ports: [{ name: 'http', port: 80, targetPort: 8080, nodePort: 30081 }],
  },
  'web-lb': {
    type: 'LoadBalancer',
    clusterIP: '10.96.100.4',
    selector: { app: 'web' },
    ports: [
      { name: 'http', port: 80, targetPort: 8080, nodePort: 30082 },
      { name: 'https', port: 443, targetPort: 8080, nodePort: 30083 },
    ],
  },
  ext: { type: 'ExternalName', externalName: 'example.com' },
  'web-hl': { clusterIP: 'None', selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  nopods: {
    clusterIP: '10.96.100.5',
    selector: { app: 'none' },
    ports: [
      { name: 'www', port: 80, protocol: 'TCP' },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
  },
}

function manifest(name: string, spec: ServiceSpec, namespace = 'demo'): Service {
  return { metadata: { name, namespace, creationTimestamp: '2026-11-21T00:00:00Z' }, spec }
}

function stored(name: string): Service {
  return create('Service', manifest(name, manifests[name] ?? {})).object
}

/** What a real cluster stored for them. */
const recorded: Record<string, string> = {
  web: '{"spec":{"clusterIP":"10.96.100.1","clusterIPs":["10.96.100.1"],"internalTrafficPolicy":"Cluster","ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack","ports":[{"name":"http","port":80,"protocol":"TCP","targetPort":"http"}],"selector":{"app":"web"},"sessionAffinity":"None","type":"ClusterIP"},"status":{"loadBalancer":{}}}',
  'web-np':
    '{"spec":{"clusterIP":"10.96.100.2","clusterIPs":["10.96.100.2"],"externalTrafficPolicy":"Cluster","internalTrafficPolicy":"Cluster","ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack","ports":[{"name":"http","nodePort":30080,"port":80,"protocol":"TCP","targetPort":8080}],"selector":{"app":"web"},"sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{"timeoutSeconds":10800}},"type":"NodePort"},"status":{"loadBalancer":{}}}',
  'web-local':
    '{"spec":{"clusterIP":"10.96.100.3","clusterIPs":["10.96.100.3"],"externalTrafficPolicy":"Local","internalTrafficPolicy":"Cluster","ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack","ports":[{"name":"http","nodePort":30081,"port":80,"protocol":"TCP","targetPort":8080}],"selector":{"app":"web"},"sessionAffinity":"None","type":"NodePort"},"status":{"loadBalancer":{}}}',
  'web-lb':
    '{"spec":{"allocateLoadBalancerNodePorts":true,"clusterIP":"10.96.100.4","clusterIPs":["10.96.100.4"],"externalTrafficPolicy":"Cluster","internalTrafficPolicy":"Cluster","ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack","ports":[{"name":"http","nodePort":30082,"port":80,"protocol":"TCP","targetPort":8080},{"name":"https","nodePort":30083,"port":443,"protocol":"TCP","targetPort":8080}],"selector":{"app":"web"},"sessionAffinity":"None","type":"LoadBalancer"},"status":{"loadBalancer":{}}}',
  ext: '{"spec":{"externalName":"example.com","sessionAffinity":"None","type":"ExternalName"},"status":{"loadBalancer":{}}}',
  'web-hl':
    '{"spec":{"clusterIP":"None","clusterIPs":["None"],"internalTrafficPolicy":"Cluster","ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack","ports":[{"name":"http","port":80,"protocol":"TCP","targetPort":8080}],"selector":{"app":"web"},"sessionAffinity":"None","type":"ClusterIP"},"status":{"loadBalancer":{}}}',
}

test.each(Object.entries(recorded))('the defaults of %s are those of the recorded cluster', (name, expected) => {
  const { spec, status } = stored(name)
  expect({ spec, status }).toEqual(JSON.parse(expected))
})

describe('defaults', () => {
  test('come to the same when they run twice', () => {
    for (const name of Object.keys(manifests)) {
      const once = stored(name)
      expect(update(once, once, { kind: 'Service' }).object).toEqual(once)
    }
  })

  test('headless without selector is dual stack by policy', () => {
    const { object } = create('Service', manifest('x', { clusterIP: 'None', ports: [{ port: 80 }] }))
    expect(object.spec).toMatchObject({ ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'] })
  })

  test('PreferDualStack takes what the cluster has', () => {
    const spec: ServiceSpec = { ipFamilyPolicy: 'PreferDualStack', selector: { a: 'b' }, ports: [{ port: 80 }] }
    expect(create('Service', manifest('x', spec)).object.spec?.ipFamilies).toEqual(['IPv4'])
    expect(create('Service', manifest('x', spec), dualStack).object.spec?.ipFamilies).toEqual(['IPv4', 'IPv6'])
  })

  test('an IPv6 address asks for the IPv6 family', () => {
    const spec: ServiceSpec = { clusterIP: 'fd00:10:96::7', selector: { a: 'b' }, ports: [{ port: 80 }] }
    expect(create('Service', manifest('x', spec), dualStack).object.spec?.ipFamilies).toEqual(['IPv6'])
  })
})

describe('an update', () => {
  const next = (spec: ServiceSpec, old: string) =>
    update(stored(old), manifest(old, spec), { kind: 'Service' }).object.spec

  test('keeps allocated address and node ports that the client left out', () => {
    const spec = { type: 'NodePort', selector: { app: 'web' }, ports: [{ name: 'http', port: 8080 }] }
    expect(next(spec, 'web-np')).toMatchObject({
      clusterIP: '10.96.100.2',
      clusterIPs: ['10.96.100.2'],
      ports: [{ name: 'http', port: 8080, nodePort: 30080 }],
    })
  })

  test('does not give one node port to two ports', () => {
    const ports = [
      { name: 'other', port: 81, nodePort: 30080 },
      { name: 'http', port: 80 },
    ]
    expect(next({ type: 'NodePort', ports }, 'web-np')?.ports?.map((port) => port.nodePort)).toEqual([30080, undefined])
  })

  test('to ClusterIP drops node ports and external traffic policy', () => {
    const spec = { ...structuredClone(stored('web-np').spec), type: 'ClusterIP' }
    const result = next(spec, 'web-np')
    expect(result?.ports?.[0]).not.toHaveProperty('nodePort')
    expect(result).not.toHaveProperty('externalTrafficPolicy')
    expect(result?.clusterIP).toBe('10.96.100.2')
  })

  test('to ExternalName drops address and families', () => {
    const spec = { ...structuredClone(stored('web').spec), type: 'ExternalName', externalName: 'example.org' }
    const result = next(spec, 'web')
    for (const name of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'])
      expect(result).not.toHaveProperty(name)
  })

  test('leaves the status alone', () => {
    const old = stored('web-lb')
    old.status = { loadBalancer: { ingress: [{ ip: '10.0.0.9', ipMode: 'VIP' }] } }
    expect(update(old, manifest('web-lb', manifests['web-lb'] ?? {}), { kind: 'Service' }).object.status).toEqual(
      old.status,
    )
    const changed = { ...structuredClone(old), spec: { ports: [] }, status: { loadBalancer: {} } }
    const result = update(old, changed, { kind: 'Service', subresource: 'status' }).object
    expect(result.spec).toEqual(old.spec)
    expect(result.status).toEqual({ loadBalancer: {} })
  })
})

test.each([
  ['ext', ['ext', 'ExternalName', '<none>', 'example.com', '<none>', '5m5s', '<none>']],
  ['nopods', ['nopods', 'ClusterIP', '10.96.100.5', '<none>', '80/TCP,53/UDP', '5m5s', 'app=none']],
  ['web', ['web', 'ClusterIP', '10.96.100.1', '<none>', '80/TCP', '5m5s', 'app=web']],
  ['web-hl', ['web-hl', 'ClusterIP', 'None', '<none>', '80/TCP', '5m5s', 'app=web']],
  ['web-lb', ['web-lb', 'LoadBalancer', '10.96.100.4', '<pending>', '80:30082/TCP,443:30083/TCP', '5m5s', 'app=web']],
  ['web-np', ['web-np', 'NodePort', '10.96.100.2', '<none>', '80:30080/TCP', '5m5s', 'app=web']],
])('kubectl get svc %s', (name, expected) => {
  const cells = row('Service', stored(name), now)
  expect(Object.keys(cells)).toEqual(['Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age', 'Selector'])
  expect(Object.values(cells)).toEqual(expected)
})

test('a load balancer shows its addresses and the external IPs', () => {
  const service = stored('web-lb')
  service.status = { loadBalancer: { ingress: [{ ip: '10.0.0.9' }, { hostname: 'lb.example.org' }] } }
  if (service.spec) service.spec.externalIPs = ['10.1.1.1']
  expect(row('Service', service, now)['External-IP']).toBe('10.0.0.9,lb.example.org,10.1.1.1')
})

/** `env | sort` in a pod of the recorded cluster, without what the image sets. */
const recordedEnvironment = `KUBERNETES_PORT=tcp://10.96.0.1:443
KUBERNETES_PORT_443_TCP=tcp://10.96.0.1:443
KUBERNETES_PORT_443_TCP_ADDR=10.96.0.1
KUBERNETES_PORT_443_TCP_PORT=443
KUBERNETES_PORT_443_TCP_PROTO=tcp
KUBERNETES_SERVICE_HOST=10.96.0.1
KUBERNETES_SERVICE_PORT=443
KUBERNETES_SERVICE_PORT_HTTPS=443
NOPODS_PORT=tcp://10.96.100.5:80
NOPODS_PORT_53_UDP=udp://10.96.100.5:53
NOPODS_PORT_53_UDP_ADDR=10.96.100.5
NOPODS_PORT_53_UDP_PORT=53
NOPODS_PORT_53_UDP_PROTO=udp
NOPODS_PORT_80_TCP=tcp://10.96.100.5:80
NOPODS_PORT_80_TCP_ADDR=10.96.100.5
NOPODS_PORT_80_TCP_PORT=80
NOPODS_PORT_80_TCP_PROTO=tcp
NOPODS_SERVICE_HOST=10.96.100.5
NOPODS_SERVICE_PORT=80
NOPODS_SERVICE_PORT_DNS=53
NOPODS_SERVICE_PORT_WWW=80
WEB_LB_PORT=tcp://10.96.100.4:80
WEB_LB_PORT_443_TCP=tcp://10.96.100.4:443
WEB_LB_PORT_443_TCP_ADDR=10.96.100.4
WEB_LB_PORT_443_TCP_PORT=443
WEB_LB_PORT_443_TCP_PROTO=tcp
WEB_LB_PORT_80_TCP=tcp://10.96.100.4:80
WEB_LB_PORT_80_TCP_ADDR=10.96.100.4
WEB_LB_PORT_80_TCP_PORT=80
WEB_LB_PORT_80_TCP_PROTO=tcp
WEB_LB_SERVICE_HOST=10.96.100.4
WEB_LB_SERVICE_PORT=80
WEB_LB_SERVICE_PORT_HTTP=80
WEB_LB_SERVICE_PORT_HTTPS=443
WEB_LOCAL_PORT=tcp://10.96.100.3:80
WEB_LOCAL_PORT_80_TCP=tcp://10.96.100.3:80
WEB_LOCAL_PORT_80_TCP_ADDR=10.96.100.3
WEB_LOCAL_PORT_80_TCP_PORT=80
WEB_LOCAL_PORT_80_TCP_PROTO=tcp
WEB_LOCAL_SERVICE_HOST=10.96.100.3
WEB_LOCAL_SERVICE_PORT=80
WEB_LOCAL_SERVICE_PORT_HTTP=80
WEB_NP_PORT=tcp://10.96.100.2:80
WEB_NP_PORT_80_TCP=tcp://10.96.100.2:80
WEB_NP_PORT_80_TCP_ADDR=10.96.100.2
WEB_NP_PORT_80_TCP_PORT=80
WEB_NP_PORT_80_TCP_PROTO=tcp
WEB_NP_SERVICE_HOST=10.96.100.2
WEB_NP_SERVICE_PORT=80
WEB_NP_SERVICE_PORT_HTTP=80
WEB_PORT=tcp://10.96.100.1:80
WEB_PORT_80_TCP=tcp://10.96.100.1:80
WEB_PORT_80_TCP_ADDR=10.96.100.1
WEB_PORT_80_TCP_PORT=80
WEB_PORT_80_TCP_PROTO=tcp
WEB_SERVICE_HOST=10.96.100.1
WEB_SERVICE_PORT=80
WEB_SERVICE_PORT_HTTP=80`

describe('the environment', () => {
  const kubernetes = manifest(
    'kubernetes',
    { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, protocol: 'TCP' }] },
    'default',
  )
  const services = [...Object.keys(manifests).map(stored), kubernetes]
  const text = (environment: Record<string, string>) =>
    Object.entries(environment)
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join('\n')

  test('is that of the recorded pod', () => {
    expect(text(serviceEnvironment(services, 'demo'))).toBe(recordedEnvironment)
  })

  test('has only KUBERNETES_* without service links, and in another namespace', () => {
    const only = recordedEnvironment.split('\n').slice(0, 8).join('\n')
    expect(text(serviceEnvironment(services, 'demo', 'kubernetes'))).toBe(only)
    expect(text(serviceEnvironment(services, 'other'))).toBe(only)
  })

  test('prefers a Service named kubernetes of the pod’s own namespace', () => {
    const own = manifest('kubernetes', { clusterIP: '10.96.0.99', ports: [{ port: 1 }] })
    expect(serviceEnvironment([...services, own], 'demo')['KUBERNETES_SERVICE_HOST']).toBe('10.96.0.99')
  })
})
