/** Resource quantities (`100m`, `1.5Gi`, `2e3`): exact decimal arithmetic in nano-units on bigints. */

/** A parsed quantity. The value is `nano` / 10⁹; finer digits are rounded up, as Kubernetes does. */
export interface Quantity {
  readonly nano: bigint
  readonly format: 'BinarySI' | 'DecimalSI' | 'DecimalExponent'
}

export const quantityFormatMessage =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const quantitySuffixMessage = "unable to parse quantity's suffix"

export class QuantityError extends Error {
  override readonly name = 'QuantityError'
}

const giga = 1_000_000_000n
/** Larger values are capped, as in Kubernetes: 2^63 - 1. */
const nanoMax = ((1n << 63n) - 1n) * giga

const binary: Record<string, bigint> = {
  Ki: 1n << 10n,
  Mi: 1n << 20n,
  Gi: 1n << 30n,
  Ti: 1n << 40n,
  Pi: 1n << 50n,
  Ei: 1n << 60n,
}
const decimal: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }

export function parseQuantity(text: string): Quantity {
  const parts = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/.exec(text)
  const [, sign = '', whole = '', fraction = '', suffix = ''] = parts ?? []
  if (!parts || (whole === '' && fraction === '')) throw new QuantityError(quantityFormatMessage)
  const scale = suffixScale(suffix)
  if (!scale) throw new QuantityError(quantitySuffixMessage)
  const digits = BigInt(whole + fraction || '0')
  const exponent = scale.exponent - fraction.length + 9
  const base = digits * scale.factor
  let nano = exponent >= 0 ? base * 10n ** BigInt(exponent) : divideUp(base, 10n ** BigInt(-exponent))
  if (nano > nanoMax) nano = nanoMax
  return { nano: sign === '-' ? -nano : nano, format: scale.format }
}

function suffixScale(suffix: string) {
  const factor = Object.hasOwn(binary, suffix) ? binary[suffix] : undefined
  if (factor) return { factor, exponent: 0, format: 'BinarySI' as const }
  const power = Object.hasOwn(decimal, suffix) ? decimal[suffix] : undefined
  if (power !== undefined) return { factor: 1n, exponent: power, format: 'DecimalSI' as const }
  const exponent = /^[eE]([-+]?[0-9]{1,4})$/.exec(suffix)?.[1]
  if (!exponent) return undefined
  return { factor: 1n, exponent: Math.max(-400, Math.min(400, Number(exponent))), format: 'DecimalExponent' as const }
}

function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by
}

export function compareQuantities(a: string, b: string): -1 | 0 | 1 {
  const left = parseQuantity(a).nano
  const right = parseQuantity(b).nano
  return left < right ? -1 : left > right ? 1 : 0
}

/** Short enough that no larger suffix fits. */
const alreadyCanonical = /^[1-9]\d{0,2}(?:m|k|M|G|Ki|Mi|Gi)?$/

/** The form Kubernetes stores: no fraction digits, the largest suffix that loses nothing. */
export function canonicalQuantity(text: string): string {
  if (alreadyCanonical.test(text)) return text
  return formatQuantity(parseQuantity(text))
}

export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return '0'
  const negative = nano < 0n
  const size = negative ? -nano : nano
  // Binary form only for whole numbers of at least 1024; below, decimal (as upstream).
  const useBinary = format === 'BinarySI' && size % giga === 0n && size / giga >= 1024n
  const text = useBinary ? formatBinary(size / giga) : formatDecimal(size, format === 'DecimalExponent')
  return negative ? `-${text}` : text
}

function formatBinary(units: bigint): string {
  for (const suffix of ['Ei', 'Pi', 'Ti', 'Gi', 'Mi', 'Ki']) {
    const factor = binary[suffix] ?? 1n
    if (units % factor === 0n) return `${units / factor}${suffix}`
  }
  return String(units)
}

function formatDecimal(nano: bigint, exponentForm: boolean): string {
  let mantissa = nano
  let exponent = -9
  while (exponent < 18 && mantissa % 1000n === 0n) {
    mantissa /= 1000n
    exponent += 3
  }
  if (exponentForm) return exponent === 0 ? String(mantissa) : `${mantissa}e${exponent}`
  const suffix = Object.keys(decimal).find((s) => decimal[s] === exponent) ?? ''
  return `${mantissa}${suffix}`
}

/** Whole units, rounded up (`Quantity.Value`). */
export function quantityValue(text: string): number {
  const { nano } = parseQuantity(text)
  return Number(nano >= 0n ? divideUp(nano, giga) : nano / giga)
}

/** Thousandths, rounded up (`Quantity.MilliValue`). */
export function quantityMilliValue(text: string): number {
  const { nano } = parseQuantity(text)
  return Number(nano >= 0n ? divideUp(nano, 1_000_000n) : nano / 1_000_000n)
}
