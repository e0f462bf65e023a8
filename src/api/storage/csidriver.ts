/** CSIDriver: what a driver for volumes of the Container Storage Interface needs of the cluster. */
import { ageColumn, nameColumn, none } from '../common/columns.ts'
import { bumpGeneration, sameValue } from '../common/strategy.ts'
import { immutableMessage } from '../common/validation.ts'
import type { CSIDriver, CSIDriverSpec, TokenRequest } from '../generated/storage.k8s.io.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { duplicate, invalid, notSupported, Path } from '../machinery/field.ts'
import { declareResource } from '../resource.ts'

const path = Path.of('spec')
const fsGroupPolicies = ['File', 'None', 'ReadWriteOnceWithFSType']
const lifecycleModes = ['Persistent', 'Ephemeral']
const updatePeriodSecondsMin = 10
const expirationSecondsMin = 600
const expirationSecondsMax = 2 ** 32

function setDefaults(driver: CSIDriver): void {
  driver.spec ??= {}
  const { spec } = driver
  spec.attachRequired ??= true
  spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType'
  spec.podInfoOnMount ??= false
  spec.requiresRepublish ??= false
  spec.seLinuxMount ??= false
  spec.storageCapacity ??= false
  if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent']
}

function validate({ spec }: CSIDriver): FieldError[] {
  const { fsGroupPolicy, tokenRequests = [], volumeLifecycleModes = [] } = spec
  return [
    ...(fsGroupPolicy !== undefined && !fsGroupPolicies.includes(fsGroupPolicy)
      ? [notSupported(path.child('fsGroupPolicy'), fsGroupPolicy, fsGroupPolicies)]
      : []),
    ...validateTokenRequests(tokenRequests),
    ...volumeLifecycleModes
      .filter((mode) => !lifecycleModes.includes(mode))
      .map((mode) => notSupported(path.child('volumeLifecycleModes'), mode, lifecycleModes)),
    ...validateUpdatePeriod(spec),
    ...validateTokenInSecrets(spec),
  ]
}

function validateTokenRequests(requests: readonly TokenRequest[]): FieldError[] {
  const audiences = requests.map(({ audience }) => audience)
  return requests.flatMap(({ audience, expirationSeconds: seconds }, i) => {
    const at = path.child('tokenRequests').index(i)
    if (audiences.indexOf(audience) < i) return [duplicate(at.child('audience'), audience)]
    const expiration = at.child('expirationSeconds')
    if (seconds === undefined) return []
    if (seconds < expirationSecondsMin) {
      return [invalid(expiration, seconds, 'may not specify a duration less than 10 minutes')]
    }
    if (seconds <= expirationSecondsMax) return []
    return [invalid(expiration, seconds, 'may not specify a duration larger than 2^32 seconds')]
  })
}

function validateUpdatePeriod({ nodeAllocatableUpdatePeriodSeconds: seconds }: CSIDriverSpec): FieldError[] {
  if (seconds === undefined || seconds >= updatePeriodSecondsMin) return []
  const why = `must be greater than or equal to ${updatePeriodSecondsMin} seconds`
  return [invalid(path.child('nodeAllocatableUpdatePeriodSeconds'), seconds, why)]
}

/** KEP-5538 */
function validateTokenInSecrets({
  serviceAccountTokenInSecrets: inSecrets,
  tokenRequests,
}: CSIDriverSpec): FieldError[] {
  if (inSecrets === undefined || tokenRequests?.length) return []
  const why = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified'
  return [invalid(path.child('serviceAccountTokenInSecrets'), inSecrets, why)]
}

function validateUpdate(next: CSIDriver, old: CSIDriver): FieldError[] {
  const errors = validate(next)
  const { attachRequired, volumeLifecycleModes } = next.spec
  if (attachRequired !== old.spec.attachRequired) {
    errors.push(invalid(path.child('attachedRequired'), attachRequired, immutableMessage))
  }
  if (!sameValue(volumeLifecycleModes, old.spec.volumeLifecycleModes)) {
    errors.push(invalid(path.child('volumeLifecycleModes'), volumeLifecycleModes, immutableMessage))
  }
  return errors
}

export const csiDriverDefinition = declareResource<CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  singular: 'csidriver',
  namespaced: false,
  setDefaults,
  validate,
  prepareForUpdate: bumpGeneration,
  validateUpdate,
  allowUnconditionalUpdate: false,
  columns: [
    nameColumn,
    { name: 'AttachRequired', type: 'boolean', cell: ({ spec }) => spec.attachRequired ?? true },
    { name: 'PodInfoOnMount', type: 'boolean', cell: ({ spec }) => spec.podInfoOnMount ?? false },
    { name: 'StorageCapacity', type: 'boolean', cell: ({ spec }) => spec.storageCapacity ?? false },
    {
      name: 'TokenRequests',
      type: 'string',
      cell: ({ spec }) => spec.tokenRequests?.map(({ audience }) => audience).join() ?? '<unset>',
    },
    { name: 'RequiresRepublish', type: 'boolean', cell: ({ spec }) => spec.requiresRepublish ?? false },
    { name: 'Modes', type: 'string', cell: ({ spec }) => spec.volumeLifecycleModes?.join() || none },
    ageColumn,
  ],
})
