/** `kubectl get nodes`. */
import { ageColumn, nameColumn, none } from '../../common/columns.ts'
import type { Node } from '../../generated/v1.ts'
import type { Column } from '../../resource.ts'

const rolePrefix = 'node-role.kubernetes.io/'
const roleLabel = 'kubernetes.io/role'

function statusText(node: Node): string {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')
  const words = [ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady']
  if (node.spec?.unschedulable) words.push('SchedulingDisabled')
  return words.join(',')
}

function roles(node: Node): string {
  const found = new Set<string>()
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    if (key.startsWith(rolePrefix) && key.length > rolePrefix.length) found.add(key.slice(rolePrefix.length))
    else if (key === roleLabel && value) found.add(value)
  }
  return [...found].sort().join(',') || none
}

function address(node: Node, type: string): string {
  return node.status?.addresses?.find((entry) => entry.type === type)?.address ?? none
}

const unknown = '<unknown>'

export const nodeColumns: readonly Column<Node>[] = [
  nameColumn,
  { name: 'Status', type: 'string', description: 'The status of the node', cell: statusText },
  { name: 'Roles', type: 'string', description: 'The roles of the node', cell: roles },
  ageColumn,
  { name: 'Version', type: 'string', cell: (node) => node.status?.nodeInfo?.kubeletVersion ?? '' },
  { name: 'Internal-IP', type: 'string', priority: 1, cell: (node) => address(node, 'InternalIP') },
  { name: 'External-IP', type: 'string', priority: 1, cell: (node) => address(node, 'ExternalIP') },
  { name: 'OS-Image', type: 'string', priority: 1, cell: (node) => node.status?.nodeInfo?.osImage || unknown },
  {
    name: 'Kernel-Version',
    type: 'string',
    priority: 1,
    cell: (node) => node.status?.nodeInfo?.kernelVersion || unknown,
  },
  {
    name: 'Container-Runtime',
    type: 'string',
    priority: 1,
    cell: (node) => node.status?.nodeInfo?.containerRuntimeVersion || unknown,
  },
]
