/** A kubeconfig that is a device. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runOk } from '../lib/exec.ts'
import { addToUserKubeconfig, removeFromUserKubeconfig } from './kubeconfig.ts'

test('a device stays one, whoever names it in KUBECONFIG', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kubeconfig-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'null')
  await runOk('mknod', [path, 'c', '1', '3'])
  const credentials = { name: 'fairway', server: 'https://172.30.0.1:6443', ca: 'CA', cert: 'CERT', key: 'KEY' }
  const merged = await addToUserKubeconfig(path, credentials)
  expect(statSync(path).isCharacterDevice()).toBe(true)
  await removeFromUserKubeconfig('fairway', merged)
  expect(statSync(path).isCharacterDevice()).toBe(true)
})
