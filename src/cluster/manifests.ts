/**
 * What is in kube-system from the first moment: the proxy and the DNS as pods, configured as kubeadm configures them.
 * Pure. They are created once; from then on they are the user's to edit.
 */
import type { DaemonSet, Deployment } from '../api/generated/apps.v1.ts'
import type { ConfigMap, PodTemplateSpec, Secret, Service } from '../api/generated/v1.ts'
import type { KubeObject } from '../api/machinery/object.ts'
import type { Resource } from '../client/contract.ts'
import { resources } from '../client/resources.ts'
import { kubeconfigOfFiles } from './kubeconfig.ts'
import type { Layout } from './settings.ts'

/** PEM texts of one part's client certificate, and the CA it trusts. */
export interface ClientCertificate {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

export interface Manifest {
  readonly resource: Resource<KubeObject>
  readonly object: KubeObject
}

const namespace = 'kube-system'
const clientDirectory = '/etc/fairway/client'
const version = 'v0.1.0'

export function systemManifests(
  layout: Layout,
  certificates: { readonly proxy: ClientCertificate; readonly dns: ClientCertificate },
): Manifest[] {
  const manifest = <T extends KubeObject>(resource: Resource<T>, object: T): Manifest => ({ resource, object })
  return [
    manifest(resources.secrets, clientSecret('kube-proxy-client', layout, 'kube-proxy', certificates.proxy)),
    manifest(resources.configMaps, proxyConfig(layout)),
    manifest(resources.daemonSets, proxyDaemonSet()),
    manifest(resources.services, dnsService(layout)),
    manifest(resources.secrets, clientSecret('coredns-client', layout, 'coredns', certificates.dns)),
    manifest(resources.configMaps, dnsConfig(layout)),
    manifest(resources.deployments, dnsDeployment()),
  ]
}

function clientSecret(name: string, { apiServer }: Layout, user: string, certificate: ClientCertificate): Secret {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  return {
    metadata: { name, namespace },
    type: 'Opaque',
    data: {
      'ca.crt': base64(certificate.ca),
      'tls.crt': base64(certificate.cert),
      'tls.key': base64(certificate.key),
      // JSON, so that a reader need not load a YAML parser.
      kubeconfig: base64(JSON.stringify(kubeconfigOfFiles({ server: apiServer, user }), null, 2)),
    },
  }
}

function proxyConfig({ apiServer, config, podCidrs }: Layout): ConfigMap {
  return {
    metadata: { name: 'kube-proxy', namespace, labels: { app: 'kube-proxy' } },
    data: {
      'config.conf': `apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: ${podCidrs[0]?.includes(':') ? '"::"' : '0.0.0.0'}
clientConnection:
  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
clusterCIDR: ${config.podCidr}
healthzBindAddress: ${podCidrs[0]?.includes(':') ? '"[::]:10256"' : '0.0.0.0:10256'}
kind: KubeProxyConfiguration
metricsBindAddress: 127.0.0.1:10249
mode: ""
`,
      'kubeconfig.conf': `apiVersion: v1
kind: Config
clusters:
- cluster:
    certificate-authority: ${clientDirectory}/ca.crt
    server: ${apiServer}
  name: default
contexts:
- context:
    cluster: default
    namespace: default
    user: default
  name: default
current-context: default
users:
- name: default
  user:
    client-certificate: ${clientDirectory}/tls.crt
    client-key: ${clientDirectory}/tls.key
`,
    },
  }
}

function proxyDaemonSet(): DaemonSet {
  const labels = { 'k8s-app': 'kube-proxy' }
  return {
    metadata: { name: 'kube-proxy', namespace, labels },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { name: '', labels },
        spec: {
          priorityClassName: 'system-node-critical',
          hostNetwork: true,
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          tolerations: [{ operator: 'Exists' }],
          containers: [
            {
              name: 'kube-proxy',
              image: `fairway/proxy:${version}`,
              args: ['--config=/var/lib/kube-proxy/config.conf', '--hostname-override=$(NODE_NAME)'],
              env: [{ name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
              securityContext: { privileged: true },
              volumeMounts: [
                { name: 'kube-proxy', mountPath: '/var/lib/kube-proxy' },
                { name: 'client', mountPath: clientDirectory, readOnly: true },
              ],
            },
          ],
          volumes: [
            { name: 'kube-proxy', configMap: { name: 'kube-proxy' } },
            { name: 'client', secret: { secretName: 'kube-proxy-client' } },
          ],
        },
      },
    },
  }
}

const dnsLabels = { 'k8s-app': 'kube-dns' }

function dnsService({ dnsIp }: Layout): Service {
  return {
    metadata: {
      name: 'kube-dns',
      namespace,
      labels: { ...dnsLabels, 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
      annotations: { 'prometheus.io/port': '9153', 'prometheus.io/scrape': 'true' },
    },
    spec: {
      clusterIP: dnsIp,
      selector: dnsLabels,
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
        { name: 'metrics', port: 9153, protocol: 'TCP', targetPort: 9153 },
      ],
    },
  }
}

/** Nothing but the plugin's own line may hold the word after `errors`: people grep this map for the domain (W08). */
function dnsConfig({ config: { clusterDomain } }: Layout): ConfigMap {
  return {
    metadata: { name: 'coredns', namespace },
    data: {
      Corefile: `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes ${clusterDomain} in-addr.arpa ip6.arpa {
       kubeconfig ${clientDirectory}/kubeconfig
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success ${clusterDomain}
       disable denial ${clusterDomain}
    }
    loop
    reload
    loadbalance
}
`,
    },
  }
}

function dnsDeployment(): Deployment {
  return {
    metadata: { name: 'coredns', namespace, labels: dnsLabels },
    spec: {
      replicas: 1,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      selector: { matchLabels: dnsLabels },
      template: dnsTemplate(),
    },
  }
}

function dnsTemplate(): PodTemplateSpec {
  const probe = (path: string, port: number) => ({ httpGet: { path, port, scheme: 'HTTP' } })
  return {
    metadata: { name: '', labels: dnsLabels },
    spec: {
      priorityClassName: 'system-cluster-critical',
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [
        { key: 'CriticalAddonsOnly', operator: 'Exists' },
        { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' },
      ],
      dnsPolicy: 'Default',
      containers: [
        {
          name: 'coredns',
          image: `fairway/dns:${version}`,
          args: ['-conf', '/etc/coredns/Corefile'],
          ports: [
            { name: 'dns', containerPort: 53, protocol: 'UDP' },
            { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' },
            { name: 'metrics', containerPort: 9153, protocol: 'TCP' },
          ],
          livenessProbe: { ...probe('/health', 8080), initialDelaySeconds: 60, timeoutSeconds: 5, failureThreshold: 5 },
          readinessProbe: probe('/ready', 8181),
          volumeMounts: [
            { name: 'config-volume', mountPath: '/etc/coredns', readOnly: true },
            { name: 'client', mountPath: clientDirectory, readOnly: true },
          ],
        },
      ],
      volumes: [
        { name: 'config-volume', configMap: { name: 'coredns', items: [{ key: 'Corefile', path: 'Corefile' }] } },
        { name: 'client', secret: { secretName: 'coredns-client' } },
      ],
    },
  }
}
