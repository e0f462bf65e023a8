/** Containers that write into a volume they share, `/v`, what tests of their order read there. */
import type { Container } from '../../api/generated/v1.ts'

export const volumes = [{ name: 'v', emptyDir: {} }]
export const volumeMounts = [{ name: 'v', mountPath: '/v' }]

/** Runs `script`. */
export function busybox(name: string, script: string, more: Partial<Container> = {}): Container {
  return { name, image: 'busybox', command: ['sh', '-c', script], volumeMounts, ...more }
}

/** Runs until it is told to end; says so in `/v/log`: `+NAME`, `-NAME`. */
export function service(name: string, more: Partial<Container> = {}): Container {
  const begin = `trap 'echo -${name} >> /v/log; exit 0' TERM; echo +${name} >> /v/log`
  return busybox(name, `${begin}; while :; do sleep 0.02; done`, more)
}
