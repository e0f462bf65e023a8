/**
 * Sets of fields, as a tree. A step from a node to the next is written as FieldsV1 writes it: `f:name` is a field,
 * `k:{"name":"web"}` an item of a keyed list, `v:"a"` an item of a set. (sigs.k8s.io/structured-merge-diff fieldpath)
 */

export type FieldPath = readonly string[]

/** FieldsV1: `.` marks the node itself. */
export interface FieldsV1 {
  readonly [step: string]: FieldsV1
}

export class FieldSet {
  /** The node itself belongs to the set. */
  member = false
  readonly children = new Map<string, FieldSet>()

  /** Adds a path. */
  insert(path: FieldPath): void {
    const [step, ...below] = path
    if (step === undefined) this.member = true
    else this.#childFor(step).insert(below)
  }

  get isEmpty(): boolean {
    return !this.member && [...this.children.values()].every((child) => child.isEmpty)
  }

  child(step: string): FieldSet | undefined {
    return this.children.get(step)
  }

  has(path: FieldPath): boolean {
    const [step, ...below] = path
    return step === undefined ? this.member : (this.children.get(step)?.has(below) ?? false)
  }

  /** In the order of FieldsV1. */
  *paths(prefix: FieldPath = []): Generator<FieldPath> {
    if (this.member) yield prefix
    for (const [step, child] of this.#sorted()) yield* child.paths([...prefix, step])
  }

  union(other: FieldSet): FieldSet {
    return combined(this, other, (mine, theirs) => mine || theirs)
  }

  /** Exactly these paths, not what is below them. */
  difference(other: FieldSet): FieldSet {
    return combined(this, other, (mine, theirs) => mine && !theirs)
  }

  intersection(other: FieldSet): FieldSet {
    return combined(this, other, (mine, theirs) => mine && theirs)
  }

  equals(other: FieldSet): boolean {
    return combined(this, other, (mine, theirs) => mine !== theirs).isEmpty
  }

  toFieldsV1(): FieldsV1 {
    const fields: Record<string, FieldsV1> = {}
    // A node without children is told by its own name alone.
    if (this.member && this.children.size > 0) fields['.'] = {}
    for (const [step, child] of this.#sorted()) fields[step] = child.toFieldsV1()
    return fields
  }

  static fromFieldsV1(fields: FieldsV1): FieldSet {
    const set = new FieldSet()
    const steps = Object.entries(fields)
    for (const [step, below] of steps) {
      if (step === '.') set.member = true
      else set.children.set(step, leafOr(below))
    }
    return set
  }

  #childFor(step: string): FieldSet {
    let child = this.children.get(step)
    if (!child) {
      child = new FieldSet()
      this.children.set(step, child)
    }
    return child
  }

  #sorted(): [string, FieldSet][] {
    return [...this.children].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  }
}

function leafOr(below: FieldsV1): FieldSet {
  const set = FieldSet.fromFieldsV1(below)
  if (set.children.size === 0) set.member = true
  return set
}

const empty = new FieldSet()

function combined(a: FieldSet, b: FieldSet, belongs: (mine: boolean, theirs: boolean) => boolean): FieldSet {
  const result = new FieldSet()
  result.member = belongs(a.member, b.member)
  for (const step of new Set([...a.children.keys(), ...b.children.keys()])) {
    const child = combined(a.children.get(step) ?? empty, b.children.get(step) ?? empty, belongs)
    if (!child.isEmpty) result.children.set(step, child)
  }
  return result
}

/** As conflicts name it: `.spec.containers[name="web"].image`. */
export function formatPath(path: FieldPath): string {
  return path.map(formatStep).join('')
}

export function formatStep(step: string): string {
  const text = step.slice(2)
  switch (step[0]) {
    case 'f':
      return `.${text}`
    case 'k': {
      const keys = Object.entries(JSON.parse(text) as Record<string, unknown>)
      return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`
    }
    case 'v':
      return `[=${text}]`
    default:
      return `[${text}]`
  }
}
