/** What the path of a request names. */
import type { Pod } from '../../api/generated/v1.ts'
import type { Informer } from '../../client/index.ts'

export interface PodTarget {
  readonly pod: Pod
  readonly uid: string
}

export interface Target extends PodTarget {
  readonly container: string
  /** It was started with a terminal. */
  readonly tty: boolean
}

type Pods = Pick<Informer<Pod>, 'get'>

export function findPod(pods: Pods, [namespace, name]: readonly string[]): PodTarget | undefined {
  const pod = pods.get(`${namespace}/${name}`)
  return pod && { pod, uid: pod.metadata.uid ?? '' }
}

/** A container of any kind. */
export function findTarget(pods: Pods, path: readonly string[]): Target | undefined {
  const found = findPod(pods, path)
  const { containers = [], initContainers = [], ephemeralContainers = [] } = found?.pod.spec ?? {}
  const container = [...containers, ...initContainers, ...ephemeralContainers].find(({ name }) => name === path[2])
  return found && container && { ...found, container: container.name, tty: container.tty === true }
}
