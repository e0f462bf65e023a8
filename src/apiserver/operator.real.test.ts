/** An operator over @kubernetes/client-node: informers, leases, server-side apply, finalizers. Needs loopback only. */
import { KubeConfig } from '@kubernetes/client-node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SiteOperator } from './operator.fixture.ts'
import { type HttpsTestServer, startHttpsTestServer } from './test-https.ts'
import { until } from './test-server.ts'

let https: HttpsTestServer
const operators: SiteOperator[] = []

beforeEach(async () => {
  https = await startHttpsTestServer()
})
afterEach(async () => {
  await Promise.all(operators.splice(0).map((operator) => operator.stop()))
  await https[Symbol.asyncDispose]()
})

async function startOperator(identity: string): Promise<SiteOperator> {
  const { ca, cert, key } = https.credentials
  const base64 = (pem: string) => Buffer.from(pem).toString('base64')
  const config = new KubeConfig()
  config.loadFromClusterAndUser(
    { name: 'c', server: `https://127.0.0.1:${https.port}`, caData: base64(ca), skipTLSVerify: false },
    { name: 'u', certData: base64(cert), keyData: base64(key) },
  )
  const operator = new SiteOperator(config, identity)
  operators.push(operator)
  await operator.start()
  return operator
}

const sites = '/api/v1/namespaces/default/configmaps'
const deployments = '/apis/apps/v1/namespaces/default/deployments'
const services = '/api/v1/namespaces/default/services'
const merge = { 'content-type': 'application/merge-patch+json' }

const createSite = (name: string, image: string) =>
  https.api.request('POST', sites, { metadata: { name, labels: { site: 'true' } }, data: { image } })

interface Seen {
  readonly metadata?: { readonly annotations?: Record<string, string> }
  readonly spec?: { readonly replicas?: number; readonly template?: { spec: { containers: { image: string }[] } } }
}

/** Waits until an object is as wanted; undefined: there is none. */
async function seen(what: string, path: string, holds: (object: Seen | undefined) => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const { status, body } = await https.api.request('GET', path)
    if (holds(status === 200 ? body : undefined)) return
    if (Date.now() > deadline) throw new Error(`timed out waiting for ${what} at ${path}: ${JSON.stringify(body)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const image = (object: Seen | undefined) => object?.spec?.template?.spec.containers[0]?.image

test('keeps what a site needs, undoes drift, leaves alone what is not its own, and cleans up', async () => {
  await startOperator('one')
  const { body: site } = await createSite('shop', 'shop:1')
  await seen('the Deployment', `${deployments}/shop`, (object) => image(object) === 'shop:1')
  await seen('the Service', `${services}/shop`, (object) => object !== undefined)
  expect((await https.api.request('GET', `${deployments}/shop`)).body.metadata).toMatchObject({
    ownerReferences: [{ kind: 'ConfigMap', name: 'shop', uid: site.metadata?.['uid'], controller: true }],
  })

  await https.api.request('PATCH', `${sites}/shop`, { data: { image: 'shop:2' } }, merge)
  await seen('the new image', `${deployments}/shop`, (object) => image(object) === 'shop:2')

  const containers = [{ name: 'web', image: 'evil:1' }]
  const drift = { spec: { replicas: 4, template: { spec: { containers } } } }
  await https.api.request('PATCH', `${deployments}/shop`, drift, merge)
  await seen('the image back', `${deployments}/shop`, (o) => image(o) === 'shop:2' && o?.spec?.replicas === 4)

  await https.api.request('PATCH', `${deployments}/shop/status`, { status: { replicas: 4, readyReplicas: 3 } }, merge)
  await seen(
    'the number of ready pods',
    `${sites}/shop`,
    (o) => o?.metadata?.annotations?.['example.com/ready'] === '3',
  )
  expect((await https.api.request('GET', `${sites}/shop`)).body).toMatchObject({ data: { image: 'shop:2' } })

  await https.api.request('DELETE', `${sites}/shop`)
  for (const path of [sites, deployments, services]) {
    await seen('nothing left', `${path}/shop`, (object) => object === undefined)
  }
})

test('works in one of several, and in another when that one is gone', async () => {
  const first = await startOperator('one')
  const second = await startOperator('two')
  expect([first.isLeading, second.isLeading]).toEqual([true, false])
  await createSite('a', 'a:1')
  await seen('the first site', `${deployments}/a`, (object) => image(object) === 'a:1')
  await first.stop()
  await createSite('b', 'b:1')
  await until('the second to lead', () => second.isLeading)
  await seen('the second site', `${deployments}/b`, (object) => image(object) === 'b:1')
})
