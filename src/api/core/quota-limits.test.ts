import { describe, expect, test } from 'vitest'
import { create, row, update } from '../common/testing.ts'
import type { LimitRange, LimitRangeItem, ResourceQuota, ResourceQuotaSpec } from '../generated/v1.ts'

const now = new Date('2026-11-21T00:05:05Z')
const metadata = { name: 'q', namespace: 'demo', creationTimestamp: '2026-11-21T00:00:00Z' }

describe('ResourceQuota', () => {
  const quota = (spec: ResourceQuotaSpec): ResourceQuota => ({ metadata, spec })

  test.each<[string, ResourceQuotaSpec, string[]]>([
    ['nothing', { hard: { 'count/jobs.batch': '1', 'requests.cpu': '1500m', 'example.com/gpu': '1' } }, []],
    [
      'a name nobody knows',
      { hard: { chairs: '4' } },
      ['spec.hard[chairs]: Invalid value: "chairs": must be a standard resource for quota'],
    ],
    ['half a pod', { hard: { pods: '500m' } }, ['spec.hard[pods]: Invalid value: "500m": must be an integer']],
    [
      'less than nothing',
      { hard: { secrets: '-1' } },
      ['spec.hard[secrets]: Invalid value: "-1": must be greater than or equal to 0'],
    ],
    [
      'a scope nobody knows',
      { hard: { pods: '1' }, scopes: ['Sleeping'] },
      ['spec.scopes: Invalid value: ["Sleeping"]: unsupported scope'],
    ],
    [
      'scopes that exclude each other',
      { hard: { pods: '1' }, scopes: ['BestEffort', 'NotBestEffort'] },
      ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes'],
    ],
    [
      'a scope of what it is not for',
      { hard: { 'requests.cpu': '1' }, scopes: ['BestEffort'] },
      ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
    ],
    [
      'a priority without values',
      { hard: { pods: '1' }, scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In' }] } },
      [
        "spec.scopeSelector.matchExpressions[0].values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      ],
    ],
  ])('is refused for %s', (_name, spec, expected) =>
    expect(create('ResourceQuota', quota(spec)).errors).toEqual(expected),
  )

  test('keeps its scopes, and its status to itself', () => {
    const old = create<ResourceQuota>('ResourceQuota', {
      ...quota({ hard: { pods: '1' } }),
      status: { used: { pods: '9' } },
    }).object
    expect(old.status).toEqual({})
    const next = quota({ hard: { pods: '2' }, scopes: ['Terminating'] })
    expect(update(old, next, { kind: 'ResourceQuota' }).errors).toEqual([
      'spec.scopes: Invalid value: ["Terminating"]: field is immutable',
    ])
  })

  test('kubectl get quota', () => {
    const hard = { pods: '5', 'limits.cpu': '2', 'requests.cpu': '1' }
    const object = {
      ...quota({ hard }),
      status: { hard, used: { pods: '1', 'limits.cpu': '0', 'requests.cpu': '100m' } },
    }
    expect(Object.values(row('ResourceQuota', object, now))).toEqual([
      'q',
      'pods: 1/5, requests.cpu: 100m/1',
      'limits.cpu: 0/2',
      '5m5s',
    ])
  })
})

describe('LimitRange', () => {
  const limits = (...items: LimitRangeItem[]): LimitRange => ({ metadata, spec: { limits: items } })
  const at = 'spec.limits[0]'

  test('says of containers what follows from what it says', () => {
    const { object, errors } = create(
      'LimitRange',
      limits({ type: 'Container', max: { cpu: '2' }, min: { memory: '1Mi' } }),
    )
    expect(errors).toEqual([])
    expect(object.spec?.limits[0]).toMatchObject({
      default: { cpu: '2' },
      defaultRequest: { cpu: '2', memory: '1Mi' },
    })
  })

  test.each<[string, LimitRangeItem[], string[]]>([
    [
      'an unknown type',
      [{ type: 'Chair' }],
      [`${at}.type: Invalid value: "Chair": must be a standard limit type or fully qualified`],
    ],
    ['a type twice', [{ type: 'Pod' }, { type: 'Pod' }], ['spec.limits[1].type: Duplicate value: "Pod"']],
    [
      'defaults of pods',
      [{ type: 'Pod', default: { cpu: '1' } }],
      [`${at}.default: Forbidden: may not be specified when \`type\` is 'Pod'`],
    ],
    [
      'claims without bounds',
      [{ type: 'PersistentVolumeClaim' }],
      [`${at}.limits: Required value: either minimum or maximum storage value is required, but neither was provided`],
    ],
    [
      'no room',
      [{ type: 'Pod', min: { cpu: '2' }, max: { cpu: '1' } }],
      [`${at}.min[cpu]: Invalid value: "2": min value 2 is greater than max value 1`],
    ],
    [
      'a default out of bounds',
      [{ type: 'Container', default: { cpu: '3' }, max: { cpu: '2' }, defaultRequest: { cpu: '1' } }],
      [`${at}.default[cpu]: Invalid value: "3": default value 3 is greater than max value 2`],
    ],
    [
      'a ratio below one',
      [{ type: 'Container', maxLimitRequestRatio: { cpu: '500m' } }],
      [`${at}.maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1`],
    ],
    [
      'a ratio out of reach',
      [{ type: 'Pod', min: { cpu: '1' }, max: { cpu: '2' }, maxLimitRequestRatio: { cpu: '3' } }],
      [`${at}.maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000`],
    ],
  ])('is refused for %s', (_name, items, expected) => {
    expect(create('LimitRange', limits(...items)).errors).toEqual(expected)
  })

  test('kubectl get limits', () => {
    expect(Object.values(row('LimitRange', limits(), now))).toEqual(['q', '2026-11-21T00:00:00Z'])
  })
})
