import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { expect, test } from 'vitest'
import { createCa, issue } from '../../lib/pki.ts'
import { AgentDialer } from './agent.ts'

test('logs that are followed do not keep others from the agent', async () => {
  const followers = 100
  const ca = await createCa({ commonName: 'test-ca' })
  const agent = await issue(ca, { commonName: 'agent', ipAddresses: ['127.0.0.1'], usage: 'server', days: 1 })
  const client = await issue(ca, { commonName: 'apiserver', usage: 'client', days: 1 })
  const held: ServerResponse[] = []
  const server = createServer({ cert: agent.certPem, key: agent.keyPem }, (request, response) => {
    response.writeHead(200).flushHeaders()
    if (request.url === '/followed') held.push(response)
    else response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const listening = server.address()
  if (listening === null || typeof listening === 'string') throw new Error('no port')
  const address = { host: '127.0.0.1', port: listening.port }
  const dialer = new AgentDialer({ ...client, caPem: ca.certPem })
  try {
    await Promise.all(Array.from({ length: followers }, () => dialer.get(address, '/followed', undefined)))
    expect(held.length).toBe(followers)
    expect((await dialer.get(address, '/healthz', undefined)).statusCode).toBe(200)
  } finally {
    dialer.close()
    server.close()
    server.closeAllConnections()
  }
})
