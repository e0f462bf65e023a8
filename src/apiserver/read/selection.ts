/** Which objects of a collection a request is about: label and field selectors over one resource. */
import { parseFieldSelector } from '../../api/machinery/field-selectors.ts'
import { parseLabelSelector, SelectorError } from '../../api/machinery/selectors.ts'
import { badRequest } from '../../api/machinery/status.ts'
import type { Entry } from '../cache/entry.ts'
import type { ServedResource } from '../registry.ts'

type Selectable = Pick<Entry, 'name' | 'namespace' | 'object'>

export interface Selection {
  readonly matches: (entry: Selectable) => boolean
  /** No selector at all. */
  readonly everything: boolean
}

type Test = (entry: Selectable) => boolean

export function select(
  resource: ServedResource,
  selectors: { labelSelector: string; fieldSelector: string; namespace: string; name?: string },
): Selection {
  const tests: Test[] = []
  const { namespace, name } = selectors
  if (selectors.labelSelector) {
    const matches = parsed(() => parseLabelSelector(selectors.labelSelector))
    tests.push((entry) => matches(entry.object.metadata.labels))
  }
  if (selectors.fieldSelector) tests.push(...fieldTests(resource, selectors.fieldSelector))
  if (name) tests.push((entry) => entry.name === name)
  const everything = tests.length === 0
  if (namespace) tests.unshift((entry) => entry.namespace === namespace)
  return { everything, matches: tests.length === 0 ? () => true : (entry) => tests.every((test) => test(entry)) }
}

function fieldTests(resource: ServedResource, selector: string): Test[] {
  return parsed(() => parseFieldSelector(selector)).map(({ field, operator, value }) => {
    const get = fieldGetter(resource, field)
    return (entry) => (get(entry) === value) === (operator === '=')
  })
}

function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw error instanceof SelectorError ? badRequest(error.message) : error
  }
}

function fieldGetter(resource: ServedResource, field: string): (entry: Selectable) => string {
  if (field === 'metadata.name') return (entry) => entry.name
  if (field === 'metadata.namespace' && resource.definition.namespaced) return (entry) => entry.namespace
  const fields = resource.definition.selectableFields
  const get = fields?.[field]
  if (get) return (entry) => get(entry.object)
  throw badRequest(
    fields
      ? `field label not supported: ${field}`
      : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
  )
}
