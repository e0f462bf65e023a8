/** SPDY/3.1, as far as Kubernetes' streaming needs it: the server's side of a session. */
export { SpdySession } from './session.ts'
export type { SpdyStream } from './stream.ts'
