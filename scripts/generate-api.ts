/**
 * Writes `src/api/generated/`: for each API group version one TypeScript module of types and one compact
 * JSON schema, both from one source: the OpenAPI models of Kubernetes as the `@kubernetes/client-node`
 * package (a development dependency, Apache-2.0) ships them. With `--descriptions DIR` it also writes the
 * field documentation `kubectl explain` prints, which is not kept in the repository.
 *
 * What the models do not carry (strategic-merge keys, list types, defaults, quantities) stands in `api-facts.ts`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { defaults, fieldTypes, merge, quantities, wholeTypes } from './api-facts.ts'

const require = createRequire(import.meta.url)
const models = join(dirname(require.resolve('@kubernetes/client-node')), 'gen/models')
const outDir = join(import.meta.dirname, '../src/api/generated')

/** Model classes that start a group version; every class they reach joins the first group that reaches it. */
const groups: { gv: string; pkg: string; roots: string[] }[] = [
  {
    gv: 'meta/v1',
    pkg: 'io.k8s.apimachinery.pkg.apis.meta.v1',
    roots: [
      'V1ObjectMeta',
      'V1ListMeta',
      'V1LabelSelector',
      'V1Status',
      'V1DeleteOptions',
      'V1Condition',
      'V1APIResourceList',
      'V1APIGroupList',
      'V1APIVersions',
      'V1WatchEvent',
    ],
  },
  {
    gv: 'v1',
    pkg: 'io.k8s.api.core.v1',
    roots: [
      'Namespace',
      'Node',
      'Pod',
      'Service',
      'Endpoints',
      'ConfigMap',
      'Secret',
      'ServiceAccount',
      'CoreV1Event',
      'ReplicationController',
      'PodTemplate',
      'PersistentVolume',
      'PersistentVolumeClaim',
      'ResourceQuota',
      'LimitRange',
      'Binding',
      'ComponentStatus',
      'TopologySelectorTerm',
    ].map(withVersion('V1')),
  },
  {
    gv: 'apps/v1',
    pkg: 'io.k8s.api.apps.v1',
    roots: ['Deployment', 'ReplicaSet', 'DaemonSet', 'StatefulSet', 'ControllerRevision'].map(withVersion('V1')),
  },
  { gv: 'discovery.k8s.io/v1', pkg: 'io.k8s.api.discovery.v1', roots: ['V1EndpointSlice'] },
  { gv: 'coordination.k8s.io/v1', pkg: 'io.k8s.api.coordination.v1', roots: ['V1Lease'] },
  { gv: 'events.k8s.io/v1', pkg: 'io.k8s.api.events.v1', roots: ['EventsV1Event'] },
  {
    gv: 'networking.k8s.io/v1',
    pkg: 'io.k8s.api.networking.v1',
    roots: ['Ingress', 'IngressClass', 'NetworkPolicy', 'ServiceCIDR', 'IPAddress'].map(withVersion('V1')),
  },
  { gv: 'batch/v1', pkg: 'io.k8s.api.batch.v1', roots: ['V1Job', 'V1CronJob'] },
  { gv: 'policy/v1', pkg: 'io.k8s.api.policy.v1', roots: ['V1PodDisruptionBudget', 'V1Eviction'] },
  { gv: 'autoscaling/v1', pkg: 'io.k8s.api.autoscaling.v1', roots: ['V1Scale', 'V1HorizontalPodAutoscaler'] },
  { gv: 'autoscaling/v2', pkg: 'io.k8s.api.autoscaling.v2', roots: ['V2HorizontalPodAutoscaler'] },
  {
    gv: 'rbac.authorization.k8s.io/v1',
    pkg: 'io.k8s.api.rbac.v1',
    roots: ['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding'].map(withVersion('V1')),
  },
  { gv: 'node.k8s.io/v1', pkg: 'io.k8s.api.node.v1', roots: ['V1RuntimeClass'] },
  { gv: 'scheduling.k8s.io/v1', pkg: 'io.k8s.api.scheduling.v1', roots: ['V1PriorityClass'] },
  {
    gv: 'storage.k8s.io/v1',
    pkg: 'io.k8s.api.storage.v1',
    roots: [
      'StorageClass',
      'CSIDriver',
      'CSINode',
      'CSIStorageCapacity',
      'VolumeAttachment',
      'VolumeAttributesClass',
    ].map(withVersion('V1')),
  },
  {
    gv: 'authentication.k8s.io/v1',
    pkg: 'io.k8s.api.authentication.v1',
    roots: ['V1TokenReview', 'V1SelfSubjectReview', 'AuthenticationV1TokenRequest'],
  },
  {
    gv: 'authorization.k8s.io/v1',
    pkg: 'io.k8s.api.authorization.v1',
    roots: ['SubjectAccessReview', 'LocalSubjectAccessReview', 'SelfSubjectAccessReview', 'SelfSubjectRulesReview'].map(
      withVersion('V1'),
    ),
  },
]

