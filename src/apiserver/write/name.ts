/** Names made by the server for objects that only give a prefix. */
import { randomInt } from 'node:crypto'

/** Upstream's alphabet: no vowels and no look-alikes, so that no word comes out. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789'
const suffixLength = 5
const nameLengthMax = 63

export function generateName(prefix: string): string {
  const kept = prefix.slice(0, nameLengthMax - suffixLength)
  return kept + Array.from({ length: suffixLength }, () => alphabet[randomInt(alphabet.length)]).join('')
}
