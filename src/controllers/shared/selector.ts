/** Label selectors of cached objects, compiled once each. */
import type { LabelSelector } from '../../api/generated/meta.v1.ts'
import { type LabelMatcher, labelSelectorMatcher } from '../../api/machinery/selectors.ts'

const compiled = new WeakMap<LabelSelector, LabelMatcher>()

/** An absent selector matches nothing, an empty one everything. Objects in caches are never mutated, so neither is it. */
export function selectorMatcher(selector: LabelSelector | undefined): LabelMatcher {
  if (!selector) return () => false
  let matches = compiled.get(selector)
  if (!matches) compiled.set(selector, (matches = labelSelectorMatcher(selector)))
  return matches
}
