/** Says where two JSON values differ, one changed field a line. */
import { sameValue } from '../../common/strategy.ts'

const linesMax = 20

/** `- path: before` and `+ path: after` for each difference. */
export function describeDifference(before: unknown, after: unknown): string {
  const lines: string[] = []
  compare(before, after, '', lines)
  return lines.slice(0, linesMax).join('\n')
}

function compare(before: unknown, after: unknown, path: string, lines: string[]): void {
  if (sameValue(before, after)) return
  if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      compare(before[key], after[key], Array.isArray(before) ? `${path}[${key}]` : path ? `${path}.${key}` : key, lines)
    }
    return
  }
  if (before !== undefined) lines.push(`- ${path}: ${JSON.stringify(before)}`)
  if (after !== undefined) lines.push(`+ ${path}: ${JSON.stringify(after)}`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
