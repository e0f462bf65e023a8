/** Small helpers that keep a sync of thousands of pods cheap when few of them changed. */
import type { Pod, Service } from '../../api/generated/v1.ts'

/**
 * A pure function of a Service and a pod, remembered for as long as both objects live: those of an informer's cache are
 * replaced when they change and never mutated.
 */
export function perPod<T>(derive: (service: Service, pod: Pod) => T): (service: Service) => (pod: Pod) => T {
  const known = new WeakMap<Service, WeakMap<Pod, { readonly value: T }>>()
  return (service) => {
    const ofService = known.get(service) ?? new WeakMap<Pod, { readonly value: T }>()
    known.set(service, ofService)
    return (pod) => {
      let entry = ofService.get(pod)
      if (!entry) ofService.set(pod, (entry = { value: derive(service, pod) }))
      return entry.value
    }
  }
}

/** Equal as JSON but for `ignored` keys at any depth. An absent field and an undefined one are the same. */
export function sameJson(a: unknown, b: unknown, ignored?: string): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((each, i) => sameJson(each, b[i], ignored))
  }
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>]
  for (const key in left) if (key !== ignored && !sameJson(left[key], right[key], ignored)) return false
  for (const key in right) {
    if (key !== ignored && right[key] !== undefined && left[key] === undefined) return false
  }
  return true
}
