import { expect, test } from 'vitest'
import { LineQueue } from './line-queue.ts'

async function read(queue: LineQueue): Promise<string> {
  let text = ''
  for await (const chunk of queue) text += chunk.toString()
  return text
}

test('lines come out in order, those before the reader as well as those after', async () => {
  const queue = new LineQueue(() => {})
  queue.addLazily([Buffer.from('a'), Buffer.from('b')])
  const reading = read(queue)
  queue.push(Buffer.from('c'))
  await Promise.resolve()
  queue.push(Buffer.from('d'))
  queue.end()
  expect(await reading).toBe('abcd')
})

test('a reader that does not keep up is cut off, and what it held is let go', async () => {
  let closed = 0
  const queue = new LineQueue(() => closed++)
  const line = Buffer.alloc(1024 * 1024)
  for (let i = 0; i < 17; i++) queue.push(line)
  expect(queue.ended).toBe(true)
  expect(await read(queue)).toBe('')
  expect(closed).toBe(1)
})
