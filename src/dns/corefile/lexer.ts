/** A Corefile as lines of words, with server blocks and nested blocks told by braces. */

export interface Word {
  readonly text: string
  readonly line: number
}

/** One line of a block, and the block it opens, if any. */
export interface Directive {
  readonly name: string
  readonly args: readonly string[]
  readonly line: number
  readonly block: readonly Directive[] | undefined
}

export interface RawServerBlock {
  readonly keys: readonly string[]
  readonly line: number
  readonly directives: readonly Directive[]
}

/** The message is what CoreDNS prints: `Corefile:3 - Error during parsing: Unknown directive 'foo'`. */
export class CorefileError extends Error {
  readonly file: string
  readonly line: number

  constructor(file: string, line: number, what: string) {
    super(`${file}:${line} - Error during parsing: ${what}`)
    this.name = 'CorefileError'
    this.file = file
    this.line = line
  }
}

type Environment = Readonly<Record<string, string | undefined>>

export interface Source {
  readonly file: string
  readonly text: string
  /** For `{$NAME}` and `{%NAME%}`. */
  readonly env?: Environment
}

export function readBlocks(source: Source): RawServerBlock[] {
  return new BlockReader(source).read()
}

/** Words by line; `#` begins a comment, double quotes hold spaces, and may span lines. */
function words({ file, text, env = {} }: Source): Word[][] {
  const lines: Word[][] = []
  let line = 1
  let current: Word[] = []
  const pattern = /\n|[^\S\n]+|#[^\n]*|"((?:[^"\\]|\\[^])*)"|"|[^\s"]\S*/gy
  for (const match of text.matchAll(pattern)) {
    const [token, quoted] = match
    if (token === '\n') {
      if (current.length > 0) lines.push(current)
      current = []
    } else if (token === '"') throw new CorefileError(file, line, 'Quote is not closed')
    else if (!token.startsWith('#') && token.trim() !== '') {
      current.push({ text: expand(quoted?.replace(/\\"/g, '"') ?? token, env), line })
    }
    line += token.split('\n').length - 1
  }
  if (current.length > 0) lines.push(current)
  return lines
}

function expand(text: string, env: Environment): string {
  return text.replace(/\{\$(\w+)\}|\{%(\w+)%\}/g, (_, unix: string, windows: string) => env[unix ?? windows] ?? '')
}

class BlockReader {
  readonly #file: string
  readonly #lines: Word[][]
  #next = 0

  constructor(source: Source) {
    this.#file = source.file
    this.#lines = words(source)
  }

  read(): RawServerBlock[] {
    const blocks: RawServerBlock[] = []
    while (this.#next < this.#lines.length) blocks.push(this.#serverBlock())
    return blocks
  }

  #serverBlock(): RawServerBlock {
    const keys: Word[] = []
    for (;;) {
      const line = this.#take()
      if (!line) break
      const opens = line.at(-1)?.text === '{'
      keys.push(...(opens ? line.slice(0, -1) : line))
      if (opens) return this.#withKeys(keys, this.#block(line[0]?.line ?? 0))
      // Keys go on after a comma; else a block without braces: the rest of the file is its directives.
      if (!line.at(-1)?.text.endsWith(',')) return this.#withKeys(keys, this.#directives('end of file'))
    }
    return this.#withKeys(keys, [])
  }

  #withKeys(words: readonly Word[], directives: readonly Directive[]): RawServerBlock {
    const line = words[0]?.line ?? 1
    const keys = words.flatMap(({ text }) => text.split(',')).filter((key) => key !== '')
    if (keys.length === 0) throw new CorefileError(this.#file, line, 'a server block needs an address')
    if (keys.includes('}'))
      throw new CorefileError(this.#file, line, `Unexpected '}' because no matching opening brace`)
    return { keys, line, directives }
  }

  #block(openedAt: number): Directive[] {
    return this.#directives('}', openedAt)
  }

  #directives(until: '}' | 'end of file', openedAt = 0): Directive[] {
    const directives: Directive[] = []
    for (;;) {
      const line = this.#take()
      const first = line?.[0]
      if (!line || !first) {
        if (until === '}') throw new CorefileError(this.#file, openedAt, `Unexpected EOF: '{' is not closed`)
        return directives
      }
      if (first.text === '}') {
        if (until !== '}')
          throw new CorefileError(this.#file, first.line, `Unexpected '}' because no matching opening brace`)
        if (line.length > 1) this.#lines[--this.#next] = line.slice(1)
        return directives
      }
      directives.push(this.#directive(line, first))
    }
  }

  #directive(line: readonly Word[], first: Word): Directive {
    const opens = line.length > 1 && line.at(-1)?.text === '{'
    const args = line.slice(1, opens ? -1 : undefined).map(({ text }) => text)
    return { name: first.text, args, line: first.line, block: opens ? this.#block(first.line) : undefined }
  }

  #take(): Word[] | undefined {
    return this.#lines[this.#next++]
  }
}
