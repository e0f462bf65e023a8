import { once } from 'node:events'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createServer } from '../lib/http.ts'
import { rulesLeadTo } from './service-rules.ts'

let proxy: Server | undefined
afterEach(() => {
  proxy?.closeAllConnections()
  proxy?.close()
})

async function ask(listener: RequestListener): Promise<boolean> {
  proxy = createServer(listener)
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return rulesLeadTo('fd00::5', (proxy.address() as AddressInfo).port)
}

test('rules lead to an address while the proxy counts Services that do', async () => {
  const paths: string[] = []
  const saying =
    (services: number): RequestListener =>
    ({ url = '' }, response) => {
      paths.push(url)
      response.end(JSON.stringify({ ip: 'fd00::5', services }))
    }
  expect(await ask(saying(2))).toBe(true)
  proxy?.close()
  expect(await ask(saying(0))).toBe(false)
  expect(paths).toEqual(['/fairway/endpoints/fd00::5', '/fairway/endpoints/fd00::5'])
})

test('of a proxy that does not say nothing is believed', async () => {
  expect(await ask((_, response) => response.writeHead(404).end('404 page not found\n'))).toBe(false)
  proxy?.close()
  expect(await ask((_, response) => response.end('ok'))).toBe(false)
})

test('a proxy too busy to answer is taken to be behind', async () => {
  expect(await ask(() => {})).toBe(true)
})

test('a proxy that is not there has nobody waited for', async () => {
  const gone = createServer().listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const { port } = gone.address() as AddressInfo
  gone.close()
  await once(gone, 'close')
  expect(await rulesLeadTo('10.0.0.1', port)).toBe(false)
})
