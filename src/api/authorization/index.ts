/**
 * The group authorization.k8s.io, v1: questions about who may do what. Never stored: a create is answered. Knows
 * nothing of other groups, of the store or of the server.
 */
import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
} from '../generated/authorization.k8s.io.v1.ts'
import { declareResource, type ResourceDefinition } from '../resource.ts'
import { validateLocalReview, validateReview, validateSelfReview } from './validation.ts'

const question = { group: 'authorization.k8s.io', version: 'v1', verbs: ['create'], columns: [] } as const

export const authorizationDefinitions: readonly ResourceDefinition[] = [
  declareResource<LocalSubjectAccessReview>({
    ...question,
    kind: 'LocalSubjectAccessReview',
    plural: 'localsubjectaccessreviews',
    singular: 'localsubjectaccessreview',
    namespaced: true,
    validate: validateLocalReview,
  }),
  declareResource<SelfSubjectAccessReview>({
    ...question,
    kind: 'SelfSubjectAccessReview',
    plural: 'selfsubjectaccessreviews',
    singular: 'selfsubjectaccessreview',
    namespaced: false,
    validate: validateSelfReview,
  }),
  declareResource<SelfSubjectRulesReview>({
    ...question,
    kind: 'SelfSubjectRulesReview',
    plural: 'selfsubjectrulesreviews',
    singular: 'selfsubjectrulesreview',
    namespaced: false,
  }),
  declareResource<SubjectAccessReview>({
    ...question,
    kind: 'SubjectAccessReview',
    plural: 'subjectaccessreviews',
    singular: 'subjectaccessreview',
    namespaced: false,
    validate: validateReview,
  }),
]
