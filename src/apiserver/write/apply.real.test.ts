/** Server-side apply as kubectl does it, from client-side apply to several managers of one object. Needs loopback only. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ManagedFieldsEntry } from '../../api/generated/meta.v1.ts'
import { runOk } from '../../lib/exec.ts'
import { startTestKubectl, type TestKubectl } from '../test-kubectl.ts'

let kubectl: TestKubectl
beforeAll(async () => {
  kubectl = await startTestKubectl()
})
afterAll(() => kubectl[Symbol.asyncDispose]())

const configMap = (name: string, data: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })

/** stdout, or what went wrong. */
async function said(answer: ReturnType<TestKubectl['run']>): Promise<string> {
  const { stdout, stderr } = await answer
  return stdout + stderr
}

const apply = (manifest: object, ...more: string[]) =>
  said(kubectl.withFile(manifest, 'apply', '--server-side', ...more))

async function read(kind: string, name: string) {
  const { stdout } = await kubectl.run('get', kind, name, '-o', 'json', '--show-managed-fields')
  return JSON.parse(stdout) as {
    metadata: { managedFields?: ManagedFieldsEntry[]; annotations?: Record<string, string> }
    data?: Record<string, string>
    spec?: Record<string, unknown>
    status?: Record<string, unknown>
  }
}

async function managers(kind: string, name: string): Promise<Record<string, unknown>> {
  const { metadata } = await read(kind, name)
  return Object.fromEntries(
    (metadata.managedFields ?? []).map(({ operation, manager, subresource, fieldsV1 }) => [
      [operation, manager, subresource].filter(Boolean).join(' '),
      fieldsV1,
    ]),
  )
}

test('what was applied on the client moves over, so that what leaves the manifest leaves the object', async () => {
  await kubectl.withFile(configMap('moved', { a: '1', b: '1' }), 'apply')
  expect(Object.keys(await managers('configmap', 'moved'))).toEqual(['Update kubectl-client-side-apply'])
  expect(await apply(configMap('moved', { a: '2', b: '1' }))).toBe('configmap/moved serverside-applied\n')
  expect(await managers('configmap', 'moved')).toEqual({
    'Apply kubectl': { 'f:data': { 'f:a': {}, 'f:b': {} } },
    'Apply kubectl-last-applied': {
      'f:metadata': { 'f:annotations': { 'f:kubectl.kubernetes.io/last-applied-configuration': {} } },
    },
  })
  expect(await apply(configMap('moved', { a: '2' }))).toBe('configmap/moved serverside-applied\n')
  const { data, metadata } = await read('configmap', 'moved')
  expect(data).toEqual({ a: '2' })
  expect(Object.values(metadata.annotations ?? {})).toEqual([
    '{"apiVersion":"v1","data":{"a":"2"},"kind":"ConfigMap","metadata":{"name":"moved","namespace":"default"}}\n',
  ])
  expect(await said(kubectl.withFile(configMap('moved', { a: '3' }), 'apply'))).toBe('configmap/moved configured\n')
})

test('managers meet in conflicts, share what they agree on, and leave what others keep', async () => {
  await kubectl.run('create', 'configmap', 'shared', '--from-literal=a=1')
  expect(await apply(configMap('shared', { a: '2' }))).toContain(
    'Apply failed with 1 conflict: conflict with "kubectl-create" using v1: .data.a\n',
  )
  expect(await apply(configMap('shared', { a: '1', b: '1' }), '--field-manager=ci')).toBe(
    'configmap/shared serverside-applied\n',
  )
  expect(await apply(configMap('shared', { a: '2', b: '2', c: '2' }))).toContain(
    'Apply failed with 3 conflicts: conflicts with "ci":\n- .data.a\n- .data.b\nconflicts with "kubectl-create" using v1:\n- .data.a',
  )
  expect(await apply(configMap('shared', { a: '2', c: '2' }), '--force-conflicts')).toContain('serverside-applied')
  expect(await managers('configmap', 'shared')).toEqual({
    'Apply ci': { 'f:data': { 'f:b': {} } },
    'Apply kubectl': { 'f:data': { 'f:a': {}, 'f:c': {} } },
    'Update kubectl-create': { 'f:data': {} },
  })
  expect(await apply(configMap('shared', {}))).toContain('serverside-applied')
  expect((await read('configmap', 'shared')).data).toEqual({ b: '1' })
})

test('edits, labels and replacements take what they change', async () => {
  await apply(configMap('touched', { a: '1', b: '1' }))
  const editor = join(kubectl.environment['HOME'] ?? '', 'editor')
  writeFileSync(editor, '#!/bin/sh\nsed -i "s/a: \\"1\\"/a: \\"2\\"/" "$1"\n', { mode: 0o755 })
  const env = { ...kubectl.environment, KUBE_EDITOR: editor }
  expect(await runOk('kubectl', ['edit', 'configmap', 'touched'], { env })).toBe('configmap/touched edited\n')
  await kubectl.run('label', 'configmap', 'touched', 'x=y')
  await kubectl.withFile(configMap('touched', { a: '2', b: '3' }), 'replace')
  expect(await managers('configmap', 'touched')).toEqual({
    'Update kubectl-edit': { 'f:data': { 'f:a': {} } },
    'Update kubectl-replace': { 'f:data': { 'f:b': {} } },
  })
})

test('the status and the scale are applied by themselves', async () => {
  const meta = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } }
  const labels = { app: 'web' }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  await apply({ ...meta, spec: { selector: { matchLabels: labels }, template } })
  expect(await apply({ ...meta, status: { observedGeneration: 1 } }, '--subresource=status')).toBe(
    'deployment.apps/web serverside-applied\n',
  )
  expect((await read('deployment', 'web')).status).toEqual({ observedGeneration: 1 })
  expect((await managers('deployment', 'web'))['Apply kubectl status']).toEqual({
    'f:status': { 'f:observedGeneration': {} },
  })
})

test('what cannot be applied is told as upstream does', async () => {
  expect(await apply({ ...configMap('bad', {}), foo: 1 })).toBe(
    'Error from server (BadRequest): failed to create typed patch object (default/bad; /v1, Kind=ConfigMap): .foo: field not declared in schema\n',
  )
  await apply(configMap('again', { a: '1' }))
  const { stdout } = await kubectl.run('get', 'configmap', 'again', '-o', 'json', '--show-managed-fields')
  expect(await apply(JSON.parse(stdout) as object)).toBe(
    'Error from server (BadRequest): metadata.managedFields must be nil\n',
  )
  const { stdout: plain } = await kubectl.run('get', 'configmap', 'again', '-o', 'json')
  expect(await apply(JSON.parse(plain) as object)).toBe('configmap/again serverside-applied\n')
  await kubectl.run('delete', 'configmap', 'again')
  expect(await apply(JSON.parse(plain) as object)).toContain('uid mismatch: the provided object specified uid')
})

test('a dry run and a diff show what would be, and change nothing', async () => {
  await apply(configMap('dry', { a: '1' }))
  expect(await apply(configMap('dry', { a: '2' }), '--dry-run=server')).toBe(
    'configmap/dry serverside-applied (server dry run)\n',
  )
  const diff = await said(kubectl.withFile(configMap('dry', { a: '2' }), 'diff', '--server-side'))
  expect(diff).toMatch(/-\s+a: "1"\n\+\s+a: "2"/)
  expect((await read('configmap', 'dry')).data).toEqual({ a: '1' })
})
