/** What update strategies of several kinds share. */
import { isDeepStrictEqual } from 'node:util'
import type { ObjectMeta } from '../machinery/object.ts'

interface Versioned {
  metadata: ObjectMeta
  spec?: unknown
}

interface WithStatus {
  status?: unknown
}

/** Structural equality of two JSON values; an absent field and an undefined one are the same. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true
  return isDeepStrictEqual(a ?? undefined, b ?? undefined)
}

/** Generation of a new object. */
export function startGeneration(object: Versioned): void {
  object.metadata.generation = 1
}

/** The generation counts changes of the desired state; nobody else may set it. */
export function bumpGeneration(next: Versioned, old: Versioned): void {
  const generation = old.metadata.generation ?? 0
  next.metadata.generation = sameValue(next.spec, old.spec) ? generation : generation + 1
}

/** A write to the main resource leaves the status alone. */
export function keepStatus<T extends WithStatus>(next: T, old: T): void {
  if (old.status === undefined) delete next.status
  else next.status = old.status
}

/** A write to the status leaves the desired state alone. */
export function keepSpec<T extends Versioned>(next: T, old: T): void {
  if (old.spec === undefined) delete next.spec
  else next.spec = old.spec
  if (old.metadata.generation === undefined) delete next.metadata.generation
  else next.metadata.generation = old.metadata.generation
}
