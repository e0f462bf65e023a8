import { expect, it } from 'vitest'
import { readYaml } from './yaml.ts'

it('a large document is read while other requests are served', async () => {
  const keys = Array.from({ length: 30_000 }, (_, i) => `key-${i}: value`).join('\n')
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  const { text, complaints } = await readYaml(keys)
  clearInterval(timer)
  expect(Object.keys(JSON.parse(text) as object)).toHaveLength(30_000)
  expect(complaints).toEqual([])
  expect(turns).toBeGreaterThan(20)
}, 60_000)

it.each([
  ['lists in lists', '['.repeat(2_000_000), 'exceeded max depth'],
  ['what is no YAML', '"'.repeat(50_000), /^line 1: /],
])(
  'a large document that nobody can read is refused: %s',
  async (_name, yaml, message) => {
    await expect(async () => readYaml(yaml)).rejects.toThrow(message)
  },
  60_000,
)
