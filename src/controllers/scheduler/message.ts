/** The words of FailedScheduling, and of the condition PodScheduled. Pure. */

export const noNodes = 'no nodes available to schedule pods'

/** `0/2 nodes are available: 1 …, 1 ….`: the reasons of each node, or one `problem` that the pod itself has. */
export function unavailable(nodes: number, why: readonly (readonly string[])[] | string): string {
  return `0/${nodes} nodes are available: ${typeof why === 'string' ? why : counted(why.flat())}.`
}

/** `preemption`: why nobody gives way; undefined when somebody does. */
export function unschedulable(message: string, preemption: string | undefined): string {
  return preemption === undefined ? message : `${message} no new claims to deallocate, preemption: ${preemption}`
}

function counted(reasons: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ')
}
