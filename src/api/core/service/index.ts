/**
 * Service: a stable address and name for a set of pods. Allocation of addresses and ports is the server's; everything
 * else about the object is here.
 */
import type { Service } from '../../generated/v1.ts'
import { isDNS1123Label } from '../../machinery/validate.ts'
import { declareResource } from '../../resource.ts'
import { serviceColumns } from './columns.ts'
import { setServiceDefaults } from './defaults.ts'
import { specOf } from './kind.ts'
import { prepareServiceForCreate, prepareServiceForStatusUpdate, prepareServiceForUpdate } from './strategy.ts'
import { validateServiceStatusUpdate, validateServiceUpdate } from './update.ts'
import { validateNewService } from './validation.ts'
import { serviceWarnings } from './warnings.ts'

export const serviceDefinition = declareResource<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  namespaced: true,
  shortNames: ['svc'],
  categories: ['all'],
  // Since 1.36 a label that starts with a digit is allowed (KEP-5311).
  validateName: isDNS1123Label,
  setDefaults: setServiceDefaults,
  prepareForCreate: prepareServiceForCreate,
  validate: validateNewService,
  warningsOnCreate: serviceWarnings,
  prepareForUpdate: prepareServiceForUpdate,
  validateUpdate: validateServiceUpdate,
  warningsOnUpdate: serviceWarnings,
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: true,
  status: { prepareForUpdate: prepareServiceForStatusUpdate, validateUpdate: validateServiceStatusUpdate },
  selectableFields: {
    'spec.clusterIP': (service) => specOf(service).clusterIP ?? '',
    'spec.type': (service) => specOf(service).type ?? '',
  },
  columns: serviceColumns,
})
