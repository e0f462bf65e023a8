/** Client certificates to users: the common name is the user, the organizations are its groups. */
import type { TLSSocket } from 'node:tls'
import type { UserInfo } from '../handler.ts'

/** A connection's certificate does not change, so it is looked at once. */
const known = new WeakMap<TLSSocket, UserInfo | 'nobody'>()

/** undefined: no certificate of the clients' authority. */
export function userOf(socket: TLSSocket): UserInfo | undefined {
  let user = known.get(socket)
  if (!user) {
    user = identify(socket) ?? 'nobody'
    known.set(socket, user)
  }
  return user === 'nobody' ? undefined : user
}

function identify(socket: TLSSocket): UserInfo | undefined {
  if (!socket.authorized) return undefined
  const { subject } = socket.getPeerCertificate()
  // Node gives a list where an attribute occurs several times.
  const name = textsOf(subject?.CN)[0]
  if (!name) return undefined
  return { name, groups: [...textsOf(subject.O), 'system:authenticated'] }
}

function textsOf(attribute: string | string[] | undefined): string[] {
  return attribute === undefined ? [] : Array.isArray(attribute) ? attribute : [attribute]
}
