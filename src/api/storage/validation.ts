/** Checks that kinds of storage share. */
import { check } from '../common/validation.ts'
import type { FieldError } from '../machinery/field.ts'
import { invalid, Path, required, tooLong } from '../machinery/field.ts'
import { isDNS1123Subdomain } from '../machinery/validate.ts'

const parametersBytesMax = 256 * 1024
const parametersMax = 512

/** Parameters of a class: what a driver is told, of any keys. */
export function validateParameters(parameters: Readonly<Record<string, string>>): FieldError[] {
  const path = Path.of('parameters')
  const entries = Object.entries(parameters)
  if (entries.length > parametersMax) return [tooLong(path, parametersMax)]
  const errors = entries.some(([key]) => key === '') ? [invalid(path, '', 'field can not be empty.')] : []
  const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)
  return size > parametersBytesMax ? [...errors, tooLong(path, parametersBytesMax)] : errors
}

const driverNameLengthMax = 63

/** The name by which a driver of the Container Storage Interface is known. */
export function checkDriverName(path: Path, name: string): FieldError[] {
  if (!name) return [required(path), ...check(path, name, isDNS1123Subdomain(name))]
  const errors = name.length > driverNameLengthMax ? [tooLong(path, driverNameLengthMax)] : []
  return [...errors, ...check(path, name, isDNS1123Subdomain(name.toLowerCase()))]
}
