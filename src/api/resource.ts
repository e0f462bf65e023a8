/**
 * A resource, declared once. Everything generic (discovery, verbs, patches, tables, OpenAPI, selectors) follows from
 * the declaration; the functions are pure and know no I/O.
 */
import type { FieldError } from './machinery/field.ts'
import type { KubeObject } from './machinery/object.ts'

/** What strategy functions may know besides the object. */
export interface RequestContext {
  /** RFC 3339, whole seconds, UTC. */
  readonly now: string
  readonly user: string
  readonly namespace: string
  readonly dryRun: boolean
  /** Cluster settings that defaults and validation depend on. */
  readonly settings: ClusterSettings
}

export interface ClusterSettings {
  /** One or two CIDRs, the first one's family is the cluster's primary family. */
  readonly serviceCidrs: readonly string[]
  /** Inclusive. */
  readonly nodePortRange: { readonly from: number; readonly to: number }
  readonly clusterDomain: string
}

export interface Column<T> {
  readonly name: string
  /** As in a Table: 'string', 'integer', 'date'. */
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  readonly format?: string
  /** 0 is shown always, 1 with `-o wide`. */
  readonly priority?: 0 | 1
  readonly description?: string
  /** The cell. Ages are rendered as kubectl does (`5m5s`). */
  readonly cell: (object: T, now: Date) => string | number | boolean | null
}

/** Hooks of one way to write an object: the main resource, or a subresource such as status. */
export interface UpdateStrategy<T> {
  /** Copies from `old` what this endpoint may not change; bumps generation. Mutates `next`. */
  readonly prepareForUpdate?: (next: T, old: T, context: RequestContext) => void
  readonly validateUpdate?: (next: T, old: T, context: RequestContext) => FieldError[]
  readonly warningsOnUpdate?: (next: T, old: T) => string[]
}

/** How objects of one version are kept as those of another, and seen through it again. Lossless both ways. */
export interface StoredAs<T> {
  readonly group: string
  readonly version: string
  readonly kind: string
  /** Both take over what they are given; `apiVersion` and `kind` are the caller's affair. */
  readonly toStored: (object: T) => KubeObject
  readonly fromStored: (stored: KubeObject) => T
}

export interface ResourceDefinition<T extends KubeObject = KubeObject> extends UpdateStrategy<T> {
  /** '' is the core group. */
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly namespaced: boolean
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  /** Absent: all of create delete deletecollection get list patch update watch. */
  readonly verbs?: readonly string[]
  /** Fills in defaults, as on every decode in Kubernetes (also of stored objects). Mutates. */
  readonly setDefaults?: (object: T, context: Pick<RequestContext, 'settings'>) => void
  /** Clears what a client may not set (status), sets generation 1. Mutates. */
  readonly prepareForCreate?: (object: T, context: RequestContext) => void
  /** Kind-specific checks; name, namespace and metadata are checked generically with `validateName`. */
  readonly validate?: (object: T, context: RequestContext) => FieldError[]
  /** Brings a valid object into the one form it is stored in. Mutates. */
  readonly canonicalize?: (object: T) => void
  /** Messages for a bad name (without "Invalid value"); absent: DNS-1123 subdomain. */
  readonly validateName?: (name: string) => string[]
  readonly warningsOnCreate?: (object: T) => string[]
  /** Updates may create the object when it is absent (Leases, Endpoints, EndpointSlices no; Events, Endpoints yes upstream). */
  readonly allowCreateOnUpdate?: boolean
  /** Update without resourceVersion is accepted (most built-ins); false: 422 "must be specified for an update". */
  readonly allowUnconditionalUpdate?: boolean
  readonly status?: UpdateStrategy<T>
  /** How `/scale` maps to this kind. */
  readonly scale?: ScaleStrategy<T>
  /** Field selectors besides metadata.name and metadata.namespace: `status.phase` → value. */
  readonly selectableFields?: Readonly<Record<string, (object: T) => string>>
  readonly columns: readonly Column<T>[]
  /** Its objects are those of another declaration with the same plural. */
  readonly storedAs?: StoredAs<T>
  /** Sent as a Warning header with the answer to every request for this resource. */
  readonly deprecationWarning?: string
  /** Seconds a delete gives the object's owner process to end it; undefined: deleted at once. Pods only, today. */
  readonly gracePeriodSeconds?: (object: T) => number | undefined
  /** Default of `propagationPolicy` when the client gives none: 'Background' for all kinds served here. */
  readonly defaultDeletion?: 'Background' | 'Orphan'
  /** Sent with the answer to a delete that says nothing of dependents. */
  readonly defaultDeletionWarning?: string
}

export interface ScaleStrategy<T> {
  readonly get: (object: T) => { specReplicas: number; statusReplicas: number; selector: string }
  readonly set: (object: T, replicas: number) => void
}

export function apiVersionOf(definition: Pick<ResourceDefinition, 'group' | 'version'>): string {
  return definition.group ? `${definition.group}/${definition.version}` : definition.version
}

/** Type-checks a declaration and erases its type parameter, so that declarations of all kinds fit one list. */
export function declareResource<T extends KubeObject>(definition: ResourceDefinition<T>): ResourceDefinition {
  return definition as unknown as ResourceDefinition
}
