import { defineConfig } from 'vitest/config'

/**
 * Two projects: `unit` is pure and shares one process (fast); `real` programs kernels and starts clusters, one file
 * at a time, inside the private network namespace that `scripts/sandbox` makes.
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
      {
        test: {
          name: 'real',
          include: ['src/**/*.real.test.ts', 'test/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
