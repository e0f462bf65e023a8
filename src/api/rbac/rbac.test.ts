import { describe, expect, test } from 'vitest'
import { create, row, update } from '../common/testing.ts'
import type {
  ClusterRole,
  PolicyRule,
  RoleBinding,
  RoleRef,
  Subject,
} from '../generated/rbac.authorization.k8s.io.v1.ts'

const metadata = { name: 'x', namespace: 'demo' }
const group = 'rbac.authorization.k8s.io'
const viewers: RoleRef = { apiGroup: group, kind: 'ClusterRole', name: 'view' }
const binding = (subjects: Subject[], roleRef: RoleRef = viewers): RoleBinding => ({ metadata, roleRef, subjects })

describe('rules', () => {
  const good: PolicyRule = { verbs: ['get'], apiGroups: [''], resources: ['pods'] }

  test.each<[string, string, PolicyRule, string[]]>([
    ['a rule about resources', 'Role', good, []],
    ['one about URLs, in a ClusterRole', 'ClusterRole', { verbs: ['get'], nonResourceURLs: ['/x'] }, []],
    [
      'no verbs',
      'Role',
      { ...good, verbs: [] },
      ['rules[0].verbs: Required value: verbs must contain at least one value'],
    ],
    [
      'no group',
      'Role',
      { verbs: ['get'], resources: ['pods'] },
      ['rules[0].apiGroups: Required value: resource rules must supply at least one api group'],
    ],
    [
      'no resource',
      'Role',
      { verbs: ['get'], apiGroups: [''] },
      ['rules[0].resources: Required value: resource rules must supply at least one resource'],
    ],
    [
      'URLs in a namespace',
      'Role',
      { verbs: ['get'], nonResourceURLs: ['/x'] },
      ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'],
    ],
    [
      'URLs and resources',
      'ClusterRole',
      { ...good, nonResourceURLs: ['/x'] },
      [
        'rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs',
      ],
    ],
  ])('%s', (_, kind, rule, errors) => expect(create(kind, { metadata, rules: [rule] }).errors).toEqual(errors))

  test('aggregation asks for a selector, and a good one', () => {
    const errorsOf = (aggregationRule: ClusterRole['aggregationRule']) =>
      create<ClusterRole>('ClusterRole', { metadata, ...(aggregationRule && { aggregationRule }) }).errors
    expect(errorsOf({})).toEqual([
      'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
    ])
    expect(errorsOf({ clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] })).toEqual([])
    expect(errorsOf({ clusterRoleSelectors: [{ matchExpressions: [{ key: 'a', operator: 'Like' }] }] })).toHaveLength(2)
  })
})

describe('bindings', () => {
  test('groups are filled in, but for service accounts', () => {
    const subjects = [
      { kind: 'User', name: 'jane' },
      { kind: 'Group', name: 'devs' },
      { kind: 'ServiceAccount', name: 'ci', namespace: 'demo' },
    ]
    const { object, errors } = create('RoleBinding', binding(subjects, { kind: 'Role', name: 'r' }))
    expect(errors).toEqual([])
    expect(object.roleRef.apiGroup).toBe(group)
    expect(object.subjects?.map((subject) => subject.apiGroup)).toEqual([group, group, undefined])
  })

  test.each<[string, string, RoleBinding, string[]]>([
    [
      'another kind of role',
      'RoleBinding',
      binding([], { kind: 'Thing', name: 'r' }),
      ['roleRef.kind: Unsupported value: "Thing": supported values: "ClusterRole", "Role"'],
    ],
    [
      'a Role for the whole cluster',
      'ClusterRoleBinding',
      binding([], { kind: 'Role', name: 'r' }),
      ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'],
    ],
    ['no role', 'RoleBinding', binding([], { kind: 'Role', name: '' }), ['roleRef.name: Required value']],
    [
      'a name that is a path',
      'RoleBinding',
      binding([], { kind: 'Role', name: 'a/b' }),
      [`roleRef.name: Invalid value: "a/b": may not contain '/'`],
    ],
    [
      'another kind of subject',
      'RoleBinding',
      binding([{ kind: 'Robot', name: 'r' }]),
      ['subjects[0].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"'],
    ],
    [
      'a user of another group',
      'RoleBinding',
      binding([{ kind: 'User', name: 'u', apiGroup: 'x' }]),
      ['subjects[0].apiGroup: Unsupported value: "x": supported values: "rbac.authorization.k8s.io"'],
    ],
    [
      'a service account of no namespace, in the cluster',
      'ClusterRoleBinding',
      binding([{ kind: 'ServiceAccount', name: 'ci' }]),
      ['subjects[0].namespace: Required value'],
    ],
    ['the same in a namespace', 'RoleBinding', binding([{ kind: 'ServiceAccount', name: 'ci' }]), []],
    ['no name', 'RoleBinding', binding([{ kind: 'User', name: '' }]), ['subjects[0].name: Required value']],
  ])('%s', (_, kind, object, errors) => expect(create(kind, object).errors).toEqual(errors))

  test('the role of a binding stays', () => {
    const next = binding([], { ...viewers, name: 'edit' })
    expect(update(binding([]), binding([{ kind: 'User', name: 'u' }]), { kind: 'RoleBinding' }).errors).toEqual([])
    expect(update(binding([]), next, { kind: 'RoleBinding' }).errors).toEqual([
      'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"ClusterRole","Name":"edit"}: cannot change roleRef',
    ])
  })
})

test('columns', () => {
  const now = new Date('2026-11-21T00:05:00Z')
  const at = { ...metadata, creationTimestamp: '2026-11-21T00:00:00Z' }
  expect(row('ClusterRole', { metadata: at }, now)).toEqual({ Name: 'x', 'Created At': '2026-11-21T00:00:00Z' })
  const subjects = [
    { kind: 'User', name: 'jane' },
    { kind: 'User', name: 'joe' },
    { kind: 'ServiceAccount', name: 'ci', namespace: 'demo' },
  ]
  expect(row('RoleBinding', { ...binding(subjects), metadata: at }, now)).toEqual({
    Name: 'x',
    Role: 'ClusterRole/view',
    Age: '5m',
    Users: 'jane, joe',
    Groups: '',
    ServiceAccounts: 'demo/ci',
  })
})
