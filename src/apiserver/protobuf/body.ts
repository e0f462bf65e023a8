/** Protobuf request bodies to objects, and failures to the Status objects that upstream answers with. */
import {
  cannotHandle,
  checkKind,
  type GroupVersionKind,
  groupVersionOf,
  splitGroupVersion,
  typeNameOf,
  unrecognized,
} from '../../api/machinery/body.ts'
import { DecodeError, decode } from '../../api/machinery/decode.ts'
import { decodeMessage } from './decode.ts'
import { type Envelope, openEnvelope } from './envelope.ts'
import { findMessage, messageOfKind } from './messages.ts'
import { WireError } from './wire.ts'

/**
 * As `decodeBody` does for JSON: the kind may be absent in the body and is set in the object; `schemaName` says the
 * type where it is not the kind's own. Fields that are not known are passed over whatever the request says of them,
 * since protobuf's decoders do not complain. Throws StatusError.
 */
export function decodeProtobufBody(expected: GroupVersionKind, body: Buffer, schemaName?: string): object {
  const { apiVersion, kind, raw } = envelopeOf(expected, body)
  const sent = { ...(apiVersion ? splitGroupVersion(apiVersion) : expected), kind: kind || expected.kind }
  checkKind(sent, expected, schemaName)
  const typeName = schemaName ?? typeNameOf(expected)
  const message = schemaName ? findMessage(schemaName) : messageOfKind(groupVersionOf(sent), sent.kind)
  if (!message) throw cannotHandle(sent, expected, `${typeName} does not implement the protobuf marshalling interface`)
  try {
    const plain = decodeMessage(message, raw ?? Buffer.alloc(0))
    const { object } = decode<Record<string, unknown>>(typeName, plain)
    return { ...object, apiVersion: groupVersionOf(sent), kind: sent.kind }
  } catch (error) {
    const malformed = error instanceof WireError || error instanceof DecodeError
    throw malformed ? cannotHandle(sent, expected, error.message) : error
  }
}

function envelopeOf(expected: GroupVersionKind, body: Buffer): Envelope {
  try {
    return openEnvelope(body)
  } catch (error) {
    throw error instanceof WireError ? unrecognized(expected, error.message, body) : error
  }
}
