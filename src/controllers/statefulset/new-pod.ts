/** Pods as a StatefulSet makes them. */
import type { ControllerRevision, StatefulSet } from '../../api/generated/apps.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { revisionLabel, templateIn } from '../shared/revisions.ts'
import { podFromTemplate } from '../shared/template.ts'
import { volumesWithClaims } from './claims.ts'
import { identityLabels, podNameOf } from './identity.ts'

/** The pod of an ordinal as `revision` has it. Its host name is its name, so DNS finds it under the governing Service. */
export function newPod(set: StatefulSet, ordinal: number, revision: ControllerRevision): Pod {
  const pod = podFromTemplate(templateIn(revision.data), { resource: resources.statefulSets, owner: set })
  const name = podNameOf(set, ordinal)
  const subdomain = set.spec?.serviceName
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      name,
      labels: {
        ...pod.metadata.labels,
        ...identityLabels(set, ordinal),
        [revisionLabel]: revision.metadata.name,
      },
    },
    spec: {
      containers: [],
      ...pod.spec,
      hostname: name,
      ...(subdomain && { subdomain }),
      ...(set.spec?.volumeClaimTemplates?.length && { volumes: volumesWithClaims(set, ordinal, pod.spec?.volumes) }),
    },
  }
}
