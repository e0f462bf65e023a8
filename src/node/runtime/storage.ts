/** How much of the disk a pod holds, as du(1) counts it. */
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Exec } from '../../lib/exec.ts'
import type { StorageUse } from './contract.ts'
import { containersOf } from './observe.ts'
import type { PodPaths } from './paths.ts'

export async function measureStorage(exec: Exec, pod: PodPaths): Promise<StorageUse> {
  const volumes = below(join(pod.volumes, 'empty'))
  const layers = below(pod.writable)
  const logs = containersOf(pod).flatMap((name) =>
    below(join(pod.containers, name)).filter((path) => /\.log(\.\d+)?$/.test(path)),
  )
  const paths = [...volumes, ...layers, ...logs]
  if (paths.length === 0) return { volumes: new Map(), containers: new Map() }
  // Files may go while it looks; what it has counted by then will do.
  const { stdout } = await exec('du', ['-sxB1', ...paths])
  const sizes = new Map(
    stdout.split('\n').map((line): [string, number] => {
      const [bytes = '', path = ''] = line.split('\t')
      return [path, Number(bytes)]
    }),
  )
  const sum = (list: readonly string[]) => list.reduce((total, path) => total + (sizes.get(path) ?? 0), 0)
  return {
    volumes: new Map(volumes.map((path) => [basename(path), sum([path])])),
    containers: new Map(
      containersOf(pod).map((name) => {
        const own = layers.filter((path) => basename(path).replace(/-\d+$/, '') === name)
        return [name, sum([...own, ...logs.filter((path) => path.startsWith(`${join(pod.containers, name)}/`))])]
      }),
    ),
  }
}

function below(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
