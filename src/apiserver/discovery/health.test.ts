import { expect, test } from 'vitest'
import { healthPage } from './health.ts'

const good = async () => true
const bad = () => Promise.reject(new Error('secret'))

test.each([
  ['', [good], 200, 'ok'],
  ['verbose', [good], 200, '[+]a ok\nlivez check passed\n'],
  ['', [good, bad], 500, '[+]a ok\n[-]b failed: reason withheld\nlivez check failed\n'],
  ['exclude=b', [good, bad], 200, 'ok'],
  ['verbose&exclude=b', [good, bad], 200, '[+]a ok\n[+]b excluded: ok\nlivez check passed\n'],
  [
    'verbose&exclude=y&exclude=x',
    [good],
    200,
    '[+]a ok\nwarn: some health checks cannot be excluded: no matches for "x","y"\nlivez check passed\n',
  ],
])('?%s', async (query, checks, status, text) => {
  const named = new Map(checks.map((check, i) => ['ab'.charAt(i), check]))
  const answer = await healthPage('livez', named, new URLSearchParams(query))
  expect(answer.status).toBe(status)
  const chunks: Buffer[] = []
  for await (const chunk of answer.body) chunks.push(chunk)
  expect(Buffer.concat(chunks).toString()).toBe(text)
})
