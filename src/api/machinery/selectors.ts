/** Label selectors, as text (k8s.io/apimachinery/pkg/labels) and as LabelSelector objects. */
import type { LabelSelector } from '../generated/meta.v1.ts'
import { Path } from './field.ts'
import { isQualifiedName, isValidLabelValue } from './validate.ts'

export type Labels = Readonly<Record<string, string>>
export type LabelMatcher = (labels: Labels | undefined) => boolean

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | '>' | '<'

export interface LabelRequirement {
  readonly key: string
  readonly operator: LabelOperator
  readonly values: readonly string[]
}

export class SelectorError extends Error {
  override readonly name = 'SelectorError'
}

/** Throws SelectorError in Kubernetes' words. An empty selector matches everything. */
export function parseLabelSelector(text: string): LabelMatcher {
  return labelMatcher(parseLabelRequirements(text))
}

export function labelMatcher(requirements: readonly LabelRequirement[]): LabelMatcher {
  return (labels = {}) => requirements.every((requirement) => requirementHolds(requirement, labels))
}

function requirementHolds({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'in':
    case '=':
    case '==':
      return value !== undefined && values.includes(value)
    case 'notin':
    case '!=':
      return value === undefined || !values.includes(value)
    case 'exists':
      return value !== undefined
    case '!':
      return value === undefined
    default: {
      if (value === undefined || !/^[+-]?\d+$/.test(value)) return false
      const bound = BigInt(values[0] ?? '0')
      return operator === '>' ? BigInt(value) > bound : BigInt(value) < bound
    }
  }
}

interface Token {
  readonly kind: 'identifier' | 'in' | 'notin' | 'symbol' | 'end'
  readonly text: string
}

function tokens(text: string): Token[] {
  const found: Token[] = []
  for (const [word] of text.matchAll(/==|!=|[=!(),<>]|[^\s=!(),<>]+/g)) {
    if (word === 'in' || word === 'notin') found.push({ kind: word, text: word })
    else found.push({ kind: /^[=!(),<>]/.test(word) ? 'symbol' : 'identifier', text: word })
  }
  return [...found, { kind: 'end', text: '' }]
}

export function parseLabelRequirements(text: string): LabelRequirement[] {
  return new Parser(tokens(text)).requirements()
}

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(all: readonly Token[]) {
    this.#tokens = all
  }

  requirements(): LabelRequirement[] {
    const found: LabelRequirement[] = []
    for (;;) {
      const next = this.#peek()
      if (next.kind === 'end') return sortedByKey(found)
      if (next.kind === 'symbol' && next.text !== '!') {
        throw new SelectorError(`found '${next.text}', expected: !, identifier, or 'end of string'`)
      }
      found.push(this.#requirementOrFail())
      const separator = this.#take()
      if (separator.kind === 'end') return sortedByKey(found)
      if (separator.text !== ',') {
        throw new SelectorError(`found '${separator.text}', expected: ',' or 'end of string'`)
      }
      const after = this.#peek()
      if (after.kind === 'end' || (after.kind === 'symbol' && after.text !== '!')) {
        throw new SelectorError(`found '${after.text}', expected: identifier after ','`)
      }
    }
  }

  #requirementOrFail(): LabelRequirement {
    try {
      return this.#requirement()
    } catch (error) {
      if (!(error instanceof SelectorError)) throw error
      throw new SelectorError(`unable to parse requirement: ${error.message}`)
    }
  }

  #requirement(): LabelRequirement {
    let first = this.#take()
    const absent = first.text === '!'
    if (absent) first = this.#take()
    if (!isWord(first)) throw new SelectorError(`found '${first.text}', expected: identifier`)
    const key = first.text
    checkKey(key)
    const next = this.#peek()
    if (absent) return { key, operator: '!', values: [] }
    if (next.kind === 'end' || next.text === ',') return { key, operator: 'exists', values: [] }
    const operator = this.#operator()
    const values = operator === 'in' || operator === 'notin' ? this.#set() : [this.#exact()]
    return checkedRequirement({ key, operator, values })
  }

  #operator(): LabelOperator {
    const { text } = this.#take()
    if (['=', '==', '!=', 'in', 'notin', '>', '<'].includes(text)) return text as LabelOperator
    throw new SelectorError(`found '${text}', expected: in, notin, =, ==, !=, gt, lt`)
  }

  #set(): string[] {
    const open = this.#take()
    if (open.text !== '(') throw new SelectorError(`found '${open.text}' expected: '('`)
    const values = new Set<string>()
    let valueMissing = true
    for (;;) {
      const next = this.#take()
      if (isWord(next)) {
        values.add(next.text)
        valueMissing = false
      } else if (next.text === ',') {
        if (valueMissing) values.add('')
        valueMissing = true
        if (this.#peek().text === ')') values.add('')
      } else if (next.text === ')') {
        return [...values].sort()
      } else {
        throw new SelectorError(`found '${next.text}', expected: ',', ')' or identifier`)
      }
    }
  }

  #exact(): string {
    const next = this.#peek()
    if (next.kind === 'end' || next.text === ',') return ''
    this.#take()
    if (isWord(next)) return next.text
    throw new SelectorError(`found '${next.text}', expected: identifier`)
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '' }
  }

  #take(): Token {
    const token = this.#peek()
    this.#at++
    return token
  }
}

