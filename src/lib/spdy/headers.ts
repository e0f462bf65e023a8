/**
 * Header blocks of SPDY/3.1 (draft 3, section 2.6.10): names and values behind a zlib stream that lasts as long as the
 * session and begins with a dictionary both sides know.
 */
import { constants, createInflate, type Inflate } from 'node:zlib'
import { SpdyError } from './frames.ts'

/** Names in lower case. A name that was sent with several values has them joined by NUL. */
export type Headers = ReadonlyMap<string, string>

/** Words that the dictionary holds behind their lengths, in its order. */
const dictionaryWords =
  'options,head,post,put,delete,trace,accept,accept-charset,accept-encoding,accept-language,accept-ranges,age,' +
  'allow,authorization,cache-control,connection,content-base,content-encoding,content-language,content-length,' +
  'content-location,content-md5,content-range,content-type,date,etag,expect,expires,from,host,if-match,' +
  'if-modified-since,if-none-match,if-range,if-unmodified-since,last-modified,location,max-forwards,pragma,' +
  'proxy-authenticate,proxy-authorization,range,referer,retry-after,server,te,trailer,transfer-encoding,' +
  'upgrade,user-agent,vary,via,warning,www-authenticate,method,get,status,200 OK,version,HTTP/1.1,url,public,' +
  'set-cookie,keep-alive,origin'

const dictionaryText =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505' +
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized' +
  '403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable' +
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT' +
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,' +
  'text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.'

export const dictionary: Buffer = Buffer.concat([
  ...dictionaryWords.split(',').map(prefixed),
  Buffer.from(dictionaryText),
])

/** How a compressed stream begins (RFC 1950 2.2): deflate, a window of 32 KiB, and the dictionary's Adler-32. */
const zlibHead = Buffer.from([0x78, 0x20, 0xe3, 0xc6, 0xa7, 0xc2])

/** Far more than a stream of ours has; a compressed block may be small and grow without end. */
const blockBytesMax = 64 * 1024

function prefixed(text: string): Buffer {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

export function formatHeaders(headers: Headers): Buffer {
  const count = Buffer.alloc(4)
  count.writeUInt32BE(headers.size)
  return Buffer.concat([count, ...[...headers].flatMap(([name, value]) => [prefixed(name), prefixed(value)])])
}

/** Throws SpdyError. */
export function parseHeaders(block: Buffer): Headers {
  let position = 0
  const number = () => {
    if (position + 4 > block.length) throw new SpdyError('header block is too short')
    position += 4
    return block.readUInt32BE(position - 4)
  }
  const text = () => {
    const length = number()
    if (position + length > block.length) throw new SpdyError('header block is too short')
    position += length
    return block.toString('latin1', position - length, position)
  }
  const headers = new Map<string, string>()
  for (let left = number(); left > 0; left--) {
    const name = text().toLowerCase()
    if (headers.has(name)) throw new SpdyError(`header ${JSON.stringify(name)} is there twice`)
    headers.set(name, text())
  }
  return headers
}

/** What the peer compressed, block after block. */
export class HeaderInflater {
  readonly #inflate: Inflate
  #chunks: Buffer[] = []
  #length = 0
  #failed: (error: Error) => void = () => {}

  constructor() {
    this.#inflate = createInflate({ dictionary, chunkSize: 1024, finishFlush: constants.Z_SYNC_FLUSH })
    this.#inflate.on('error', (error) => this.#failed(new SpdyError(`header block: ${error.message}`)))
    this.#inflate.on('data', (chunk: Buffer) => {
      this.#length += chunk.length
      if (this.#length > blockBytesMax) this.#inflate.destroy(new Error('too large'))
      else this.#chunks.push(chunk)
    })
  }

  /** One block at a time. Rejects with SpdyError. */
  inflate(block: Buffer): Promise<Headers> {
    return new Promise<Buffer>((resolve, reject) => {
      this.#failed = reject
      this.#inflate.write(block, () => {
        // Why it ended is told by its event.
        if (this.#inflate.destroyed) return
        resolve(Buffer.concat(this.#chunks))
        this.#chunks = []
        this.#length = 0
      })
    }).then(parseHeaders)
  }

  close(): void {
    this.#inflate.close()
  }
}

/** An empty stored block: where it comes, Go's inflater gives what it has. */
const flush = Buffer.from([0, 0, 0, 0xff, 0xff])

/** What we send is a few bytes for each stream: stored as it is (RFC 1951 3.2.4), in a zlib stream all the same. */
export class HeaderDeflater {
  #begun = false

  deflate(headers: Headers): Buffer {
    const block = formatHeaders(headers)
    const length = Buffer.alloc(5)
    length.writeUInt16LE(block.length, 1)
    length.writeUInt16LE(~block.length & 0xffff, 3)
    const pieces = this.#begun ? [length, block, flush] : [zlibHead, length, block, flush]
    this.#begun = true
    return Buffer.concat(pieces)
  }
}
