/** Pod templates: their defaults, and what is probably not meant in one. */
import type { ObjectMeta } from '../../generated/meta.v1.ts'
import type { PodTemplateSpec } from '../../generated/v1.ts'
import { setPodSpecDefaults } from './defaults.ts'
import { podSpecWarnings } from './warnings.ts'

export function setTemplateDefaults(spec: { template?: PodTemplateSpec }): void {
  const template: PodTemplateSpec = (spec.template ??= {})
  template.metadata ??= {} as ObjectMeta
  template.spec ??= { containers: [] }
  setPodSpecDefaults(template.spec)
}

export function templateWarnings(spec: { template?: PodTemplateSpec } | undefined): string[] {
  return spec?.template?.spec ? podSpecWarnings(spec.template.spec, 'spec.template.spec') : []
}
