import { expect, test } from 'vitest'
import { exchange } from './exchange.ts'

test('a resolver to which no way leads is an error of the question, not the end of the server', async () => {
  // The kernel refuses to connect a socket to the broadcast address: nothing is sent.
  const asked = exchange({ host: '255.255.255.255', port: 53 }, Buffer.alloc(12), {
    protocol: 'udp',
    timeoutMs: 2000,
    accept: () => true,
  })
  await expect(asked).rejects.toThrow('EACCES')
})
