import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { linkRewriter, rewriteLink } from './links.ts'

const context = {
  prefix: '/api/v1/namespaces/demo/services/web/proxy',
  backend: '10.244.0.5:80',
  host: 'localhost:8001',
}

test.each([
  ['an absolute path', '/css/a.css?v=1#top', '/api/v1/namespaces/demo/services/web/proxy/css/a.css?v=1#top'],
  ['the root', '/', '/api/v1/namespaces/demo/services/web/proxy/'],
  ['a relative path', 'css/a.css', 'css/a.css'],
  ['a fragment', '#top', '#top'],
  ['a query', '?page=2', '?page=2'],
  ['nothing', '', ''],
  ['the backend itself', 'http://10.244.0.5:80/x', '/api/v1/namespaces/demo/services/web/proxy/x'],
  ['the host the client asked', 'https://localhost:8001/x', `https://localhost:8001${context.prefix}/x`],
  ['that host, any scheme', '//localhost:8001/x', `//localhost:8001${context.prefix}/x`],
  ['another host', 'https://example.org/x', 'https://example.org/x'],
  ['another host, any scheme', '//example.org/x', '//example.org/x'],
  ['a path with the prefix', `${context.prefix}/x`, `${context.prefix}/x`],
  ['another scheme', 'mailto:somebody@example.org', 'mailto:somebody@example.org'],
  ['data', 'data:image/gif;base64,R0lG/8', 'data:image/gif;base64,R0lG/8'],
])('%s', (_, link, expected) => expect(rewriteLink(link, context)).toBe(expected))

async function rewritten(page: string, pieceLength = page.length): Promise<string> {
  const pieces = page.match(new RegExp(`[^]{1,${pieceLength}}`, 'g')) ?? []
  return text(Readable.from(pieces).pipe(await linkRewriter(context)))
}

const page = `<!DOCTYPE html>
<HTML lang=en><head><title>A &amp; B</title>
<link rel="stylesheet" href="/a.css"><script>if (1 < 2) document.write('<a href="/no">')</script></head>
<body><!-- <a href="/comment"> --><a class=x href='/next?a=1&amp;b=2'>next</a><img SRC="pic.png"><br/>caf\u00e9</p>
`

test('links in tags change, every other character stays', async () => {
  const expected = page
    .replace('<link rel="stylesheet" href="/a.css">', `<link rel="stylesheet" href="${context.prefix}/a.css">`)
    .replace("<a class=x href='/next?a=1&amp;b=2'>", `<a class="x" href="${context.prefix}/next?a=1&amp;b=2">`)
  expect(await rewritten(page)).toBe(expected)
  expect(await rewritten(page, 1)).toBe(expected)
})

test('what is no HTML at all passes unchanged', async () => {
  const bytes = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('')
  expect(await rewritten(bytes)).toBe(bytes)
})
