/** Links in what a backend sends, rewritten so that they lead through the proxy again (upstream's util/proxy). */
import type { Duplex } from 'node:stream'

export interface LinkContext {
  /** What stands before the backend's own paths: `/api/v1/namespaces/default/services/web/proxy`. */
  readonly prefix: string
  /** The backend as it was called: `10.244.0.5:80`. */
  readonly backend: string
  /** The Host the client asked for. */
  readonly host: string
}

/** Absolute paths on the backend's own host get the prefix; anything else stays, also the host the client asked for. */
export function rewriteLink(link: string, { prefix, backend, host }: LinkContext): string {
  const parts = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/s.exec(link.trim())
  if (!parts) return link
  const [, scheme, authority, path = '', rest = ''] = parts
  if (scheme && authority === undefined) return link
  if (authority && authority !== backend && authority !== host) return link
  if (!path.startsWith('/')) return link
  const origin = authority && authority === host ? link.trim().slice(0, -(path + rest).length) : ''
  return origin + (path.startsWith(prefix) ? '' : prefix) + path + rest
}

/** Attributes that hold one URL, by tag: those of upstream's proxy. */
const linkAttributes: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
}

/**
 * A page in, the page with its links rewritten out; all other text stays as it is. Fed with latin1 it keeps every byte
 * of any encoding that browsers take for HTML: in all of them tags and attributes are ASCII.
 */
export async function linkRewriter(context: LinkContext): Promise<Duplex> {
  const { RewritingStream } = await import('parse5-html-rewriting-stream')
  const rewriter = new RewritingStream()
  rewriter.on('startTag', (tag, raw) => {
    const names = linkAttributes[tag.tagName] ?? []
    let changed = false
    for (const attribute of tag.attrs) {
      if (!names.includes(attribute.name)) continue
      const value = rewriteLink(attribute.value, context)
      changed ||= value !== attribute.value
      attribute.value = value
    }
    if (changed) rewriter.emitStartTag(tag)
    else rewriter.emitRaw(raw)
  })
  return rewriter
}
