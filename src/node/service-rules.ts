/** What this node's proxy says of its rules (docs/architecture.md, the proxy's HTTP interfaces). */
import { request as httpRequest } from '../lib/http.ts'

/** kube-proxy's healthz port, unless its configuration says otherwise. */
const proxyPort = 10256
const timeoutMs = 1000

/**
 * Whether Services lead to a pod's address that know nothing of its end. A proxy that does not say, of another make or
 * none at all, has nobody waited for.
 */
export function rulesLeadTo(ip: string, port = proxyPort): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port, path: `/fairway/endpoints/${ip}`, timeout: timeoutMs }
    const request = httpRequest(options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', () => resolve(false))
      response.on('end', () => resolve(response.statusCode === 200 && servicesIn(text) > 0))
    })
    // It is there and busy: with rules, most likely.
    request.on('timeout', () => {
      resolve(true)
      request.destroy()
    })
    request.on('error', () => resolve(false))
    request.end()
  })
}

function servicesIn(text: string): number {
  try {
    return (JSON.parse(text) as { services?: number }).services ?? 0
  } catch {
    return 0
  }
}
