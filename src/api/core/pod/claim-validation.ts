/** Checks of volumes that come with a claim of their own. */
import { checkLabels } from '../../common/validation.ts'
import type { ObjectMeta } from '../../generated/meta.v1.ts'
import type { EphemeralVolumeSource, Pod } from '../../generated/v1.ts'
import { type FieldError, forbidden, invalid, Path, required } from '../../machinery/field.ts'
import { isDNS1123Subdomain } from '../../machinery/validate.ts'
import { validateAnnotations } from '../../machinery/validate-meta.ts'
import { validateClaimSpec } from '../persistentvolumeclaim/validation.ts'
import { ephemeralClaimName } from './claims.ts'

export function validateEphemeral({ volumeClaimTemplate: template }: EphemeralVolumeSource, path: Path): FieldError[] {
  const at = path.child('volumeClaimTemplate')
  if (!template) return [required(at)]
  return [
    ...(template.metadata ? validateTemplateMeta(template.metadata, at.child('metadata')) : []),
    ...validateClaimSpec(template.spec ?? {}, at.child('spec')),
  ]
}

/** A claim has its name and owner from the pod: its template may say only what else is on it. */
function validateTemplateMeta({ annotations, labels, ...others }: ObjectMeta, path: Path): FieldError[] {
  return [
    ...validateAnnotations(annotations, path.child('annotations')),
    ...checkLabels(path.child('labels'), labels),
    ...Object.entries(others).flatMap(([field, value]) =>
      value === '' || value === null ? [] : [forbidden(path.child(field), 'cannot be set for an ephemeral volume')],
    ),
  ]
}

/** Together the names of pod and volume must make one for the claim. */
export function validateEphemeralNames({ metadata, spec }: Pod): FieldError[] {
  return (spec?.volumes ?? []).flatMap(({ name, ephemeral }, i) => {
    if (!ephemeral || !metadata.name || !name) return []
    const claim = ephemeralClaimName(metadata.name, name)
    const at = Path.of('spec', 'volumes').index(i).child('name')
    return isDNS1123Subdomain(claim).map((message) =>
      invalid(at, name, `PVC name ${JSON.stringify(claim)}: ${message}`),
    )
  })
}
