/** Sets of completion indexes, kept as the intervals they are written as: `1,3-5,7`. */

export class IndexesError extends Error {
  override readonly name = 'IndexesError'
}

interface Interval {
  readonly first: number
  readonly last: number
}

/** Immutable. Its size does not depend on how many indexes there are, but on how scattered they are. */
export class IndexSet implements Iterable<number> {
  static readonly none = new IndexSet([])
  readonly #intervals: readonly Interval[]
  /** How many indexes are in it. */
  readonly size: number

  /** Intervals in order that neither overlap nor touch. */
  private constructor(intervals: readonly Interval[]) {
    this.#intervals = intervals
    this.size = intervals.reduce((sum, { first, last }) => sum + last - first + 1, 0)
  }

  static of(indexes: Iterable<number>): IndexSet {
    return IndexSet.none.with(indexes)
  }

  /** Reads what somebody else wrote and checks it. Throws IndexesError. `completions`: the first index too many. */
  static parse(text: string, completions: number): IndexSet {
    if (text === '') return IndexSet.none
    const intervals: Interval[] = []
    for (const part of text.split(',')) {
      const interval = parseInterval(part, completions)
      const previous = intervals.at(-1)?.last
      if (previous !== undefined && previous >= interval.first) throw notIncreasing(previous, interval.first)
      intervals.push(interval)
    }
    return new IndexSet(joined(intervals))
  }

  /** Reads what was checked before; indexes past the end are those of a Job that was made smaller since. */
  static read(text: string | undefined, completions: number): IndexSet {
    const intervals = (text ?? '')
      .split(',')
      .filter(Boolean)
      .map((part) => {
        const [first = 0, last = first] = part.split('-').map(Number)
        return { first, last: Math.min(last, completions - 1) }
      })
    return new IndexSet(joined(intervals.filter(({ first, last }) => first <= last)))
  }

  has(index: number): boolean {
    let from = 0
    let to = this.#intervals.length
    while (from < to) {
      const middle = (from + to) >> 1
      const { first, last } = this.#intervals[middle] as Interval
      if (index < first) to = middle
      else if (index > last) from = middle + 1
      else return true
    }
    return false
  }

  /** An index that is in both sets, the lowest. */
  overlap(other: IndexSet): number | undefined {
    for (const { first, last } of this.#intervals) {
      for (const theirs of other.#intervals) {
        if (theirs.first <= last && first <= theirs.last) return Math.max(first, theirs.first)
      }
    }
    return undefined
  }

  with(indexes: Iterable<number>): IndexSet {
    const added = [...indexes].map((index) => ({ first: index, last: index }))
    if (added.length === 0) return this
    return new IndexSet(joined([...this.#intervals, ...added].sort((a, b) => a.first - b.first)))
  }

  *[Symbol.iterator](): Generator<number> {
    for (const { first, last } of this.#intervals) for (let index = first; index <= last; index++) yield index
  }

  /** Two indexes in a row are listed; three and more are a range. */
  toString(): string {
    return this.#intervals
      .map(({ first, last }) => {
        if (first === last) return `${first}`
        return `${first}${last === first + 1 ? ',' : '-'}${last}`
      })
      .join(',')
  }
}

function joined(sorted: readonly Interval[]): Interval[] {
  const result: Interval[] = []
  for (const { first, last } of sorted) {
    const previous = result.at(-1)
    if (previous && first <= previous.last + 1) {
      result[result.length - 1] = { first: previous.first, last: Math.max(previous.last, last) }
    } else result.push({ first, last })
  }
  return result
}

function parseInterval(text: string, completions: number): Interval {
  const limits = text.split('-')
  if (limits.length > 2) {
    throw new IndexesError(
      `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`,
    )
  }
  const first = parseIndex(limits[0] ?? '', completions)
  if (limits[1] === undefined) return { first, last: first }
  const last = parseIndex(limits[1], completions)
  if (first >= last) throw notIncreasing(first, last)
  return { first, last }
}

function parseIndex(text: string, completions: number): number {
  if (!/^[+]?\d+$/.test(text)) {
    throw new IndexesError(`cannot convert string to integer for index: ${JSON.stringify(text)}`)
  }
  const index = Number(text)
  if (index >= completions) throw new IndexesError(`too large index: ${JSON.stringify(text)}`)
  return index
}

function notIncreasing(previous: number, current: number): IndexesError {
  return new IndexesError(`non-increasing order, previous: ${previous}, current: ${current}`)
}
