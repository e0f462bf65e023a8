/** SubjectAccessReview and its kin: what authorization says, asked for (`kubectl auth can-i`). */
import type {
  NonResourceRule,
  ResourceRule,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
} from '../../api/generated/authorization.k8s.io.v1.ts'
import { parseFieldSelector } from '../../api/machinery/field-selectors.ts'
import { badRequest, invalidError } from '../../api/machinery/status.ts'
import type { ApiResponse } from '../../client/transport.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'
import type { UserInfo } from '../handler.ts'
import { readBody } from '../http/body.ts'
import { answered } from '../http/review.ts'
import { parseWriteOptions } from '../write/options.ts'
import { requestContext } from '../write/request-context.ts'
import type { Attributes, FieldEquality } from './attributes.ts'
import { nodeNameOf } from './node.ts'

/** SubjectAccessReview, LocalSubjectAccessReview and SelfSubjectAccessReview; a self review has no subject of its own. */
export async function handleAccessReview(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  const { definition, groupKind } = request.resource
  const options = parseWriteOptions(request.query, 'CreateOptions')
  const review = await readBody<SubjectAccessReview>(request, definition, options)
  if (definition.namespaced) {
    const { namespace } = review.metadata
    if (namespace && namespace !== request.namespace) {
      throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${request.namespace}`)
    }
    review.metadata.namespace = request.namespace
  }
  const errors = definition.validate?.(review, requestContext(context, request, options)) ?? []
  if (errors.length > 0) throw invalidError(groupKind, '', errors)
  const user = definition.kind === 'SelfSubjectAccessReview' ? request.user : subjectOf(review.spec)
  const { allowed, reason } = await context.authorizer.authorize(attributesOf(user, review.spec))
  return answered(review, { allowed, ...(reason && { reason }) })
}

function subjectOf({ user = '', groups = [], uid, extra }: SubjectAccessReviewSpec): UserInfo {
  return { name: user, groups, ...(uid && { uid }), ...(extra && { extra }) }
}

function attributesOf(user: UserInfo, spec: SubjectAccessReviewSpec): Attributes {
  const { resourceAttributes, nonResourceAttributes } = spec
  if (!resourceAttributes) {
    const { verb = '', path = '' } = nonResourceAttributes ?? {}
    return { type: 'path', user, verb, path }
  }
  const { verb = '', group = '', version = '', resource = '', subresource = '' } = resourceAttributes
  const { namespace = '', name = '', fieldSelector } = resourceAttributes
  const selected = fieldSelector ? equalities(fieldSelector) : []
  return { type: 'resource', user, verb, group, version, resource, subresource, namespace, name, selected }
}

/** What cannot be read limits nothing. */
function equalities(
  selector: NonNullable<NonNullable<SubjectAccessReviewSpec['resourceAttributes']>['fieldSelector']>,
) {
  const { rawSelector = '', requirements = [] } = selector
  const given = requirements.flatMap(({ key, operator, values = [] }): FieldEquality[] =>
    operator === 'In' && values.length === 1 ? values.map((value) => ({ field: key, value })) : [],
  )
  try {
    const terms = parseFieldSelector(rawSelector).filter(({ operator }) => operator === '=')
    return [...given, ...terms.map(({ field, value }) => ({ field, value }))]
  } catch {
    return given
  }
}

/** SelfSubjectRulesReview: the rules that count for whoever asks in a namespace (`kubectl auth can-i --list`). */
export async function handleRulesReview(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  const options = parseWriteOptions(request.query, 'CreateOptions')
  const review = await readBody<SelfSubjectRulesReview>(request, request.resource.definition, options)
  const { namespace } = review.spec
  if (!namespace) throw badRequest('no namespace on request')
  const { rbac } = context.authorizer
  await rbac.load()
  const { grants, errors } = rbac.grantsTo(request.user, namespace)
  const rules = grants.flatMap((grant) => grant.rules)
  const resourceRules = rules.flatMap((rule): ResourceRule[] => {
    const { verbs, apiGroups = [], resources = [], resourceNames } = rule
    if (resources.length === 0) return []
    return [{ verbs, apiGroups, resources, ...(resourceNames?.length && { resourceNames }) }]
  })
  const nonResourceRules = rules.flatMap(({ verbs, nonResourceURLs = [] }): NonResourceRule[] =>
    nonResourceURLs.length > 0 ? [{ verbs, nonResourceURLs }] : [],
  )
  const isNode = nodeNameOf(request.user) !== undefined
  const problems = [...(isNode ? ['node authorizer does not support user rule resolution'] : []), ...errors]
  const status = {
    incomplete: isNode || errors.length > 0,
    nonResourceRules,
    resourceRules,
    ...(problems.length > 0 && { evaluationError: problems.length > 1 ? `[${problems.join(', ')}]` : problems[0] }),
  }
  return answered(review, status)
}
