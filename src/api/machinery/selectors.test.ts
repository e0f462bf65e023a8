import { describe, expect, test } from 'vitest'
import { fieldTermsHold, formatFieldSelector, parseFieldSelector } from './field-selectors.ts'
import {
  formatLabelSelector,
  labelSelectorMatcher,
  mapSelectorMatcher,
  parseLabelSelector,
  SelectorError,
} from './selectors.ts'

describe('label selectors', () => {
  const labels = { app: 'web', tier: 'front', 'example.com/n': '5' }

  test.each([
    ['', true],
    ['app', true],
    ['!app', false],
    ['app=web', true],
    ['app==web,tier!=back', true],
    ['other!=x', true],
    ['app in (web, api),tier notin (back)', true],
    ['other notin (a)', true],
    ['other in (a)', false],
    ['in=x', false],
    ['app in ()', 'error'],
    ['example.com/n>4,example.com/n < 6', true],
    ['app > 4', false],
    ['app=', false],
    ['app in (,web)', true],
    ['x in (a,)', false],
  ])('%s', (text, expected) => {
    if (expected === 'error') expect(() => parseLabelSelector(text)).toThrow("values set can't be empty")
    else expect(parseLabelSelector(text)(labels)).toBe(expected)
  })

  test.each([
    [',a', "found ',', expected: !, identifier, or 'end of string'"],
    ['a,', "found '', expected: identifier after ','"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a in x', "unable to parse requirement: found 'x' expected: '('"],
    ['a=b c', "found 'c', expected: ',' or 'end of string'"],
    ['a in (b', "unable to parse requirement: found '', expected: ',', ')' or identifier"],
  ])('%s: %s', (text, message) => expect(() => parseLabelSelector(text)).toThrow(new SelectorError(message)))

  test('keys and values are checked', () => {
    expect(() => parseLabelSelector('-a=b')).toThrow(
      'unable to parse requirement: key: Invalid value: "-a": name part must',
    )
    expect(() => parseLabelSelector('a=-b')).toThrow('values[0][a]: Invalid value: "-b": a valid label must')
  })

  test('as objects: absent selects nothing, empty everything', () => {
    expect(labelSelectorMatcher(undefined)(labels)).toBe(false)
    expect(labelSelectorMatcher({})(labels)).toBe(true)
    const matchExpressions = [{ key: 'tier', operator: 'DoesNotExist' }]
    expect(labelSelectorMatcher({ matchLabels: { app: 'web' }, matchExpressions })(labels)).toBe(false)
  })

  test('as maps: absent and empty select nothing', () => {
    const selectors: (Record<string, string> | undefined)[] = [undefined, {}, { app: 'web' }, { app: 'api' }]
    expect(selectors.map((s) => mapSelectorMatcher(s)(labels))).toEqual([false, false, true, false])
  })

  test('print as kubectl prints them', () => {
    const matchExpressions = [
      { key: 'a', operator: 'In', values: ['z', 'y'] },
      { key: 'c', operator: 'DoesNotExist' },
    ]
    expect(formatLabelSelector({ matchLabels: { b: 'x' }, matchExpressions })).toBe('a in (y,z),b=x,!c')
    expect(formatLabelSelector({})).toBe('<none>')
  })
})

describe('field selectors', () => {
  test('parse and hold', () => {
    const terms = parseFieldSelector('status.phase!=Running,metadata.name=a\\,b')
    expect(terms).toEqual([
      { field: 'status.phase', operator: '!=', value: 'Running' },
      { field: 'metadata.name', operator: '=', value: 'a,b' },
    ])
    expect(fieldTermsHold(terms, (field) => (field === 'metadata.name' ? 'a,b' : 'Pending'))).toBe(true)
    expect(formatFieldSelector(terms)).toBe('status.phase!=Running,metadata.name=a\\,b')
  })

  test('an empty one has no terms, a term without operator is an error', () => {
    expect(parseFieldSelector('')).toEqual([])
    expect(() => parseFieldSelector('a=b,c')).toThrow("invalid selector: 'a=b,c'; can't understand 'c'")
  })
})
