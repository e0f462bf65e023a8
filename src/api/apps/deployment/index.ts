/** Deployment: a number of pods of one template, and the way from one template to the next. */
import { ageColumn, nameColumn, selectorText, workloadColumns } from '../../common/columns.ts'
import { replicasScale } from '../../common/scale.ts'
import { bumpGeneration, keepSpec, keepStatus, startGeneration } from '../../common/strategy.ts'
import { templateWarnings } from '../../core/pod/template.ts'
import type { Deployment, DeploymentSpec } from '../../generated/apps.v1.ts'
import { declareResource } from '../../resource.ts'
import { setDeploymentDefaults } from './defaults.ts'
import { validateDeployment, validateDeploymentStatusUpdate, validateDeploymentUpdate } from './validation.ts'

export const deploymentDefinition = declareResource<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  namespaced: true,
  shortNames: ['deploy'],
  categories: ['all'],
  setDefaults: setDeploymentDefaults,
  prepareForCreate: (deployment) => {
    deployment.status = {}
    startGeneration(deployment)
  },
  validate: validateDeployment,
  warningsOnCreate: ({ spec }) => templateWarnings(spec),
  warningsOnUpdate: ({ spec }) => templateWarnings(spec),
  prepareForUpdate: (next, old) => {
    keepStatus(next, old)
    bumpGeneration(next, old)
  },
  validateUpdate: validateDeploymentUpdate,
  allowUnconditionalUpdate: true,
  status: {
    prepareForUpdate: (next, old) => {
      keepSpec(next, old)
      if (old.metadata.labels) next.metadata.labels = old.metadata.labels
      else delete next.metadata.labels
    },
    validateUpdate: validateDeploymentStatusUpdate,
  },
  scale: replicasScale<DeploymentSpec>((spec) => selectorText(spec?.selector)),
  columns: [
    nameColumn,
    {
      name: 'Ready',
      type: 'string',
      description: 'Number of the pod with ready state',
      cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    },
    { name: 'Up-to-date', type: 'string', cell: ({ status }) => status?.updatedReplicas ?? 0 },
    { name: 'Available', type: 'string', cell: ({ status }) => status?.availableReplicas ?? 0 },
    ageColumn,
    ...workloadColumns<Deployment>(
      ({ spec }) => spec?.template?.spec?.containers ?? [],
      ({ spec }) => spec?.selector,
    ),
  ],
})
