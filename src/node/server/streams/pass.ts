/** Passing bytes and sizes between a client's streams and a container's. */
import type { Duplex, Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { SizeReader, type TerminalSize } from './sizes.ts'

/** A reader slower than the writer holds the writer up. Resolves when all has been taken, or nobody takes it. */
export async function passOutput(from: Readable, to: Writable | undefined): Promise<void> {
  if (!to) {
    from.resume()
    return
  }
  from.pipe(to)
  await finished(to, { readable: false }).catch(() => from.resume())
}

export function onSize(from: Readable | undefined, change: (size: TerminalSize) => void): void {
  const reader = new SizeReader()
  from?.on('data', (piece: Buffer) => {
    for (const size of reader.read(piece)) change(size)
  })
}

/** Each side's end is passed on to the other; resolves when both have ended, or one is gone. */
export async function join(a: Duplex, b: Duplex): Promise<void> {
  a.pipe(b)
  b.pipe(a)
  await Promise.allSettled([a, b].map((side) => finished(side).finally(() => isBroken(side) && breakBoth(a, b))))
}

function isBroken(side: Duplex): boolean {
  return !side.readableEnded || !side.writableFinished
}

function breakBoth(a: Duplex, b: Duplex): void {
  a.destroy()
  b.destroy()
}
