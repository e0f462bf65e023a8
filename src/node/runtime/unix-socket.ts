/** Unix sockets by directory and name: the address of a socket holds 107 bytes, less than the paths of pods. */
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { connect, type Socket } from 'node:net'

/** Rejects when nobody listens there. Each side can end by itself. */
export async function connectUnix(directory: string, name: string): Promise<Socket> {
  const handle = openSync(directory, 'r')
  const socket = connect({ path: `/proc/self/fd/${handle}/${name}`, allowHalfOpen: true })
  try {
    await once(socket, 'connect')
    return socket
  } finally {
    closeSync(handle)
  }
}
