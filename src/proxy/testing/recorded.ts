/** The objects whose rules a real kube-proxy 1.36 was recorded with (recorded-1.36.golden). */
import { Tracker } from '../track/tracker.ts'
import { service, slice } from './objects.ts'

const pods = ['10.244.0.54', '10.244.0.55']
const http = { name: 'http', port: 80, protocol: 'TCP' }

export function recordedTracker(): Tracker {
  const tracker = new Tracker({ node: 'node-1' })
  const services = [
    service('default/kubernetes', '10.96.0.1', { ports: [{ name: 'https', port: 443, protocol: 'TCP' }] }),
    service('demo/web', '10.96.100.1'),
    service('demo/web-np', '10.96.100.2', {
      type: 'NodePort',
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
      ports: [{ ...http, nodePort: 30080 }],
    }),
    service('demo/web-local', '10.96.100.3', {
      type: 'NodePort',
      externalTrafficPolicy: 'Local',
      ports: [{ ...http, nodePort: 30081 }],
    }),
    service('demo/web-lb', '10.96.100.4', {
      type: 'LoadBalancer',
      ports: [
        { ...http, nodePort: 30082 },
        { name: 'https', port: 443, protocol: 'TCP', nodePort: 30083 },
      ],
    }),
    service('demo/nopods', '10.96.100.5', {
      ports: [
        { name: 'www', port: 80, protocol: 'TCP' },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    }),
    service('demo/web-hl', 'None'),
    { metadata: { namespace: 'demo', name: 'ext' }, spec: { type: 'ExternalName', externalName: 'example.com' } },
  ]
  for (const object of services) tracker.setService(object)
  const target = { name: 'http', port: 8080, protocol: 'TCP' }
  for (const name of ['demo/web', 'demo/web-np', 'demo/web-local', 'demo/web-hl'])
    tracker.setSlice(slice(name, pods, [target]))
  tracker.setSlice(slice('demo/web-lb', pods, [target, { ...target, name: 'https' }]))
  tracker.setSlice(slice('demo/nopods', [], undefined))
  tracker.setSlice(slice('default/kubernetes', ['172.30.9.2'], [{ name: 'https', port: 6443, protocol: 'TCP' }]))
  tracker.flush()
  return tracker
}
