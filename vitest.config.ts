import { defineConfig } from 'vitest/config'

/** Programs kernels or starts clusters: one file at a time, also on machines that are busy with something else. */
const real = {
  pool: 'forks',
  fileParallelism: false,
  testTimeout: 60_000,
  hookTimeout: 60_000,
  expect: { poll: { timeout: 15_000 } },
} as const

/**
 * `unit` is pure and shares one process (fast). `rooms` (parts of a node, by themselves) and `cluster` (whole clusters)
 * each run inside a private network namespace of their own that `scripts/sandbox` makes.
 */
export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts'],
          exclude: ['src/**/*.real.test.ts'],
          pool: 'threads',
          isolate: false,
          testTimeout: 10_000,
        },
      },
      { test: { name: 'rooms', include: ['src/**/*.real.test.ts'], ...real } },
      { test: { name: 'cluster', include: ['test/**/*.test.ts'], ...real } },
    ],
  },
})
