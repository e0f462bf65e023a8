/** Reproducible randomness: the same seed, the same requests. */

export interface Random {
  /** 0 inclusive to `below` exclusive. */
  int(below: number): number
  pick<T>(values: readonly T[]): T
  chance(probability: number): boolean
}

/** mulberry32. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (below: number) => Math.floor(next() * below)
  return { int, pick: (values) => values[int(values.length)]!, chance: (probability) => next() < probability }
}
