/**
 * How a client's requests reach an API server: over TLS (`httpsTransport`), or in process, where the control plane's
 * own controllers call the server's handler without a socket. Both are this interface.
 */

export interface ApiRequest {
  readonly method: string
  /** Path and query, percent-encoded: `/api/v1/pods?limit=500`. */
  readonly path: string
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** Aborting ends the request, and a response body that is still flowing. */
  readonly signal?: AbortSignal
}

export interface ApiResponse {
  readonly status: number
  /** Names in lower case. Warnings of the server are joined with ', ' as HTTP does. */
  readonly headers: Readonly<Record<string, string>>
  /** Chunks as they arrive; for a watch it ends when the server ends it. */
  readonly body: AsyncIterable<Buffer>
}

export interface Transport {
  /** Rejects only when no response was had (`TransportError`). */
  request(request: ApiRequest): Promise<ApiResponse>
  close(): void
}

export class TransportError extends Error {
  /** `refused`: nobody listens. `closed`: the connection broke. `aborted`: by the caller's signal. `tls`: certificate trouble. */
  readonly code: 'refused' | 'closed' | 'aborted' | 'tls' | 'timeout'

  constructor(code: TransportError['code'], message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'TransportError'
    this.code = code
  }
}
