/** Domain names: presentation form, wire form, compression (RFC 1035 2.3.4, 3.1, 4.1.4). */
import { WireError } from './types.ts'

const labelLengthMax = 63
const nameLengthMax = 255
/** Pointers can only address the first 14 bits of a message. */
const pointerReachMax = 0x3fff

const plain = /^[A-Za-z0-9_*/+=:@!#$%&'<>?[\]^`{|}~-]*$/

/** Labels of an absolute name, as raw text (one character per byte), escapes undone. The root has none. */
export function labelsOf(name: string): string[] {
  const absolute = name.endsWith('.') && !endsEscaped(name) ? name.slice(0, -1) : name
  if (absolute === '') return []
  return absolute.includes('\\') ? splitEscaped(absolute) : absolute.split('.')
}

function endsEscaped(name: string): boolean {
  let backslashes = 0
  for (let i = name.length - 2; i >= 0 && name[i] === '\\'; i--) backslashes++
  return backslashes % 2 === 1
}

function splitEscaped(name: string): string[] {
  const labels = ['']
  for (let i = 0; i < name.length; i++) {
    const char = name[i] ?? ''
    if (char === '.') labels.push('')
    else if (char !== '\\') labels[labels.length - 1] += char
    else {
      const decimal = /^\d{3}/.exec(name.slice(i + 1, i + 4))?.[0]
      labels[labels.length - 1] += decimal ? String.fromCharCode(Number(decimal) & 0xff) : (name[i + 1] ?? '')
      i += decimal ? 3 : 1
    }
  }
  return labels
}

/** One label in presentation form. */
export function escapeLabel(raw: string): string {
  if (plain.test(raw)) return raw
  let text = ''
  for (const char of raw) {
    const code = char.charCodeAt(0)
    if (char === '.' || char === '\\' || char === '"' || char === '(' || char === ')' || char === ';')
      text += `\\${char}`
    else if (code <= 0x20 || code >= 0x7f) text += `\\${String(code).padStart(3, '0')}`
    else text += char
  }
  return text
}

/** Bytes of the name without compression. */
export function nameLength(name: string): number {
  return labelsOf(name).reduce((length, label) => length + 1 + label.length, 1)
}

/** Reads a name at `offset`; `next` is where reading goes on. Pointers may only lead backwards, so that it ends. */
export function readName(message: Buffer, offset: number): { name: string; next: number } {
  let name = ''
  let length = 1
  let next = -1
  let at = offset
  let barrier = offset
  for (;;) {
    const size = message[at]
    if (size === undefined) throw new WireError('malformed', 'name runs past the end of the message')
    if (size === 0) break
    if (size >= 0xc0) {
      const low = message[at + 1]
      if (low === undefined) throw new WireError('malformed', 'pointer runs past the end of the message')
      if (next < 0) next = at + 2
      at = ((size & 0x3f) << 8) | low
      if (at >= barrier) throw new WireError('malformed', 'pointer does not lead backwards')
      barrier = at
      continue
    }
    if (size > labelLengthMax) throw new WireError('malformed', 'reserved label type')
    if (at + 1 + size > message.length) throw new WireError('malformed', 'label runs past the end of the message')
    length += size + 1
    if (length > nameLengthMax) throw new WireError('malformed', 'name is longer than 255 bytes')
    name += `${escapeLabel(message.toString('latin1', at + 1, at + 1 + size))}.`
    at += size + 1
  }
  return { name: name || '.', next: next < 0 ? at + 1 : next }
}

/** Where names begin in the message written so far, by their remaining labels. */
export type Compression = Map<string, number>

/** Writes the name at `offset` and returns where writing goes on. `compression` absent: no pointers. */
export function writeName(message: Buffer, offset: number, name: string, compression?: Compression): number {
  const labels = labelsOf(name)
  let at = offset
  for (let i = 0; i < labels.length; i++) {
    const rest = labels.slice(i).join('\0')
    const known = compression?.get(rest)
    if (known !== undefined) return message.writeUInt16BE(0xc000 | known, at)
    if (at <= pointerReachMax) compression?.set(rest, at)
    const label = labels[i] ?? ''
    if (label.length === 0 || label.length > labelLengthMax) throw new WireError('tooLong', `bad label in name ${name}`)
    message[at] = label.length
    message.write(label, at + 1, 'latin1')
    at += label.length + 1
  }
  message[at] = 0
  if (at + 1 - offset > nameLengthMax) throw new WireError('tooLong', `name ${name} is longer than 255 bytes`)
  return at + 1
}
