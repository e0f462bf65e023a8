import { once } from 'node:events'
import { request } from 'node:https'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type HttpsTestServer, startHttpsTestServer } from '../test-https.ts'

let https: HttpsTestServer
const pods = '/api/v1/namespaces/default/pods'

beforeAll(async () => {
  https = await startHttpsTestServer()
  const { api } = https
  await api.request('POST', '/api/v1/nodes', { metadata: { name: 'n' } })
  const addresses = [{ type: 'InternalIP', address: '127.0.0.1' }]
  await api.request('PATCH', '/api/v1/nodes/n/status', { status: { addresses } }, merge)
  const containers = ['init', 'main'].map((name) => ({ name, image: 'x' }))
  const [init, main] = containers
  await api.request('POST', pods, { metadata: { name: 'far' }, spec: { nodeName: 'n', containers: [main] } })
  await api.request('POST', pods, {
    metadata: { name: 'two' },
    spec: { nodeName: 'n', containers, initContainers: [] },
  })
  await api.request('POST', pods, { metadata: { name: 'free' }, spec: { containers: [main], initContainers: [init] } })
})

afterAll(() => https[Symbol.asyncDispose]())

const merge = { 'content-type': 'application/merge-patch+json' }

function open(path: string, protocols: string[] = []): WebSocket {
  return new WebSocket(`wss://127.0.0.1:${https.port}${path}`, protocols, https.credentials)
}

function plain(
  path: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port: https.port, path, method, headers, ...https.credentials })
    outgoing.on('response', (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    outgoing.on('upgrade', () => reject(new Error('the connection was taken over')))
    outgoing.on('error', reject)
    outgoing.end()
  })
}

const webSocket = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

describe('a watch over a WebSocket', () => {
  test('has a message for each event, and ends with its client', async () => {
    const socket = open('/api/v1/namespaces/default/configmaps?watch=true')
    const seen: { type: string; object: { metadata: { name: string } } }[] = []
    const both = new Promise<void>((resolve) => {
      socket.on('message', (message: Buffer) => {
        seen.push(JSON.parse(message.toString()))
        if (seen.length === 2) resolve()
      })
    })
    await once(socket, 'open')
    for (const name of ['a', 'b']) {
      await https.api.request('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name } })
    }
    await both
    expect(seen.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual(['ADDED a', 'ADDED b'])
    socket.close(1000)
    expect((await once(socket, 'close'))[0]).toBe(1000)
  })

  test('takes no part in the token that came among its protocols', async () => {
    const token = `base64url.bearer.authorization.k8s.io.${Buffer.from('secret').toString('base64url')}`
    const socket = open('/api/v1/namespaces/default/secrets?watch=true&timeoutSeconds=1', [token, 'mine'])
    await once(socket, 'open')
    expect(socket.protocol).toBe('mine')
    socket.terminate()
  })

  test('ends by itself when its time is up', async () => {
    const socket = open('/api/v1/namespaces/default/secrets?watch=true&timeoutSeconds=1')
    expect((await once(socket, 'close'))[0]).toBe(1000)
  })
})

describe('an upgrade that is none of the target', () => {
  test('is answered as ever', async () => {
    const { status, body } = await plain('/api/v1/namespaces/default', webSocket)
    expect(status).toBe(200)
    expect(JSON.parse(body)).toMatchObject({ kind: 'Namespace' })
    expect((await plain('/nowhere', webSocket)).status).toBe(404)
    expect((await plain('/api/v1/namespaces/none', webSocket)).status).toBe(404)
    expect((await plain('/api/v1/namespaces', webSocket, 'POST')).status).toBe(405)
  })
})

describe('a stream that cannot be had', () => {
  const refused: [path: string, status: number, message: string][] = [
    ['none/exec?command=x', 404, 'pods "none" not found'],
    ['none/portforward', 404, 'pods "none" not found'],
    ['far/exec?container=x', 400, 'container x is not valid for pod far'],
    ['two/attach', 400, 'a container name must be specified for pod two, choose one of: [init main]'],
    ['free/exec', 400, 'pod free does not have a host assigned'],
    ['free/portforward', 400, 'pod free does not have a host assigned'],
    ['far/portforward?ports=80,x', 400, 'cannot convert to []int32: strconv.ParseUint: parsing "x": invalid syntax'],
    [
      'far/portforward',
      500,
      'error dialing backend: Internal error occurred: the server has no credentials for agents',
    ],
  ]
  test.each(refused)('%s', async (path, status, message) => {
    const answer = await plain(`${pods}/${path}`, webSocket)
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toMatchObject({ kind: 'Status', code: status, message })
  })

  test('without an upgrade is told that one is required, after all else', async () => {
    expect(JSON.parse((await plain(`${pods}/far/exec`, {})).body).message).toBe('Upgrade request required')
    expect(JSON.parse((await plain(`${pods}/none/attach`, {})).body).message).toBe('pods "none" not found')
    expect((await plain(`${pods}/far/exec`, {}, 'DELETE')).status).toBe(405)
  })

  test('is told to a client of v5 by a Status, behind an empty message', async () => {
    const socket = open(`${pods}/far/exec?command=true&stderr=true`, ['v5.channel.k8s.io', 'v4.channel.k8s.io'])
    const messages: Buffer[] = []
    socket.on('message', (message: Buffer) => messages.push(message))
    expect((await once(socket, 'close'))[0]).toBe(1000)
    expect(socket.protocol).toBe('v5.channel.k8s.io')
    expect(messages[0]).toEqual(Buffer.from([2]))
    expect(messages[1]?.[0]).toBe(3)
    const status = JSON.parse(messages[1]?.subarray(1).toString() ?? '') as Record<string, unknown>
    expect(status).toMatchObject({ status: 'Failure', reason: 'InternalError', code: 500 })
    expect(status['message']).toContain(
      'Internal error occurred: error sending request: Post "https://127.0.0.1:10250/exec/',
    )
  })
})
