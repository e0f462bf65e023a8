/** What nodes begin with, and what their pods get from them: TaintNodesByCondition and PodTopologyLabels. */
import type { Binding, Node, Pod } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import type { ServerContext } from '../context.ts'
import type { AdmissionPlugin } from './plugin.ts'

const notReadyTaint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }
const topologyLabels = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region']

/** No pod comes to a new node before the node's controller has seen that it is ready. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  resources: ['nodes'],
  mutate(_context, { operation, request, object }) {
    if (operation !== 'CREATE' || request.subresource !== '') return
    const node: Node = object
    const taints = ((node.spec ??= {}).taints ??= [])
    if (!taints.some(({ key, effect }) => key === notReadyTaint.key && effect === notReadyTaint.effect)) {
      taints.push({ ...notReadyTaint })
    }
  },
}

/** Pods know their node's zone and region (KEP-4742): from its binding, which gives the pod its labels, or by its name. */
export const podTopologyLabels: AdmissionPlugin = {
  name: 'PodTopologyLabels',
  resources: ['pods'],
  async mutate(context, { operation, request, object }) {
    if (operation !== 'CREATE') return
    const name =
      request.subresource === 'binding' ? targetOf(object) : request.subresource === '' ? nodeOf(object) : undefined
    if (!name) return
    const labels = await topologyOf(context, name)
    if (labels.length > 0) object.metadata.labels = { ...object.metadata.labels, ...Object.fromEntries(labels) }
  },
}

function targetOf({ target }: Partial<Binding>): string | undefined {
  return target?.kind === 'Node' ? target.name : undefined
}

function nodeOf({ spec }: Pod): string | undefined {
  return spec?.nodeName
}

async function topologyOf(context: ServerContext, name: string): Promise<[string, string][]> {
  const node = await context.objects.find(resources.nodes, { name })
  return Object.entries(node?.metadata.labels ?? {}).filter(([key]) => topologyLabels.includes(key))
}
