/**
 * corefile: CoreDNS's configuration language, as far as a cluster DNS uses it. Pure; knows nothing of how it is served.
 *
 *   text → readBlocks (words, braces) → parseCorefile (plugins) → ServerConfig[]
 */
export type * from './config.ts'
export { CorefileError } from './lexer.ts'
export { parseCorefile } from './parse.ts'
