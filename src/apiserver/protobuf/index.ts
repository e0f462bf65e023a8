/**
 * Kubernetes' protobuf encoding, `application/vnd.kubernetes.protobuf`: typed Go clients send and ask for it by default.
 * Loaded when the first request speaks it.
 *
 *   body ─ envelope.ts ─ decode.ts ─┐                            ┌─ encode.ts ─ documents.ts ─> object, list, event
 *          (k8s\0, kind)            └── messages.ts (fields.json) ──┘
 */
export { decodeProtobufBody } from './body.ts'
export { encodeObject, encodeWatchEvent, hasMessage, type ResourceEncoder, resourceEncoder } from './documents.ts'
