/** HTML on its way through the proxy: unpacked, and its links rewritten. */
import { once } from 'node:events'
import { type Duplex, PassThrough, type Readable } from 'node:stream'
import type * as zlib from 'node:zlib'
import { type LinkContext, linkRewriter } from './links.ts'

type Headers = Readonly<Record<string, string | string[]>>
type Zlib = typeof zlib

const decoders: Readonly<Record<string, (zlib: Zlib, body: Readable) => Duplex | Promise<Duplex>>> = {
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
  const decode = await decoders[encodingOf(headers)]?.(await import('node:zlib'), body)
  // Bytes to latin1 text, which the link rewriter speaks, and back.
  const [toText, toBytes] = [new PassThrough(), new PassThrough({ defaultEncoding: 'latin1' })]
  toText.setEncoding('latin1')
  return [...(decode ? [decode] : []), toText, await linkRewriter(links), toBytes]
}

function encodingOf(headers: Headers): string {
  return String(headers['content-encoding'] ?? '')
}

const zlibMethod = 8

/** `deflate` has zlib's header (RFC 9110 8.4.1.2); what comes without it is read all the same, as browsers do. */
async function inflate({ createInflate, createInflateRaw }: Zlib, body: Readable): Promise<Duplex> {
  await once(body, 'readable')
  const first = body.read(1) as Buffer | null
  if (!first) return createInflateRaw()
  body.unshift(first)
  return ((first[0] ?? 0) & 0x0f) === zlibMethod ? createInflate() : createInflateRaw()
}
