/** A transport without a socket, for the clients that live in the server's own process. */
import { type ApiRequest, type ApiResponse, type Transport, TransportError } from '../../client/transport.ts'
import type { UserInfo } from '../handler.ts'
import type { ApiServer } from '../server.ts'

export function inProcessTransport(server: Pick<ApiServer, 'handle'>, user: UserInfo): Transport {
  return {
    async request(request: ApiRequest): Promise<ApiResponse> {
      if (request.signal?.aborted) throw new TransportError('aborted', 'request aborted')
      return server.handle(request, user)
    },
    close() {},
  }
}
