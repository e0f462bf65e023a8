/** PodTemplate: a template of pods by itself. */
import { formatLabels, nameColumn } from '../../common/columns.ts'
import { sameValue, startGeneration } from '../../common/strategy.ts'
import type { Container, PodTemplate } from '../../generated/v1.ts'
import { Path } from '../../machinery/field.ts'
import { declareResource } from '../../resource.ts'
import { setTemplateDefaults, templateWarnings } from '../pod/template.ts'
import { validateAnyTemplate } from '../pod/template-validation.ts'

const validate = ({ template = {} }: PodTemplate) => validateAnyTemplate(template, Path.of('template'))

function containersText({ template }: PodTemplate, part: (container: Container) => string): string {
  return (template?.spec?.containers ?? []).map(part).join(',')
}

export const podTemplateDefinition = declareResource<PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  singular: 'podtemplate',
  namespaced: true,
  setDefaults: setTemplateDefaults,
  prepareForCreate: startGeneration,
  validate,
  warningsOnCreate: templateWarnings,
  prepareForUpdate: (next, old) => {
    const generation = old.metadata.generation ?? 0
    next.metadata.generation = sameValue(next.template, old.template) ? generation : generation + 1
  },
  validateUpdate: validate,
  warningsOnUpdate: templateWarnings,
  allowUnconditionalUpdate: true,
  columns: [
    nameColumn,
    {
      name: 'Containers',
      type: 'string',
      description: 'Names of each container in the template.',
      cell: (object) => containersText(object, ({ name }) => name),
    },
    {
      name: 'Images',
      type: 'string',
      description: 'Images referenced by each container in the template.',
      cell: (object) => containersText(object, ({ image = '' }) => image),
    },
    {
      name: 'Pod Labels',
      type: 'string',
      description: 'The labels for the pod template.',
      cell: ({ template }) => formatLabels(template?.metadata?.labels),
    },
  ],
})
