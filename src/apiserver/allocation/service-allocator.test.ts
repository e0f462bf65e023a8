import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../test-server.ts'

let api: TestServer
beforeEach(async () => {
  api = await startTestServer({ serviceCidrs: ['10.0.0.0/28'] })
})
afterEach(() => api[Symbol.asyncDispose]())

const services = '/api/v1/namespaces/default/services'
const create = (name: string, spec: object = {}) =>
  api.request('POST', services, { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } })
const clusterIP = ({ body }: { body: Record<string, unknown> }) => (body['spec'] as { clusterIP: string }).clusterIP
const keys = async (prefix: string) => (await api.store.range({ prefix })).kvs.map((kv) => kv.key)
const claims = async () => [
  ...(await keys('/registry/networking.k8s.io/ipaddresses/')),
  ...(await keys('/registry/ranges/')),
]

describe('cluster IPs', () => {
  test('given to many Services at once are all different, until none is left', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => create(`s${i}`)))
    const given = answers.filter(({ status }) => status === 201).map(clusterIP)
    expect(given).toHaveLength(14)
    expect(new Set(given).size).toBe(14)
    const full = answers.filter(({ status }) => status !== 201)
    expect(full[0]).toMatchObject({
      status: 500,
      body: {
        message: expect.stringMatching(
          /^Internal error occurred: failed to allocate a serviceIP for Service "s\d+": range is full$/,
        ),
      },
    })
    expect(await claims()).toHaveLength(14)
  })

  test('asked for by two at once go to one', async () => {
    const answers = await Promise.all(['a', 'b', 'c'].map((name) => create(name, { clusterIP: '10.0.0.9' })))
    expect(answers.filter(({ status }) => status === 422)).toHaveLength(2)
    expect(answers.find(({ status }) => status === 422)?.body.message).toContain(
      'spec.clusterIPs: Invalid value: ["10.0.0.9"]: failed to allocate IP 10.0.0.9: provided IP is already allocated',
    )
  })

  test.each(['10.0.0.0', '10.0.0.15', '10.1.0.1'])('outside the range are refused: %s', async (address) => {
    const answer = await create('out', { clusterIP: address })
    expect(answer).toMatchObject({ status: 422 })
    expect(answer.body.message).toContain(
      `failed to allocate IP ${address}: the provided network does not match the current range`,
    )
  })

  test('of a create that fails are not kept', async () => {
    await create('same', { clusterIP: '10.0.0.3' })
    expect((await create('same', { clusterIP: '10.0.0.4' })).status).toBe(409)
    expect((await create('dry', {})).status).toBe(201)
    expect(
      (await api.request('POST', `${services}?dryRun=All`, { metadata: { name: 'd' }, spec: { ports: [{ port: 1 }] } }))
        .status,
    ).toBe(201)
    expect(await claims()).toHaveLength(2)
  })

  test('are free again after the delete', async () => {
    await create('a', { clusterIP: '10.0.0.3' })
    await api.request('DELETE', `${services}/a`)
    expect(await claims()).toEqual([])
    expect((await create('b', { clusterIP: '10.0.0.3' })).status).toBe(201)
  })

  test('are not given to headless Services', async () => {
    expect(clusterIP(await create('headless', { clusterIP: 'None' }))).toBe('None')
    expect(await claims()).toEqual([])
  })

  test('stay when an update leaves them out', async () => {
    const created = await create('keep')
    const answer = await api.request('PUT', `${services}/keep`, {
      metadata: { name: 'keep' },
      spec: { ports: [{ port: 81 }] },
    })
    expect([answer.status, clusterIP(answer)]).toEqual([200, clusterIP(created)])
    expect(await claims()).toHaveLength(1)
  })
})

describe('node ports', () => {
  test('are allocated in the upper band, refused when taken or out of range, and freed', async () => {
    const created = await create('np', { type: 'NodePort' })
    const port = (created.body['spec'] as { ports: { nodePort: number }[] }).ports[0]?.nodePort ?? 0
    expect(port).toBeGreaterThanOrEqual(30000 + 86)
    const again = await create('np2', { type: 'NodePort', ports: [{ port: 80, nodePort: port }] })
    expect(again.body.message).toContain(
      `spec.ports[0].nodePort: Invalid value: ${port}: provided port is already allocated`,
    )
    const out = await create('np3', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] })
    expect(out.body.message).toContain('The range of valid ports is 30000-32767')
    await api.request('DELETE', `${services}/np`)
    expect(await claims()).toEqual([])
  })
})
