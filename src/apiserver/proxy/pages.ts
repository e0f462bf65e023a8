/** HTML on its way through the proxy: unpacked, and its links rewritten. */
import { once } from 'node:events'
import { type Duplex, PassThrough, type Readable } from 'node:stream'
import type * as zlib from 'node:zlib'
import { type LinkContext, linkRewriter } from './links.ts'

type Headers = Readonly<Record<string, string | string[]>>
type Zlib = typeof zlib

/** `first` is the body's first byte. */
type Decoder = (zlib: Zlib, first: number) => Duplex

const decoders: Readonly<Record<string, Decoder>> = {
  gzip: ({ createGunzip }) => createGunzip(),
  deflate: inflate,
  br: ({ createBrotliDecompress }) => createBrotliDecompress(),
  zstd: ({ createZstdDecompress }) => createZstdDecompress(),
}

/** False also for a page in an encoding that nobody here can read. */
export function isPage(headers: Headers): boolean {
  const [type = ''] = String(headers['content-type'] ?? '').split(';')
  const encoding = encodingOf(headers)
  return type.trim() === 'text/html' && (encoding === '' || Object.hasOwn(decoders, encoding))
}

/** What a page's body passes through so that its links are right; it comes out in no encoding. */
export async function pageSteps(headers: Headers, body: Readable, links: LinkContext): Promise<Duplex[]> {
  const decoding = await decoded(headers, body)
  // Bytes to latin1 text, which the link rewriter speaks, and back.
  const [toText, toBytes] = [new PassThrough(), new PassThrough({ defaultEncoding: 'latin1' })]
  toText.setEncoding('latin1')
  return [...decoding, toText, await linkRewriter(links), toBytes]
}

/** Nothing is no gzip file either: an empty body passes as it is, that of an answer to HEAD for one. */
async function decoded(headers: Headers, body: Readable): Promise<Duplex[]> {
  const decoder = decoders[encodingOf(headers)]
  if (!decoder) return []
  const first = await firstByte(body)
  return first === undefined ? [] : [decoder(await import('node:zlib'), first)]
}

/** Still to be read; undefined: there is none. */
async function firstByte(body: Readable): Promise<number | undefined> {
  // An end that came before anybody listened is told by `end` alone.
  await Promise.race([once(body, 'readable'), once(body, 'end')])
  const first = body.read(1) as Buffer | null
  if (first) body.unshift(first)
  return first?.[0]
}

function encodingOf(headers: Headers): string {
  return String(headers['content-encoding'] ?? '')
}

const zlibMethod = 8

/** `deflate` has zlib's header (RFC 9110 8.4.1.2); what comes without it is read all the same, as browsers do. */
function inflate({ createInflate, createInflateRaw }: Zlib, first: number): Duplex {
  return (first & 0x0f) === zlibMethod ? createInflate() : createInflateRaw()
}
