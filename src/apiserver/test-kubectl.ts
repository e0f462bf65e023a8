/** For tests: the real kubectl, as a member of system:masters, against the test server behind TLS. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ExecResult, run } from '../lib/exec.ts'
import { type HttpsTestServer, startHttpsTestServer } from './test-https.ts'

export interface TestKubectl extends AsyncDisposable {
  readonly https: HttpsTestServer
  /** HOME, KUBECONFIG and PATH, for what is spawned. */
  readonly environment: Readonly<Record<string, string>>
  /** Its answer, whatever the exit code. */
  run(...args: string[]): Promise<ExecResult>
  /** With a manifest on its standard input, as `-f -` reads it. */
  withFile(manifest: object, ...args: string[]): Promise<ExecResult>
}

const timeoutMs = 30_000

export async function startTestKubectl(): Promise<TestKubectl> {
  const https = await startHttpsTestServer()
  const dir = mkdtempSync(join(tmpdir(), 'apiserver-kubectl-'))
  const env = { KUBECONFIG: join(dir, 'kubeconfig'), HOME: dir, PATH: process.env['PATH'] ?? '' }
  writeFileSync(env.KUBECONFIG, JSON.stringify(kubeconfig(https)))
  return {
    https,
    environment: env,
    run: (...args) => run('kubectl', args, { env, timeoutMs }),
    withFile: (manifest, ...args) =>
      run('kubectl', [...args, '-f', '-'], { env, input: JSON.stringify(manifest), timeoutMs }),
    async [Symbol.asyncDispose]() {
      await https[Symbol.asyncDispose]()
      rmSync(dir, { recursive: true })
    },
  }
}

function kubeconfig({ port, credentials }: HttpsTestServer): object {
  const data = (pem: string) => Buffer.from(pem).toString('base64')
  const server = { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': data(credentials.ca) }
  const user = { 'client-certificate-data': data(credentials.cert), 'client-key-data': data(credentials.key) }
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: server }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  }
}