interface Attribute {
  name: string
  baseName: string
  type: string
  format: string
}
interface Model {
  fields: Attribute[]
  required: Set<string>
  doc: string
  docs: Map<string, string>
}

const loaded = new Map<string, Model>()
const home = new Map<string, string>()

function withVersion(version: string) {
  return (name: string) => (/V\d/.test(name) ? name : `${version}${name}`)
}

function load(className: string): Model {
  const known = loaded.get(className)
  if (known) return known
  const js = readFileSync(join(models, `${className}.js`), 'utf8')
  const dts = readFileSync(join(models, `${className}.d.ts`), 'utf8')
  const table = /attributeTypeMap = (\[[\s\S]*?\n\]|\[\]);/.exec(js)?.[1]
  if (!table) throw new Error(`${className}: no attribute table`)
  const fields = JSON.parse(table.replace(/,(\s*[\]}])/g, '$1')) as Attribute[]
  const required = new Set<string>()
  const docs = new Map<string, string>()
  for (const m of dts.matchAll(/(?:\/\*\*\n\s*\*(.*)\n\s*\*\/\n\s*)?'([^']+)'(\?)?: /g)) {
    const name = fields.find((f) => f.name === m[2])?.baseName
    if (!name) continue
    if (!m[3]) required.add(name)
    if (m[1]) docs.set(name, clean(m[1]))
  }
  const doc = clean(/\/\*\*\n\*(.*)\n\*\/\nexport declare class/.exec(dts)?.[1] ?? '')
  const model = { fields, required, doc, docs }
  loaded.set(className, model)
  return model
}

function clean(text: string): string {
  return text.trim().replaceAll("\\'", "'").replaceAll('\\"', '"').replaceAll('\\_', '_')
}

/** Class names a model type mentions: `Array<V1Container>` → `V1Container`. */
function referenced(type: string): string[] {
  return [...type.matchAll(/\b(?:[A-Z][A-Za-z]*)?V\d[A-Za-z0-9]*\b/g)]
    .map((m) => m[0])
    .filter((n) => n !== 'V1MicroTime')
}

function claim(className: string, gv: string): void {
  if (home.has(className)) return
  home.set(className, gv)
  for (const field of load(className).fields) for (const ref of referenced(field.type)) claim(ref, gv)
}

function shortName(className: string): string {
  return className.replace(/^[A-Z][a-z]+(?=V\d)/, '').replace(/^V\d+((alpha|beta)\d+)?/, '')
}

function identifier(gv: string): string {
  return gv.replace('/', '.')
}

function schemaType(owner: string, gv: string, field: Attribute, type = field.type): string {
  const list = /^Array<(.*)>$/.exec(type)
  if (list?.[1]) return `[]${schemaType(owner, gv, field, list[1])}`
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)
  if (map?.[1]) return `{}${schemaType(owner, gv, field, map[1])}`
  if (referenced(type).length > 0) {
    const refHome = home.get(type)
    if (!refHome) throw new Error(`${type} has no home`)
    return refHome === gv ? shortName(type) : `${refHome}.${shortName(type)}`
  }
  if (quantities.has(`${owner}.${field.baseName}`)) return 'quantity'
  if (field.format === 'date-time') return 'time'
  if (field.format === 'date-time-micro') return 'microTime'
  if (field.format === 'byte') return 'bytes'
  if (field.format === 'int-or-string') return 'intOrString'
  if (type === 'IntOrString') return 'intOrString'
  if (type === 'number') return field.format || 'int32'
  if (type === 'Date') return 'time'
  return type
}

const tsScalars: Record<string, string> = {
  string: 'string',
  boolean: 'boolean',
  int32: 'number',
  int64: 'number',
  double: 'number',
  time: 'string',
  microTime: 'string',
  bytes: 'string',
  intOrString: 'number | string',
  quantity: 'string',
  any: 'unknown',
  object: 'Record<string, unknown>',
}

