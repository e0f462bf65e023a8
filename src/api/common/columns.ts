/** Columns and cells that several kinds share. */
import type { KubeObject } from '../machinery/object.ts'
import type { Column } from '../resource.ts'

export const nameColumn: Column<KubeObject> = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  cell: (object) => object.metadata.name,
}
