/** The server's only sockets: HTTP/1.1 over TLS, clients known by their certificates. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { unauthorized } from '../../api/machinery/status.ts'
import type { ApiResponse } from '../../client/transport.ts'
import { drained } from '../../lib/drained.ts'
import type { UserInfo } from '../handler.ts'
import { tooLarge } from '../http/errors.ts'
import { headersOf } from '../http/headers.ts'
import { acceptsGzip } from '../http/negotiation.ts'
import { BufferBody, errorResponse } from '../http/respond.ts'
import { type ProxyTarget, proxyTarget } from '../proxy/target.ts'
import { errorInFormat } from '../representation.ts'
import type { ApiServer } from '../server.ts'
import { type AnswerHeaders, answerHeaders } from './answer-headers.ts'
import { authenticate } from './authentication.ts'
import { answerBroken, noTarget, refuseMethod, takeTarget } from './request-line.ts'

export interface ListenOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly certPem: string
  readonly keyPem: string
  /** The authority whose certificates clients are known by. */
  readonly clientCaPem: string
  /** How long a request may take to arrive whole; default a minute. What the proxy passes on takes as long as it takes. */
  readonly bodyTimeoutMs?: number
}

export interface Listener {
  readonly port: number
  /** Ends all connections. */
  close(): Promise<void>
}

/** As kube-apiserver. */
const bodyBytesMax = 3 * 1024 * 1024

export async function listenHttps(server: ApiServer, options: ListenOptions): Promise<Listener> {
  const https = createServer({
    cert: options.certPem,
    key: options.keyPem,
    ca: options.clientCaPem,
    requestCert: true,
    // Who has no certificate, or one of another authority, gets an answer that says so.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    keepAliveTimeout: 180_000,
    // As Go's servers: selectors make long URLs.
    maxHeaderSize: 1024 * 1024,
    headersTimeout: 30_000,
    requestTimeout: 0,
    noDelay: true,
  })
  const sockets = new Set<Socket>()
  // From before the handshake, which a client may never finish.
  https.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  https.on('tlsClientError', (error: NodeJS.ErrnoException, secured: TLSSocket) => {
    const socket = error.code === 'ERR_SSL_HTTP_REQUEST' ? below(secured, sockets) : undefined
    if (socket) socket.end(plainHttpRefusal, () => secured.destroy())
    // Other broken handshakes are the client's business.
    else secured.destroy()
  })
  const limits: Limits = { bodyTimeoutMs: options.bodyTimeoutMs ?? 60_000 }
  const lastAnswers = new WeakMap<Duplex, ServerResponse>()
  https.on('clientError', (error, socket) => answerBroken(error, socket, lastAnswers.get(socket)))
  https.on('request', (request, response) => {
    lastAnswers.set(request.socket, response)
    void serve(server, { request, response }, limits)
  })
  https.on('connect', (_request, socket: Duplex) => refuseMethod(socket))
  https.on('upgrade', (request, socket: Duplex, head: Buffer) => {
    void import('./upgrade.ts').then(({ serveUpgrade }) => serveUpgrade(server, { request, socket, head }))
  })
  await new Promise<void>((resolve, reject) => {
    https.once('error', reject)
    https.listen(options.port, options.host, resolve)
  })
  return {
    port: (https.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        https.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** In the words of Go's servers. */
const plainHttpRefusal = 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n'

/** The connection of the same client without TLS. */
function below({ remoteAddress, remotePort }: TLSSocket, sockets: ReadonlySet<Socket>): Socket | undefined {
  return [...sockets].find((socket) => socket.remotePort === remotePort && socket.remoteAddress === remoteAddress)
}

type Limits = Required<Pick<ListenOptions, 'bodyTimeoutMs'>>

interface Connection {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

async function serve(server: ApiServer, { request, response }: Connection, limits: Limits): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort()
  })
  const always = answerHeaders(request)
  try {
    if (!takeTarget(request)) return await send(noTarget(), response, always)
    const found = authenticate(server, request)
    const user = found instanceof Promise ? await found : found
    const target = user && proxyTarget(request.url ?? '')
    if (target) return await serveProxy(server, target, { request, response }, { user, always })
    const answer = user
      ? await answerTo(server, request, user, { ...limits, signal: gone.signal })
      : await refusal(request, unauthorized())
    if (request.method === 'HEAD') sendHead(answer, response, { always, gone })
    else await send(isToCompress(answer, request) ? await compressed(answer) : answer, response, always)
  } catch {
    // The response had begun; cutting the connection is the only way left to say that it is not whole.
    response.destroy()
  }
}

async function serveProxy(
  server: ApiServer,
  target: ProxyTarget,
  connection: Connection,
  { user, always }: { readonly user: UserInfo; readonly always: AnswerHeaders },
): Promise<void> {
  const { request, response } = connection
  for (const [name, value] of Object.entries(always)) response.setHeader(name, value)
  try {
    await server.proxy(target, connection, user)
  } catch (error) {
    if (response.headersSent) throw error
    await send(await refusal(request, error), response, always)
  }
}

/** What is refused before the server is asked is told in the client's format all the same. */
async function refusal(request: IncomingMessage, error: unknown): Promise<ApiResponse> {
  const { method = 'GET', url: path = '/' } = request
  return errorInFormat({ method, path, headers: headersOf(request) }, errorResponse(error))
}

async function answerTo(
  server: ApiServer,
  request: IncomingMessage,
  user: UserInfo,
  { signal, bodyTimeoutMs }: Limits & { readonly signal: AbortSignal },
): Promise<ApiResponse> {
  const body = hasBody(request) ? await readBody(request, bodyTimeoutMs) : undefined
  if (body === 'too large') return refusal(request, tooLarge(bodyBytesMax))
  const { url: path = '/' } = request
  // The answer to HEAD is that to GET, without its body.
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET')
  return server.handle({ method, path, headers: headersOf(request), signal, ...(body && { body }) }, user)
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** A client that does not finish in time is cut off. */
async function readBody(request: IncomingMessage, timeoutMs: number): Promise<Buffer | 'too large'> {
  const chunks: Buffer[] = []
  let length = 0
  const timer = setTimeout(() => request.destroy(), timeoutMs)
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length <= bodyBytesMax) chunks.push(chunk)
      // A little more may be the end of it.
      else if (length > 2 * bodyBytesMax) break
    }
  } finally {
    clearTimeout(timer)
  }
  if (!request.complete) drop(request, timeoutMs)
  return length > bodyBytesMax ? 'too large' : Buffer.concat(chunks, length)
}