function isWord({ kind }: Token): boolean {
  return kind === 'identifier' || kind === 'in' || kind === 'notin'
}

function sortedByKey(requirements: LabelRequirement[]): LabelRequirement[] {
  return requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

function checkKey(key: string): void {
  const [problem] = isQualifiedName(key)
  if (problem) throw new SelectorError(`key: Invalid value: ${JSON.stringify(key)}: ${problem}`)
}

function checkedRequirement(requirement: LabelRequirement): LabelRequirement {
  const { key, operator, values } = requirement
  if ((operator === 'in' || operator === 'notin') && values.length === 0) {
    throw new SelectorError("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty")
  }
  if ((operator === '>' || operator === '<') && !/^[+-]?\d+$/.test(values[0] ?? '')) {
    const path = Path.of('values').index(0).toString()
    throw new SelectorError(
      `${path}: Invalid value: ${JSON.stringify(values[0] ?? '')}: for 'Gt', 'Lt' operators, the value must be an integer`,
    )
  }
  values.forEach((value, i) => {
    const [problem] = isValidLabelValue(value)
    if (problem) {
      const path = Path.of('values').index(i).key(key).toString()
      throw new SelectorError(`${path}: Invalid value: ${JSON.stringify(value)}: ${problem}`)
    }
  })
  return requirement
}

const objectOperators: Record<string, LabelOperator> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' }

/** The requirements of a LabelSelector object. Throws SelectorError for one validation would refuse. */
export function labelSelectorRequirements(selector: LabelSelector): LabelRequirement[] {
  const labels = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]): LabelRequirement => ({ key, operator: '=', values: [value] }),
  )
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values = [] }): LabelRequirement => {
    const known = Object.hasOwn(objectOperators, operator) ? objectOperators[operator] : undefined
    if (!known) throw new SelectorError(`${JSON.stringify(operator)} is not a valid label selector operator`)
    return checkedRequirement({ key, operator: known, values: [...values].sort() })
  })
  return sortedByKey([...labels, ...expressions])
}

/** An absent selector matches nothing, an empty one everything. */
export function labelSelectorMatcher(selector: LabelSelector | undefined): LabelMatcher {
  return selector ? labelMatcher(labelSelectorRequirements(selector)) : () => false
}

/** Absent, or without a requirement. */
export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions?.length ?? 0) === 0
}

/** A plain map selector, as Services have: an empty or absent one selects nothing. */
export function mapSelectorMatcher(selector: Labels | undefined): LabelMatcher {
  const wanted = Object.entries(selector ?? {})
  if (wanted.length === 0) return () => false
  return (labels = {}) => wanted.every(([key, value]) => labels[key] === value)
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  if (operator === 'exists') return key
  if (operator === '!') return `!${key}`
  if (operator === 'in' || operator === 'notin') return `${key} ${operator} (${values.join(',')})`
  return `${key}${operator}${values[0] ?? ''}`
}

export function formatLabelRequirements(requirements: readonly LabelRequirement[]): string {
  return requirements.map(formatRequirement).join(',')
}

/** As kubectl's SELECTOR column: `app=web,tier in (a,b)`; `<none>` when there is nothing. */
export function formatLabelSelector(selector: LabelSelector | undefined): string {
  try {
    return formatLabelRequirements(labelSelectorRequirements(selector ?? {})) || '<none>'
  } catch (error) {
    if (error instanceof SelectorError) return '<error>'
    throw error
  }
}
