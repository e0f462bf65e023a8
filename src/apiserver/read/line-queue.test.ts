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
  queue.add(Buffer.from('c'))
  await Promise.resolve()
  queue.add(Buffer.from('d'))
  queue.end()
  expect(await reading).toBe('abcd')
})

test('a reader that does not keep up makes it full, until it has read what there is', async () => {
  const queue = new LineQueue(() => {})
  const line = Buffer.alloc(100 * 1024)
  for (let i = 0; i < 3; i++) queue.add(line)
  expect(queue.full).toBe(true)
  const refilled = new Promise<boolean>((resolve) => queue.whenRead(() => resolve(queue.full)))
  const reading = read(queue)
  expect(await refilled).toBe(false)
  queue.end()
  expect(await reading).toHaveLength(300 * 1024)
})

test('who closes lets go of what was not read', async () => {
  let closed = 0
  const queue = new LineQueue(() => closed++)
  queue.add(Buffer.alloc(1024))
  queue.close()
  queue.close()
  expect(await read(queue)).toBe('')
  expect(closed).toBe(1)
})
