/** root-ca-cert-publisher: every namespace has the ConfigMap by which its pods know the API server's certificate. */
import type { ConfigMap } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { createIfAbsent } from '../kubernetes/index.ts'
import { tolerateGone } from '../shared/gone.ts'

const name = 'kube-root-ca.crt'
const key = 'ca.crt'
/** Upstream's own words, which it puts on every one of them. */
const annotations = {
  'kubernetes.io/description':
    'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
}

/** `rootCa`: PEM. */
export function startRootCaPublisher(ctx: ControllerContext, rootCa: string): void {
  const namespaces = ctx.informers.of(resources.namespaces)
  // Only these: all config maps would be a lot to hold for it.
  const published = ctx.informers.selected(resources.configMaps, `metadata.name=${name}`)
  const queue = startQueue(ctx, {
    name: 'root-ca-cert-publisher',
    concurrency: 4,
    after: [namespaces, published],
    reconcile: async (namespace) => {
      const found = namespaces.get(namespace)
      if (!found || found.metadata.deletionTimestamp) return
      await publish(ctx, published.get(`${namespace}/${name}`), { namespace, rootCa })
    },
  })
  namespaces.onChange(({ type, object }) => {
    if (type === 'added') queue.add(object.metadata.name)
  })
  published.onChange(({ object: { metadata } }) => {
    if (metadata.name === name) queue.add(metadata.namespace ?? '')
  })
}

async function publish(
  ctx: ControllerContext,
  found: ConfigMap | undefined,
  { namespace, rootCa }: { namespace: string; rootCa: string },
): Promise<void> {
  const data = { [key]: rootCa }
  if (!found) return createIfAbsent(ctx, resources.configMaps, { metadata: { name, namespace, annotations }, data })
  const described = Object.entries(annotations).every(([name, text]) => found.metadata.annotations?.[name] === text)
  const same = Object.keys(found.data ?? {}).length === 1 && found.data?.[key] === rootCa
  if (described && same) return
  const metadata = { ...found.metadata, annotations: { ...found.metadata.annotations, ...annotations } }
  await tolerateGone(ctx.client.update(resources.configMaps, { ...found, metadata, data }))
}
