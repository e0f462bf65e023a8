/** The directories behind volumes of the standard StorageClass: under the cluster's state, and gone with it. */
import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { LocalVolumes } from '../controllers/index.ts'
import type { Layout } from './settings.ts'

export function localVolumes({ dir }: Pick<Layout, 'dir'>): LocalVolumes {
  const pathOf = (name: string) => join(dir, 'volumes', name)
  return {
    async create(name) {
      const path = pathOf(name)
      await mkdir(path, { recursive: true })
      // Containers may run as anybody.
      await chmod(path, 0o777)
      return path
    },
    async remove(name) {
      await rm(pathOf(name), { recursive: true, force: true })
    },
  }
}
