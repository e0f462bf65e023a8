/** Ingress: which requests from outside go to which Services. What makes it true is an ingress controller of the user's. */
import { ageColumn, nameColumn, none } from '../../common/columns.ts'
import { bumpGeneration, keepSpec, keepStatus, startGeneration } from '../../common/strategy.ts'
import type { Ingress, IngressBackend } from '../../generated/networking.k8s.io.v1.ts'
import { declareResource } from '../../resource.ts'
import { addressText, hostsText, portsText } from './columns.ts'
import { classAnnotation, validateIngress, validateIngressSpec, validateIngressStatus } from './validation.ts'

/** Go's structs without pointers are always written. */
function setDefaults(ingress: Ingress): void {
  const { defaultBackend, rules = [] } = (ingress.spec ??= {})
  ingress.status ??= {}
  ingress.status.loadBalancer ??= {}
  for (const backend of [defaultBackend, ...rules.flatMap(({ http }) => http?.paths ?? []).map((p) => p.backend)]) {
    fillPort(backend)
  }
}

function fillPort(backend: IngressBackend | undefined): void {
  if (backend?.service) backend.service.port ??= {}
}

function warnings({ metadata, spec }: Ingress): string[] {
  const old = metadata.annotations?.[classAnnotation] !== undefined && spec?.ingressClassName === undefined
  return old
    ? [`annotation ${JSON.stringify(classAnnotation)} is deprecated, please use 'spec.ingressClassName' instead`]
    : []
}

export const ingressDefinition = declareResource<Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  singular: 'ingress',
  namespaced: true,
  shortNames: ['ing'],
  setDefaults,
  prepareForCreate: (ingress) => {
    ingress.status = { loadBalancer: {} }
    startGeneration(ingress)
  },
  validate: validateIngress,
  warningsOnCreate: warnings,
  prepareForUpdate: (next, old) => {
    keepStatus(next, old)
    bumpGeneration(next, old)
  },
  validateUpdate: validateIngressSpec,
  allowUnconditionalUpdate: true,
  status: { prepareForUpdate: keepSpec, validateUpdate: validateIngressStatus },
  columns: [
    nameColumn,
    {
      name: 'Class',
      type: 'string',
      description: 'The name of the IngressClass resource that should be used for additional configuration',
      cell: ({ spec }) => spec?.ingressClassName ?? none,
    },
    {
      name: 'Hosts',
      type: 'string',
      description: 'Hosts that incoming requests are matched against before the ingress rule',
      cell: hostsText,
    },
    {
      name: 'Address',
      type: 'string',
      description: 'Address is a list containing ingress points for the load-balancer',
      cell: addressText,
    },
    { name: 'Ports', type: 'string', description: 'Ports of TLS configurations that open', cell: portsText },
    ageColumn,
  ],
})
