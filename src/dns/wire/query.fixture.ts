/** Messages that ask, as a stub resolver sends them. */
import { classIN, type Flags, type Message, recordTypes } from './types.ts'

/** Of a query that wants the server to find out. */
export const queryFlags: Flags = {
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
}

/** One question; `parts` replace what a plain query for it has. */
export function query(name: string, parts: Partial<Message> = {}, type: number = recordTypes.A): Message {
  return {
    id: 77,
    flags: queryFlags,
    rcode: 0,
    questions: [{ name, type, class: classIN }],
    answers: [],
    authorities: [],
    additionals: [],
    ...parts,
  }
}
