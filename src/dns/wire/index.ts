/**
 * wire: DNS messages between bytes and data. Pure; knows nothing of sockets, zones or Kubernetes.
 *
 *   bytes → decodeMessage → Message → encodeMessage → bytes
 */
export { decodeHeader, decodeMessage, type Header } from './decode.ts'
export { encodeMessage, lengthBound } from './encode.ts'
export { frame, Unframer } from './framing.ts'
export { escapeLabel, labelsOf } from './name.ts'
export * from './types.ts'
