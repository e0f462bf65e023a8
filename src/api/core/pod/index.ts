/**
 * Pod: containers that share a network and a fate. Which node runs it, and how, is the scheduler's and the agent's
 * affair; `conditions.ts` has the questions they and the controllers ask.
 */
import type { Pod } from '../../generated/v1.ts'
import { declareResource } from '../../resource.ts'
import { podColumns } from './columns.ts'
import { setPodDefaults } from './defaults.ts'
import {
  podGracePeriodSeconds,
  preparePodForCreate,
  preparePodForStatusUpdate,
  preparePodForUpdate,
} from './strategy.ts'
import { validatePod, validatePodStatusUpdate, validatePodUpdate } from './validation.ts'
import { podWarnings } from './warnings.ts'

export const podDefinition = declareResource<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  namespaced: true,
  shortNames: ['po'],
  categories: ['all'],
  setDefaults: setPodDefaults,
  prepareForCreate: preparePodForCreate,
  validate: validatePod,
  warningsOnCreate: podWarnings,
  prepareForUpdate: preparePodForUpdate,
  validateUpdate: validatePodUpdate,
  warningsOnUpdate: podWarnings,
  allowUnconditionalUpdate: true,
  status: { prepareForUpdate: preparePodForStatusUpdate, validateUpdate: validatePodStatusUpdate },
  selectableFields: {
    'spec.nodeName': (pod) => pod.spec?.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec?.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec?.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec?.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec?.hostNetwork ?? false),
    'status.phase': (pod) => pod.status?.phase ?? '',
    'status.podIP': (pod) => pod.status?.podIP ?? '',
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName ?? '',
  },
  columns: podColumns,
  gracePeriodSeconds: podGracePeriodSeconds,
})
