/** Warning headers as kube-apiserver writes them: code 299, agent `-`. RFC 7234 5.5 */

/** In characters. When all warnings together are longer, each is cut to the second length and the rest is dropped. */
const totalMax = 4096
const cutTo = 256

/** The header's value, as Node takes it: one character per byte. */
export function warningHeader(warnings: Iterable<string>): string {
  const texts = [...warnings].map(printable)
  const lengths = texts.map((text) => Array.from(text).length)
  const total = lengths.reduce((sum, length) => sum + length, 0)
  const header = (total > totalMax ? shortened(texts) : texts).map(quoted).join(', ')
  return Buffer.from(header).toString('latin1')
}

function shortened(texts: readonly string[]): string[] {
  const kept: string[] = []
  let written = 0
  for (const text of texts) {
    if (written >= totalMax) break
    const cut = Array.from(text).slice(0, cutTo)
    written += cut.length
    kept.push(cut.join(''))
  }
  return kept
}

function printable(text: string): string {
  return text.toWellFormed().replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
}

function quoted(text: string): string {
  return `299 - "${text.replace(/([\\"])/g, '\\$1')}"`
}
