/** The body of a server-side apply: YAML or JSON, of which only what stands there counts. */
import { decodeBody, type GroupVersionKind, groupVersionOf, typeNameOf } from '../../api/machinery/body.ts'
import { DecodeError, parseJson } from '../../api/machinery/decode.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { typeSchema } from '../../api/machinery/schema.ts'
import { badRequest } from '../../api/machinery/status.ts'
import type { JsonSource } from '../../api/machinery/yaml.ts'
import { typedError } from '../../api/managedfields/index.ts'
import type { ResourceRequest } from '../context.ts'
import { readYaml } from '../http/yaml.ts'
import type { PatchOptions } from './options.ts'

export interface AppliedConfig {
  readonly config: Partial<KubeObject>
  readonly force: boolean
}

/** Throws 400. */
export async function readConfig(request: ResourceRequest, options: PatchOptions): Promise<AppliedConfig> {
  const { resource, subresource } = request
  const config = await readTyped(request, options, resource.definition)
  // What this endpoint does not change is not owned through it either.
  const { status: _status, ...main } = config
  const { spec: _spec, ...state } = config
  const kept = subresource === 'status' ? state : resource.definition.status ? main : config
  return { config: kept, force: options.force }
}

/** A Scale, as the part of the scaled object that it stands for. Throws 400. */
export async function readScaleConfig(
  request: ResourceRequest,
  options: PatchOptions,
  scaleKind: GroupVersionKind,
): Promise<AppliedConfig> {
  const { apiVersion, definition } = request.resource
  const { metadata, spec } = await readTyped(request, options, scaleKind)
  const config = { apiVersion, kind: definition.kind, metadata, ...(spec !== undefined && { spec }) }
  return { config, force: options.force }
}

async function readTyped(
  { body, warnings }: ResourceRequest,
  { fieldValidation }: PatchOptions,
  expected: GroupVersionKind,
): Promise<Config> {
  const { config, yaml } = await plainObject(body)
  const { apiVersion = '', kind = '' } = config
  if (apiVersion !== groupVersionOf(expected) || kind !== expected.kind) {
    throw badRequest(`invalid object type: ${goGroupVersionKind(config)}`)
  }
  if (config.metadata?.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil')
  const wrong = typedError(config, typeSchema(typeNameOf(expected)))
  // Upstream says so with a 500, which its own issue 139253 calls a bug.
  if (wrong) throw badRequest(`failed to create typed patch object (${described(config)}): ${wrong}`)
  const checked = await decodeBody(expected, body, {
    fieldValidation: 'Warn',
    ...(yaml && { contentType: 'application/yaml', readYaml: () => yaml }),
  })
  // Where a type fits, only keys that stand twice are left to warn of.
  if (checked.warnings.length > 0 && fieldValidation !== 'Ignore') {
    const { complaints } = yaml ?? (await readAsYaml(body.toString()))
    if (fieldValidation === 'Strict') {
      throw badRequest(`error strict decoding YAML: error converting YAML to JSON: ${complaints.join('\n')}`)
    }
    for (const complaint of complaints) for (const line of complaint.split('\n').slice(1)) warnings.add(line.trim())
  }
  return config
}

type Config = Partial<KubeObject> & { spec?: unknown; status?: unknown }

interface Plain {
  readonly config: Config
  /** undefined: the body is JSON, as kubectl sends it, which is read faster. */
  readonly yaml: JsonSource | undefined
}

async function plainObject(body: Buffer): Promise<Plain> {
  const { value, yaml } = await plainValue(body.toString())
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest('error decoding YAML: the patch is not an object')
  }
  const { metadata } = value as Config
  if (typeof metadata !== 'object' || metadata === null) throw badRequest('error decoding YAML: metadata is missing')
  return { config: value, yaml }
}

async function plainValue(text: string): Promise<{ value: unknown; yaml: JsonSource | undefined }> {
  try {
    return { value: parseJson(text), yaml: undefined }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
  }
  const yaml = await readAsYaml(text)
  return { value: parseJson(yaml.text), yaml }
}

async function readAsYaml(text: string): Promise<JsonSource> {
  try {
    return await readYaml(text)
  } catch (error) {
    throw badRequest(`error decoding YAML: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function described(config: Config): string {
  const { namespace = '', name = '' } = config.metadata ?? {}
  return `${namespace}/${name}; ${goGroupVersionKind(config)}`
}

function goGroupVersionKind({ apiVersion = '', kind = '' }: Config): string {
  return `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`
}
