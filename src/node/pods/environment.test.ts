import { describe, expect, test } from 'vitest'
import type { EnvVar, Pod } from '../../api/generated/v1.ts'
import { parseEnvFile } from './env-files.ts'
import { ConfigError, containerEnvironment, type EnvironmentSources, expand } from './environment.ts'
import { fieldValue, resourceValue } from './fields.ts'

const pod: Pod = {
  metadata: { name: 'web-1', namespace: 'demo', uid: 'u', labels: { app: 'web' } },
  spec: { nodeName: 'node-1', containers: [] },
}

const sources: EnvironmentSources = {
  pod,
  podIPs: ['10.244.0.2', 'fd00:244::2'],
  nodeIPs: ['172.30.0.11'],
  hostname: 'web-1',
  allocatable: { cpu: '4', memory: '8Gi' },
  services: { WEB_SERVICE_HOST: '10.96.100.1', WEB_SERVICE_PORT: '80' },
  configMap: (name) => (name === 'settings' ? { metadata: { name }, data: { color: 'red' } } : undefined),
  file: (volume, path) => (volume === 'v' && path === 'env' ? "# made\n A = 'one'\nB='two\n# lines'\n" : undefined),
  secret: (name) => (name === 'keys' ? { metadata: { name }, data: { key: 'c2VjcmV0' } } : undefined),
}

function env(...variables: EnvVar[]) {
  return containerEnvironment({ name: 'web', env: variables }, sources)
}

describe('$(VAR)', () => {
  const cases: [string, string][] = [
    ['plain', 'plain'],
    ['$(A)', 'a'],
    ['x$(A)y$(A)', 'xaya'],
    ['$(NONE)', '$(NONE)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$a'],
    ['$A', '$A'],
    ['$(A', '$(A'],
    ['$$', '$'],
  ]
  test.each(cases)('%s becomes %s', (text, expected) => expect(expand(text, { A: 'a' })).toBe(expected))
})

describe('a container sees', () => {
  test('its host name and the Services', () => {
    expect(env()).toEqual({ HOSTNAME: 'web-1', WEB_SERVICE_HOST: '10.96.100.1', WEB_SERVICE_PORT: '80' })
  })

  test('variables that build on earlier ones and on Services', () => {
    const result = env(
      { name: 'A', value: '1' },
      { name: 'B', value: '$(A)2 $(WEB_SERVICE_PORT)' },
      { name: 'WEB_SERVICE_PORT', value: '9' },
    )
    expect(result).toMatchObject({ B: '12 80', WEB_SERVICE_PORT: '9' })
  })

  const fields: [string, string][] = [
    ['metadata.name', 'web-1'],
    ['metadata.namespace', 'demo'],
    ["metadata.labels['app']", 'web'],
    ['spec.nodeName', 'node-1'],
    ['status.podIP', '10.244.0.2'],
    ['status.podIPs', '10.244.0.2,fd00:244::2'],
    ['status.hostIP', '172.30.0.11'],
  ]
  test.each(fields)('%s', (fieldPath, expected) => {
    expect(env({ name: 'X', valueFrom: { fieldRef: { fieldPath } } })['X']).toBe(expected)
  })

  test('keys of ConfigMaps and Secrets', () => {
    const config: EnvVar = { name: 'C', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } }
    const secret: EnvVar = { name: 'S', valueFrom: { secretKeyRef: { name: 'keys', key: 'key' } } }
    expect(env(config, secret)).toMatchObject({ C: 'red', S: 'secret' })
    const all = containerEnvironment(
      { name: 'web', envFrom: [{ prefix: 'P_', configMapRef: { name: 'settings' } }] },
      sources,
    )
    expect(all['P_color']).toBe('red')
  })

  test('keys of files', () => {
    const file = (key: string, more = {}): EnvVar => ({
      name: 'X',
      valueFrom: { fileKeyRef: { volumeName: 'v', path: 'env', key, ...more } },
    })
    expect(env(file('A'))['X']).toBe('one')
    expect(env(file('B'))['X']).toBe('two\n# lines')
    expect('X' in env(file('C', { optional: true }))).toBe(false)
    expect(() => env(file('C'))).toThrow('environment variable key "C" not found in file "env"')
    expect(() => env(file('A', { path: 'other' }))).toThrow(ConfigError)
  })

  test.each(['A=1', "A='1", "A='1' b", "='1'", '\nA'])('no variables of the file %j', (text) => {
    expect(() => parseEnvFile(text)).toThrow('invalid environment variable format at line')
  })

  test('nothing of a reference that is missing: an error, unless optional', () => {
    const reference = (name: string, key: string, optional = false): EnvVar => ({
      name: 'X',
      valueFrom: { configMapKeyRef: { name, key, optional } },
    })
    expect(() => env(reference('none', 'k'))).toThrow(new ConfigError('configmap "none" not found'))
    expect(() => env(reference('settings', 'k'))).toThrow("couldn't find key k in ConfigMap demo/settings")
    expect('X' in env(reference('none', 'k', true))).toBe(false)
  })
})

test('labels and annotations are written as Go quotes them', () => {
  const annotations = { b: 'a "b" \\ \n\t\u0001\u007f é\u00a0\u{1f600}', a: '' }
  const quoted = fieldValue('metadata.annotations', { ...sources, pod: { metadata: { name: 'web', annotations } } })
  expect(quoted).toBe('a=""\nb="a \\"b\\" \\\\ \\n\\t\\x01\\x7f é\\u00a0\u{1f600}"')
})

test('resources of the container, rounded up', () => {
  const container = { name: 'web', resources: { limits: { cpu: '1500m', memory: '64Mi' } } }
  const value = (resource: string, divisor?: string) =>
    resourceValue({ resource, ...(divisor && { divisor }) }, container, sources)
  expect([value('limits.cpu'), value('limits.cpu', '1m'), value('limits.memory')]).toEqual(['2', '1500', '67108864'])
  expect(value('requests.memory', '1Mi')).toBe('0')
  const unlimited = resourceValue({ resource: 'limits.cpu' }, { name: 'web' }, sources)
  expect(unlimited, 'as much as the node has').toBe('4')
})
