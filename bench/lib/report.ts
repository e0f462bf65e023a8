/** What the benches print: a line for each measurement. */
import { readFileSync } from 'node:fs'

export function print(what: string, value: string): void {
  process.stdout.write(`${what.padEnd(42)}${value}\n`)
}

/** Of times in milliseconds. */
export function percentiles(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(2)
  return `median ${at(0.5)} ms, p99 ${at(0.99)} ms (${times.length})`
}

/** A process's memory in kB, shared pages in proportion. */
export function pss(pid: number): { readonly total: number; readonly anonymous: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0)
  return { total: field('Pss'), anonymous: field('Pss_Anon') }
}
