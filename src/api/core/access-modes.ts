/** What PersistentVolumes and the claims on them share. */
import type { FieldError, Path } from '../machinery/field.ts'
import { forbidden, invalid, notSupported } from '../machinery/field.ts'
import { compareQuantities } from '../machinery/quantity.ts'

const modes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
const volumeModes = ['Block', 'Filesystem']
const short: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
}

export function validateAccessModes(given: readonly string[], at: Path): FieldError[] {
  const errors = given.flatMap((mode) => (modes.includes(mode) ? [] : [notSupported(at, mode, modes)]))
  if (given.includes('ReadWriteOncePod') && given.some((mode) => mode !== 'ReadWriteOncePod')) {
    errors.push(forbidden(at, 'may not use ReadWriteOncePod with other access modes'))
  }
  return errors
}

/** As `kubectl get` shows them: `RWO,ROX`, in this order. */
export function accessModesText(given: readonly string[] = []): string {
  return Object.keys(short)
    .filter((mode) => given.includes(mode))
    .map((mode) => short[mode])
    .join(',')
}

export function validateVolumeMode(mode: string | undefined, at: Path): FieldError[] {
  return mode === undefined || volumeModes.includes(mode) ? [] : [notSupported(at, mode, volumeModes)]
}

export function checkPositiveQuantity(at: Path, quantity: string): FieldError[] {
  return compareQuantities(quantity, '0') > 0 ? [] : [invalid(at, quantity, 'must be greater than zero')]
}
