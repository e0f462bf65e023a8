import { describe, expect, test } from 'vitest'
import type { PolicyRule } from '../../api/generated/rbac.authorization.k8s.io.v1.ts'
import type { Attributes } from './attributes.ts'
import { rulesNotCovered, ruleText } from './coverage.ts'
import { ruleAllows } from './rules.ts'

const user = { name: 'x', groups: [] }

/** `verb group/resource/subresource[ name]`, or `verb /path`. */
function asked(text: string): Attributes {
  const [verb = '', target = '', name = ''] = text.split(' ')
  if (target.startsWith('/')) return { type: 'path', user, verb, path: target }
  const [group = '', resource = '', subresource = ''] = target.split('/')
  const core = group === 'core' ? '' : group
  return {
    type: 'resource',
    user,
    verb,
    group: core,
    version: 'v1',
    resource,
    subresource,
    namespace: '',
    name,
    selected: [],
  }
}

const on = (verbs: string, groups: string, resources: string, ...resourceNames: string[]): PolicyRule => ({
  verbs: verbs.split(' '),
  apiGroups: groups.split(' ').map((group) => (group === 'core' ? '' : group)),
  resources: resources.split(' '),
  ...(resourceNames.length > 0 && { resourceNames }),
})
const at = (...nonResourceURLs: string[]): PolicyRule => ({ verbs: ['get'], nonResourceURLs })

describe('a rule', () => {
  test.each<[PolicyRule, string, boolean]>([
    [on('get', 'core', 'pods'), 'get core/pods', true],
    [on('get', 'core', 'pods'), 'list core/pods', false],
    [on('get', 'core', 'pods'), 'get apps/pods', false],
    [on('get', 'core', 'pods'), 'get core/pods/log', false],
    [on('get', 'core', 'pods/log'), 'get core/pods/log', true],
    [on('get', 'core', 'pods/log'), 'get core/pods', false],
    [on('update', '*', '*/scale'), 'update apps/deployments/scale', true],
    [on('update', '*', '*/scale'), 'update apps/deployments', false],
    [on('*', '*', '*'), 'delete apps/deployments/status', true],
    [on('*', '*', '*'), 'get /metrics', false],
    [on('get', 'core', 'secrets', 'a', 'b'), 'get core/secrets a', true],
    [on('get', 'core', 'secrets', 'a'), 'get core/secrets c', false],
    [on('list', 'core', 'secrets', 'a'), 'list core/secrets', false],
    [at('/healthz'), 'get /healthz', true],
    [at('/healthz'), 'get /healthz/ping', false],
    [at('/healthz/*'), 'get /healthz/ping', true],
    [at('/api*'), 'get /apis', true],
    [at('*'), 'get /any', true],
    [at('*'), 'post /any', false],
  ])('%j for `%s`: %s', (rule, question, allowed) => expect(ruleAllows(rule, asked(question))).toBe(allowed))
})

describe('rules held', () => {
  test.each<[string, PolicyRule[], PolicyRule[], string[]]>([
    ['all', [on('*', '*', '*')], [on('get list', 'core apps', 'pods deployments/scale')], []],
    ['in several rules', [on('get', 'core', 'pods'), on('list', 'core', 'pods')], [on('get list', 'core', 'pods')], []],
    [
      'but for a verb',
      [on('get', 'core', 'pods')],
      [on('get list', 'core', 'pods')],
      ['{APIGroups:[""], Resources:["pods"], Verbs:["list"]}'],
    ],
    [
      'for one name only',
      [on('get', 'core', 'pods', 'a')],
      [on('get', 'core', 'pods')],
      ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'],
    ],
    ['for more than one name', [on('get', 'core', 'pods')], [on('get', 'core', 'pods', 'a')], []],
    ['of a subresource everywhere', [on('get', 'core', '*/log')], [on('get', 'core', 'pods/log')], []],
    ['of paths by their beginning', [at('/api/*')], [at('/api/v1', '/api/v2')], []],
    ['of other paths', [at('/api/*')], [at('/apis')], ['{NonResourceURLs:["/apis"], Verbs:["get"]}']],
    ['of everything but paths', [on('*', '*', '*')], [at('/apis')], ['{NonResourceURLs:["/apis"], Verbs:["get"]}']],
  ])('%s', (_, held, wanted, lacking) => expect(rulesNotCovered(held, wanted).map(ruleText)).toEqual(lacking))
})
