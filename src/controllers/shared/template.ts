/** Pods as workload controllers make them. */
import type { Pod, PodTemplateSpec } from '../../api/generated/v1.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import type { Resource } from '../../client/contract.ts'
import { controllerReference } from './owners.ts'

/** A pod of `template` that `owner` controls, named by the server after the owner. */
export function podFromTemplate(
  template: PodTemplateSpec | undefined,
  { resource, owner }: { resource: Resource<KubeObject>; owner: KubeObject },
): Pod {
  const { labels, annotations, finalizers } = template?.metadata ?? {}
  return {
    metadata: {
      name: '',
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace ?? '',
      ...(labels && { labels: { ...labels } }),
      ...(annotations && { annotations: { ...annotations } }),
      ...(finalizers && { finalizers: [...finalizers] }),
      ownerReferences: [controllerReference(resource, owner)],
    },
    spec: structuredClone(template?.spec ?? { containers: [] }),
  }
}
