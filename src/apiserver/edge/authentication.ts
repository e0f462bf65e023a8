/**
 * Who sends a request: the user of the connection's client certificate (common name, and organizations as groups), the
 * user of a bearer token, or nobody in particular. Credentials that are there and wrong are refused, not passed over.
 */
import type { IncomingMessage } from 'node:http'
import type { PeerCertificate, TLSSocket } from 'node:tls'
import { bearerToken } from '../authentication/bearer.ts'
import type { UserInfo } from '../handler.ts'
import type { ApiServer } from '../server.ts'

const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

type Presented = UserInfo | 'nothing' | 'unknown certificate'

/** A connection's certificate does not change, so it is looked at once. */
const known = new WeakMap<TLSSocket, Presented>()

/** undefined: the credentials are wrong. At once where a certificate or a token known already says who it is. */
export function authenticate(
  server: Pick<ApiServer, 'userOfToken'>,
  { socket, headers }: IncomingMessage,
): UserInfo | undefined | Promise<UserInfo | undefined> {
  const presented = presentedBy(socket as TLSSocket)
  if (typeof presented !== 'string') return presented
  const token = bearerToken(headers)
  if (token !== undefined) return server.userOfToken(token)
  return presented === 'nothing' ? anonymous : undefined
}

function presentedBy(socket: TLSSocket): Presented {
  let presented = known.get(socket)
  if (!presented) {
    presented = identify(socket)
    known.set(socket, presented)
  }
  return presented
}

function identify(socket: TLSSocket): Presented {
  const certificate: Partial<PeerCertificate> = socket.getPeerCertificate() ?? {}
  const { subject, fingerprint256 = '' } = certificate
  if (!subject) return 'nothing'
  // Node gives a list where an attribute occurs several times.
  const name = textsOf(subject.CN)[0]
  if (!socket.authorized || !name) return 'unknown certificate'
  const fingerprint = fingerprint256.replaceAll(':', '').toLowerCase()
  const extra = { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] }
  return { name, groups: [...textsOf(subject.O), 'system:authenticated'], extra }
}

function textsOf(attribute: string | string[] | undefined): string[] {
  return attribute === undefined ? [] : Array.isArray(attribute) ? attribute : [attribute]
}
