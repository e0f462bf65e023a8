/** serviceaccounts/token: a token for the account, as long-lived and as bound as was asked for (KEP-1205, KEP-4193). */
import { setTokenRequestDefaults, tokenRequestKind, validateTokenRequest } from '../../api/authentication/index.ts'
import type { BoundObjectReference, TokenRequest } from '../../api/generated/authentication.k8s.io.v1.ts'
import { type FieldError, invalid, Path } from '../../api/machinery/field.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { badRequest, conflictError, invalidError, notFoundError } from '../../api/machinery/status.ts'
import { formatTime } from '../../api/machinery/time.ts'
import type { Resource } from '../../client/contract.ts'
import { resources } from '../../client/resources.ts'
import type { ApiResponse } from '../../client/transport.ts'
import { boundTokenSeconds } from '../admission/serviceaccount.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'
import { readBody } from '../http/body.ts'
import { json } from '../http/respond.ts'
import { readEntry } from '../read/index.ts'
import { parseWriteOptions } from '../write/options.ts'
import type { KubernetesClaims, ObjectRef } from './claims.ts'

/** A pod's token goes on working this long after it should have been renewed, for clients that read it only once. */
const extendedSeconds = 365 * 24 * 60 * 60
const groupKind = { group: tokenRequestKind.group, resource: tokenRequestKind.kind }

export async function handleTokenRequest(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  const options = parseWriteOptions(request.query, 'CreateOptions')
  const sent = await readBody<TokenRequest>(request, tokenRequestKind, options)
  requireSameName(request, sent)
  const account = (await readEntry(context, request)).object
  const { tokens } = context
  setTokenRequestDefaults(sent)
  const spec = sent.spec ?? {}
  if (!spec.audiences?.length) spec.audiences = [...tokens.audiences]
  const errors = validateTokenRequest(sent)
  if (errors.length > 0) throw invalidError(groupKind, '', errors)
  await context.admission.run('validate', context, {
    operation: 'CREATE',
    request,
    object: sent,
    old: undefined,
    dryRun: options.dryRun,
  })
  const bound = spec.boundObjectRef ? await boundTo(context, request, spec.boundObjectRef) : {}
  const now = context.clock.now()
  const asked = spec.expirationSeconds ?? 0
  const extended =
    bound.pod && asked === boundTokenSeconds && spec.audiences.every((audience) => tokens.audiences.includes(audience))
  const kubernetes: KubernetesClaims = {
    namespace: request.namespace,
    ...bound,
    serviceaccount: refTo(account),
    ...(extended && { warnafter: Math.floor(now.getTime() / 1000) + asked }),
  }
  const seconds = extended ? extendedSeconds : asked
  const token = tokens.sign(kubernetes, { audiences: spec.audiences, seconds, now })
  return json(201, {
    ...sent,
    metadata: {
      ...sent.metadata,
      name: request.name,
      namespace: request.namespace,
      creationTimestamp: formatTime(now),
    },
    spec,
    status: { expirationTimestamp: formatTime(new Date(now.getTime() + asked * 1000)), token },
  })
}

function requireSameName({ name, namespace }: ResourceRequest, { metadata }: TokenRequest): void {
  const refuse = (field: 'name' | 'namespace', value: string): FieldError =>
    invalid(Path.of('metadata', field), value, `must match the service account ${field} if specified`)
  const errors =
    metadata.name && metadata.name !== name
      ? [refuse('name', metadata.name)]
      : metadata.namespace && metadata.namespace !== namespace
        ? [refuse('namespace', metadata.namespace)]
        : []
  if (errors.length > 0) throw invalidError(groupKind, name, errors)
}

type Bound = Pick<KubernetesClaims, 'pod' | 'secret' | 'node'>

/** Throws where the object is not there, is another one than meant, or is nothing a token can be bound to. */
async function boundTo(
  context: ServerContext,
  { name: account, namespace }: ResourceRequest,
  ref: BoundObjectReference,
): Promise<Bound> {
  const { apiVersion = '', kind = '', name = '', uid } = ref
  const get = async <T extends KubeObject>(resource: Resource<T>, at: { namespace?: string }): Promise<T> => {
    const object = await context.objects.find(resource, { ...at, name })
    if (!object) throw notFoundError({ group: '', resource: resource.plural }, name)
    if (!uid || object.metadata.uid === uid) return object
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`
    throw conflictError({ group: '', resource: kind }, name, why)
  }
  switch (apiVersion.includes('/') ? '' : kind) {
    case 'Pod': {
      const pod = await get(resources.pods, { namespace })
      if (pod.spec?.serviceAccountName !== account) {
        const why = `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`
        throw badRequest(why)
      }
      return { ...(await nodeOf(context, pod.spec.nodeName)), pod: refTo(pod) }
    }
    case 'Secret':
      return { secret: refTo(await get(resources.secrets, { namespace })) }
    case 'Node':
      return { node: refTo(await get(resources.nodes, {})) }
    default:
      throw badRequest(`cannot bind token to object of type ${gvkText(apiVersion, kind)}`)
  }
}

/** A node that is not there is told by its name alone. */
async function nodeOf(context: ServerContext, name: string | undefined): Promise<Bound> {
  if (!name) return {}
  const node = await context.objects.find(resources.nodes, { name })
  return { node: node ? refTo(node) : { name } }
}

function refTo({ metadata: { name, uid = '' } }: KubeObject): ObjectRef {
  return { name, uid }
}

/** Go's text of a GroupVersionKind. */
function gvkText(apiVersion: string, kind: string): string {
  const slash = apiVersion.indexOf('/')
  const [group, version] = slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)]
  return `${group}/${version}, Kind=${kind}`
}
