import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { authenticate } from './authentication.ts'

const robot = { name: 'robot', groups: ['robots'] }
const server = { userOfToken: (token: string) => Promise.resolve(token === 'good' ? robot : undefined) }
const jane = { CN: 'jane', O: ['devs', 'ops'] }
const good = { authorization: 'Bearer good' }
const anonymous = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
const janes = {
  name: 'jane',
  groups: ['devs', 'ops', 'system:authenticated'],
  extra: { 'authentication.kubernetes.io/credential-id': ['X509SHA256=ab01'] },
}

interface Sent {
  /** Subject of a certificate, which is or is not of the clients' authority. */
  readonly trusted?: object
  readonly unknown?: object
  readonly headers?: Record<string, string>
}

function request({ trusted, unknown, headers = {} }: Sent): IncomingMessage {
  const subject = trusted ?? unknown
  const certificate = subject ? { subject, fingerprint256: 'AB:01' } : {}
  const socket = { authorized: trusted !== undefined, getPeerCertificate: () => certificate }
  return { socket, headers } as unknown as IncomingMessage
}

const inSocket = (token: string) =>
  `v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString('base64url')}`

test.each<[string, Sent, object | undefined]>([
  ['nothing is nobody in particular', {}, anonymous],
  ['a certificate is its user', { trusted: jane }, janes],
  ['a certificate of another authority is nobody', { unknown: jane }, undefined],
  ['nor is one that names nobody', { trusted: { O: 'devs' } }, undefined],
  ['a token is its user', { headers: good }, robot],
  ['whatever the case of its scheme', { headers: { authorization: 'bearer good' } }, robot],
  ['another token is nobody', { headers: { authorization: 'Bearer bad' } }, undefined],
  ['another scheme says nothing', { headers: { authorization: 'Basic Z29vZA==' } }, anonymous],
  ['a token may come as a subprotocol', { headers: { 'sec-websocket-protocol': inSocket('good') } }, robot],
  ['subprotocols alone say nothing', { headers: { 'sec-websocket-protocol': 'v4.channel.k8s.io' } }, anonymous],
  ['a certificate counts before a token', { trusted: jane, headers: good }, janes],
  ['a token counts beside a certificate that does not', { unknown: jane, headers: good }, robot],
])('%s', async (_, sent, user) => expect(await authenticate(server, request(sent))).toEqual(user))

test('a connection’s certificate is looked at once', () => {
  const first = request({ trusted: jane })
  expect(authenticate(server, first)).toBe(authenticate(server, first))
})
