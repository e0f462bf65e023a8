/** Tables: what `kubectl get` prints, made on the server from a resource's declared columns. */
import type { KubeObject } from '../../api/machinery/object.ts'
import type { Column } from '../../api/resource.ts'
import { jsonFlavour } from '../cache/event.ts'
import type { IncludeObject } from '../http/negotiation.ts'
import type { ServedResource } from '../registry.ts'

const nameColumn: Column<KubeObject> = { name: 'Name', type: 'string', format: 'name', cell: (o) => o.metadata.name }

export type Columns = readonly Column<KubeObject>[]

/** As declared; the name is first where the declaration does not say otherwise. */
export function columnsOf(resource: ServedResource): Columns {
  const { columns } = resource.definition
  return columns.some((column) => column.name === 'Name') ? columns : [nameColumn, ...columns]
}

/** The rows of a Table from objects, as one JSON document. */
export function tableDocument(
  columns: Columns,
  objects: readonly KubeObject[],
  options: { include: IncludeObject; metadata: unknown; now: Date; columns: 'all' | 'none' },
): Buffer {
  return Buffer.from(
    JSON.stringify({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: options.metadata,
      columnDefinitions: options.columns === 'all' ? columns.map(columnDefinition) : null,
      rows: objects.map((object) => row(columns, object, options)),
    }),
  )
}

/** Only the first object of a watch describes the columns. */
export function tableFlavours(resource: ServedResource, include: IncludeObject, now: () => Date) {
  const columns = columnsOf(resource)
  const flavour = (described: 'all' | 'none') =>
    jsonFlavour(`table ${include} ${described}`, (entry) => {
      const metadata = { resourceVersion: String(entry.revision) }
      return tableDocument(columns, [entry.object], { include, metadata, now: now(), columns: described })
    })
  return { first: flavour('all'), rest: flavour('none') }
}

function columnDefinition(column: Column<KubeObject>) {
  return {
    name: column.name,
    type: column.type === 'date' ? 'string' : column.type,
    format: column.format ?? (column.name === 'Name' ? 'name' : ''),
    description: column.description ?? '',
    priority: column.priority ?? 0,
  }
}

function row(
  columns: readonly Column<KubeObject>[],
  object: KubeObject,
  options: { include: IncludeObject; now: Date },
) {
  return {
    cells: columns.map((column) => column.cell(object, options.now)),
    object: includedObject(object, options.include),
  }
}

function includedObject(object: KubeObject, include: IncludeObject): unknown {
  switch (include) {
    case 'None':
      return null
    case 'Metadata':
      return partialObject(object)
    case 'Object':
      return object
  }
}

export function partialObject(object: KubeObject) {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata }
}
