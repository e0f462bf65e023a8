import { describe, expect, test } from 'vitest'
import type { Affinity, Pod, PodAffinityTerm } from '../../api/generated/v1.ts'
import type { Candidate } from './filters.ts'
import { labelled, outcome, pod } from './fixtures.ts'

const a1 = labelled('a1', { zone: 'a', host: 'a1' })
const a2 = labelled('a2', { zone: 'a', host: 'a2' })
const b1 = labelled('b1', { zone: 'b', host: 'b1' })
const bare = labelled('bare', { host: 'bare' })

const near = (topologyKey: string, app = 'web', more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey,
  labelSelector: { matchLabels: { app } },
  ...more,
})
const required = (...terms: PodAffinityTerm[]) => ({ requiredDuringSchedulingIgnoredDuringExecution: terms })
const preferred = (weight: number, podAffinityTerm: PodAffinityTerm) => ({
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }],
})
const wanting = (affinity: Affinity, app = 'client') => pod('p', { affinity }, { app })
const web = pod('web', {}, { app: 'web' })
const at = (node: Candidate['node'], ...pods: Pod[]): Candidate => ({ node, pods })
const elsewhere = (other: Pod): Pod => ({ ...other, metadata: { ...other.metadata, namespace: 'other' } })

const unlike = "node(s) didn't match pod affinity rules"
const apart = "node(s) didn't match pod anti-affinity rules"
const repelled = "node(s) didn't satisfy existing pods anti-affinity rules"

describe('required', () => {
  test('affinity keeps to the places of the pods it names', () => {
    const p = wanting({ podAffinity: required(near('zone')) })
    expect(outcome(p, [at(a1), at(a2, web), at(b1)])).toBe('a1')
    expect(outcome(p, [at(a1), at(b1)])).toEqual([unlike, unlike])
  })

  test('of several terms one pod must match all', () => {
    const p = wanting({ podAffinity: required(near('zone'), near('host', 'db')) })
    expect(outcome(p, [at(a1, web), at(a2, pod('db', {}, { app: 'db' }))])).toEqual([unlike, unlike])
  })

  test('the first of pods that want each other goes where the key is', () => {
    const p = wanting({ podAffinity: required(near('zone')) }, 'web')
    expect(outcome(p, [at(bare), at(b1)])).toBe('b1')
    expect(outcome(p, [at(bare)])).toEqual([unlike])
  })

  test('anti-affinity keeps from them', () => {
    const p = wanting({ podAntiAffinity: required(near('zone')) })
    expect(outcome(p, [at(a1), at(a2, web), at(b1, pod('x'))])).toBe('b1')
    expect(outcome(p, [at(a1), at(a2, web)])).toEqual([apart, apart])
    expect(outcome(p, [at(bare, web)])).toBe('bare')
  })

  test('anti-affinity works for pods that are there already', () => {
    const guarded = pod('lonely', { affinity: { podAntiAffinity: required(near('host')) } }, { app: 'lonely' })
    expect(outcome(pod('p', {}, { app: 'web' }), [at(a1, guarded)])).toEqual([repelled])
    expect(outcome(pod('p', {}, { app: 'else' }), [at(a1, guarded)])).toBe('a1')
  })

  test('terms mean their own namespace, those they name, and those whose labels they select', () => {
    const from = (more: Partial<PodAffinityTerm>) => wanting({ podAffinity: required(near('zone', 'web', more)) })
    const there = [at(a1, elsewhere(web))]
    expect(outcome(from({}), there)).toEqual([unlike])
    expect(outcome(from({ namespaces: ['other'] }), there)).toBe('a1')
    expect(outcome(from({ namespaceSelector: {} }), there)).toBe('a1')
    const selected = from({ namespaceSelector: { matchLabels: { team: 'x' } } })
    expect(outcome(selected, there)).toEqual([unlike])
    expect(outcome(selected, there, { labelsOf: () => ({ team: 'x' }) })).toBe('a1')
  })
})

describe('preferred', () => {
  test('affinity draws, anti-affinity drives away', () => {
    const nodes = [at(a1), at(b1, web)]
    expect(outcome(wanting({ podAffinity: preferred(10, near('zone')) }), nodes)).toBe('b1')
    expect(
      outcome(wanting({ podAntiAffinity: preferred(10, near('zone')) }), [at(a1, web), at(b1, pod('x'), pod('y'))]),
    ).toBe('b1')
  })

  test('of pods that are there already counts as well', () => {
    const fond = pod('fond', { affinity: { podAffinity: preferred(5, near('zone', 'client')) } })
    expect(outcome(wanting({}), [at(a1), at(b1, fond)])).toBe('b1')
  })
})
