/** Compressed answers. */

/** Whether a client's Accept-Encoding has gzip. RFC 9110 12.5.3 */
export function acceptsGzip(acceptEncoding: string | readonly string[] = ''): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(String(acceptEncoding))
}
