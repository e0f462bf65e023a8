/** Field selectors as text (k8s.io/apimachinery/pkg/fields): `status.phase=Running,metadata.name!=web`. */
import { SelectorError } from './selectors.ts'

export interface FieldTerm {
  readonly field: string
  readonly operator: '=' | '!='
  readonly value: string
}

/** Throws SelectorError in Kubernetes' words. */
export function parseFieldSelector(text: string): FieldTerm[] {
  return splitTerms(text)
    .filter((term) => term !== '')
    .map((term) => parseTerm(term, text))
}

/** Splits at commas that no backslash escapes. */
function splitTerms(text: string): string[] {
  const terms: string[] = []
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === ',') {
      terms.push(text.slice(start, i))
      start = i + 1
    }
  }
  return [...terms, text.slice(start)]
}

function parseTerm(term: string, selector: string): FieldTerm {
  const [, field, operator, value = ''] = /^((?:\\.|[^\\!=])*?)(!=|==|=)(.*)$/s.exec(term) ?? []
  if (field === undefined) throw new SelectorError(`invalid selector: '${selector}'; can't understand '${term}'`)
  return { field, operator: operator === '!=' ? '!=' : '=', value: unescape(value) }
}

function unescape(value: string): string {
  const bad = /\\(?:[^\\,=]|$)/.exec(value)
  if (bad) {
    const why = bad[0].length > 1 ? `invalid escape sequence: ${bad[0]}` : 'invalid field selector: unterminated escape'
    throw new SelectorError(why)
  }
  const bare = /(?<!\\)(?:\\\\)*=/.test(value)
  if (bare) throw new SelectorError('invalid field selector: invalid value: unescaped character in value: =')
  return value.replaceAll(/\\([\\,=])/g, '$1')
}

/** `valueOf` gives an object's value of a field that the caller has checked to be selectable. */
export function fieldTermsHold(terms: readonly FieldTerm[], valueOf: (field: string) => string): boolean {
  return terms.every(({ field, operator, value }) => (valueOf(field) === value) === (operator === '='))
}

export function formatFieldSelector(terms: readonly FieldTerm[]): string {
  return terms.map((t) => `${t.field}${t.operator}${t.value.replaceAll(/[\\,=]/g, '\\$&')}`).join(',')
}