function tsType(type: string, imports: Set<string>): string {
  if (type.startsWith('[]')) {
    const item = tsType(type.slice(2), imports)
    return item.includes('|') ? `(${item})[]` : `${item}[]`
  }
  if (type.startsWith('{}')) return `Record<string, ${tsType(type.slice(2), imports)}>`
  const scalar = tsScalars[type]
  if (scalar) return scalar
  const dot = type.lastIndexOf('.')
  if (dot < 0) return type
  const gv = type.slice(0, dot)
  imports.add(gv)
  return `${moduleAlias(gv)}.${type.slice(dot + 1)}`
}

function moduleAlias(gv: string): string {
  return gv === 'v1' ? 'core' : (gv.split(/[./]/)[0] ?? gv)
}

/** Types and fields that there are: facts can be about them. */
const subjects = new Set<string>()

function found(subject: string): string {
  subjects.add(subject)
  return subject
}

function factsOf(type: string, fields: readonly string[]): Record<string, object> {
  const facts = Object.entries({ merge, fieldTypes, defaults }).map(([name, table]): [string, object] => {
    const ofType = fields.filter((field) => found(`${type}.${field}`) in table)
    return [name, Object.fromEntries(ofType.map((field) => [field, table[`${type}.${field}`]]))]
  })
  return Object.fromEntries(facts.filter(([, of]) => Object.keys(of).length > 0))
}

/** A fact about nothing is a mistake, or is about another release. */
function requireSubjects(): void {
  const all = [...Object.keys({ ...merge, ...fieldTypes, ...defaults }), ...quantities, ...wholeTypes]
  const stale = all.filter((name) => !subjects.has(name))
  if (stale.length > 0) throw new Error(`facts about what is not there: ${stale.join(', ')}`)
}

for (const { gv, roots } of groups) for (const root of roots) claim(root, gv)

const descriptionsDir = process.argv[2] === '--descriptions' ? process.argv[3] : undefined
mkdirSync(descriptionsDir ?? outDir, { recursive: true })
for (const { gv, pkg } of groups) {
  const classes = [...home]
    .filter(([, g]) => g === gv)
    .map(([c]) => c)
    .sort((a, b) => shortName(a).localeCompare(shortName(b)))
  const schema: Record<string, unknown> = {}
  const descriptions: Record<string, unknown> = {}
  const imports = new Set<string>()
  let body = ''
  for (const className of classes) {
    const model = load(className)
    const name = shortName(className)
    const isKind = ['apiVersion', 'kind', 'metadata'].every((f) => model.fields.some((a) => a.baseName === f))
    const fields: Record<string, string> = {}
    body += `\nexport interface ${name} {\n`
    for (const field of model.fields) {
      const type = schemaType(name, gv, field)
      fields[field.baseName] = type
      const present =
        model.required.has(field.baseName) ||
        (isKind && field.baseName === 'metadata') ||
        (name === 'ObjectMeta' && field.baseName === 'name')
      const key = /^[A-Za-z_$][\w$]*$/.test(field.baseName) ? field.baseName : `'${field.baseName}'`
      body += `  ${key}${present ? '' : '?'}: ${tsType(type, imports)}\n`
    }
    body += '}\n'
    schema[name] = {
      fields,
      ...(model.required.size > 0 && { required: [...model.required] }),
      ...factsOf(name, Object.keys(fields)),
      ...(wholeTypes.has(found(`${gv}.${name}`)) && { atomic: true }),
    }
    descriptions[name] = { doc: model.doc, fields: Object.fromEntries(model.docs) }
  }
  const file = identifier(gv)
  if (descriptionsDir) {
    writeFileSync(join(descriptionsDir, `${file}.json`), JSON.stringify(descriptions))
    continue
  }
  const head = `// Generated by scripts/generate-api.ts from the Kubernetes 1.36 API models. Do not edit.\n`
  const importLines = [...imports]
    .sort()
    .map((g) => `import type * as ${moduleAlias(g)} from './${identifier(g)}.ts'\n`)
    .join('')
  writeFileSync(join(outDir, `${file}.ts`), `${head}${importLines}${body}`)
  writeFileSync(join(outDir, `${file}.json`), `${JSON.stringify({ gv, package: pkg, types: schema })}\n`)
}
requireSubjects()