/** Many clients read no answer before they have sent all they have. */
function drop(request: IncomingMessage, timeoutMs: number): void {
  const timer = setTimeout(() => request.destroy(), timeoutMs)
  request.once('close', () => clearTimeout(timer))
  request.resume()
}

function sendHead(
  { status, headers, body }: ApiResponse,
  response: ServerResponse,
  { always, gone }: { readonly always: AnswerHeaders; readonly gone: AbortController },
): void {
  const length = body instanceof BufferBody ? { 'content-length': body.length } : {}
  response.writeHead(status, { ...always, ...headers, ...length }).end()
  // A watch or a log does not go on for nobody.
  gone.abort()
}

/** Answers from this size on are compressed for clients that accept it; as kube-apiserver's. */
const compressedBytesMin = 128 * 1024

function isToCompress({ headers, body }: ApiResponse, request: IncomingMessage): boolean {
  if (!(body instanceof BufferBody) || body.length < compressedBytesMin || headers['content-encoding']) return false
  return acceptsGzip(request.headers['accept-encoding'])
}

async function compressed(answer: ApiResponse): Promise<ApiResponse> {
  const { gzipped } = await import('./compression.ts')
  return gzipped(answer)
}

/** Large answers go out in pieces of at least this size, as lists are made of. */
const pieceBytes = 256 * 1024

async function send(
  { status, headers, body }: ApiResponse,
  response: ServerResponse,
  always: AnswerHeaders,
): Promise<void> {
  if (response.destroyed) return
  if (body instanceof BufferBody) {
    response.writeHead(status, { ...always, ...headers, 'content-length': body.length })
    if (body.length <= pieceBytes) response.end(body.bytes())
    else await sendPieces(inPieces(body.pieces), response)
    return
  }
  response.writeHead(status, { ...always, ...headers })
  // A watch that has nothing to say yet has begun all the same.
  response.flushHeaders()
  await sendPieces(body, response)
}

function* inPieces(buffers: Iterable<Buffer>): Generator<Buffer> {
  let piece: Buffer[] = []
  let length = 0
  for (const buffer of buffers) {
    if (buffer.length < pieceBytes) {
      piece.push(buffer)
      length += buffer.length
      if (length < pieceBytes) continue
    }
    if (length > 0) yield Buffer.concat(piece, length)
    if (buffer.length >= pieceBytes) yield buffer
    piece = []
    length = 0
  }
  if (length > 0) yield Buffer.concat(piece, length)
}

/** As fast as the client reads, and no faster. */
async function sendPieces(pieces: Iterable<Buffer> | AsyncIterable<Buffer>, response: ServerResponse): Promise<void> {
  for await (const piece of pieces) {
    if (response.destroyed) return
    if (!response.write(piece)) await drained(response)
  }
  response.end()
}
