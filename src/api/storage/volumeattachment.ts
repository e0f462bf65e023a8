/** VolumeAttachment: the wish that a driver attaches a volume to a node, and how far it is. */
import { ageColumn, nameColumn } from '../common/columns.ts'
import { keepSpec, keepStatus, sameValue } from '../common/strategy.ts'
import { checkSubdomain, immutableMessage, maxInt32 } from '../common/validation.ts'
import type {
  VolumeAttachment,
  VolumeAttachmentSource,
  VolumeAttachmentStatus,
  VolumeError,
} from '../generated/storage.k8s.io.v1.ts'
import type { PersistentVolumeSpec } from '../generated/v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { forbidden, invalid, Path, required, tooLong } from '../machinery/field.ts'
import { inclusiveRange } from '../machinery/validate.ts'
import { declareResource } from '../resource.ts'
import { checkDriverName } from './validation.ts'

const path = Path.of('spec')
const metadataBytesMax = 256 * 1024
const messageBytesMax = 1024

/** What Go holds by value is there, if only to be refused. */
function setDefaults(attachment: VolumeAttachment): void {
  attachment.spec ??= { attacher: '', nodeName: '', source: {} }
  const { spec } = attachment
  spec.attacher ??= ''
  spec.nodeName ??= ''
  spec.source ??= {}
}

function validate({ spec, status }: VolumeAttachment): FieldError[] {
  return [
    ...(spec.attacher ? [] : [required(path.child('attacher'))]),
    ...validateSource(spec.source),
    ...checkSubdomain(path.child('nodeName'), spec.nodeName),
    ...(status ? validateStatus(status) : []),
  ]
}

/** What older versions of the API did not ask for, and stored objects may not fulfil. */
function validateNew(attachment: VolumeAttachment): FieldError[] {
  const { attacher, source } = attachment.spec
  const { persistentVolumeName: name } = source
  return [
    ...validate(attachment),
    ...checkDriverName(path.child('attacher'), attacher),
    ...(name === undefined ? [] : checkSubdomain(path.child('source', 'persistentVolumeName'), name)),
  ]
}

function validateSource({ inlineVolumeSpec, persistentVolumeName }: VolumeAttachmentSource): FieldError[] {
  const at = path.child('source')
  const one = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'
  if (inlineVolumeSpec) {
    if (persistentVolumeName !== undefined) return [forbidden(at, one)]
    return validateInline(inlineVolumeSpec, at.child('inlineVolumeSpec'))
  }
  if (persistentVolumeName === undefined) return [required(at, one)]
  if (persistentVolumeName) return []
  return [required(at.child('persistentVolumeName'), 'must specify non empty persistentVolumeName')]
}

/** A volume that is in no PersistentVolume. */
function validateInline({ accessModes, capacity, claimRef, csi }: PersistentVolumeSpec, at: Path): FieldError[] {
  const context = 'in the context of inline volumes'
  return [
    ...(claimRef ? [forbidden(at.child('claimRef'), `may not be specified ${context}`)] : []),
    ...(capacity && Object.keys(capacity).length > 0
      ? [forbidden(at.child('capacity'), `may not be specified ${context}`)]
      : []),
    ...(csi ? [] : [required(at.child('csi'), `has to be specified ${context}`)]),
    ...(accessModes?.length ? [] : [required(at.child('accessModes'))]),
  ]
}

function validateStatus({ attachmentMetadata = {}, attachError, detachError }: VolumeAttachmentStatus): FieldError[] {
  const at = Path.of('status')
  const entries = Object.entries(attachmentMetadata)
  const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)
  return [
    ...(size > metadataBytesMax ? [tooLong(at.child('attachmentMetadata'), metadataBytesMax)] : []),
    ...validateError(at.child('attachError'), attachError),
    ...validateError(at.child('detachError'), detachError),
  ]
}

function validateError(at: Path, error: VolumeError | undefined): FieldError[] {
  const { message = '', errorCode = 0 } = error ?? {}
  return [
    // The number is upstream's, that of another limit.
    ...(Buffer.byteLength(message) > messageBytesMax ? [tooLong(at.child('message'), metadataBytesMax)] : []),
    ...(errorCode < 0 ? [invalid(at.child('errorCode'), errorCode, inclusiveRange(0, maxInt32))] : []),
  ]
}

function validateUpdate(next: VolumeAttachment, old: VolumeAttachment): FieldError[] {
  const errors = validate(next)
  return sameValue(next.spec, old.spec) ? errors : [...errors, invalid(path, next.spec, immutableMessage)]
}

/** Who tells of the status changes nothing of the metadata either. */
function keepAllElse(next: VolumeAttachment, old: VolumeAttachment): void {
  keepSpec(next, old)
  const { labels, annotations, finalizers, ownerReferences } = old.metadata
  Object.assign(next.metadata, { labels, annotations, finalizers, ownerReferences })
}

export const volumeAttachmentDefinition = declareResource<VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  singular: 'volumeattachment',
  namespaced: false,
  setDefaults,
  prepareForCreate: (attachment) => {
    attachment.status = { attached: false }
  },
  validate: validateNew,
  prepareForUpdate: keepStatus,
  validateUpdate,
  allowUnconditionalUpdate: false,
  status: { prepareForUpdate: keepAllElse, validateUpdate },
  columns: [
    nameColumn,
    { name: 'Attacher', type: 'string', format: 'name', cell: ({ spec }) => spec.attacher },
    { name: 'PV', type: 'string', cell: ({ spec }) => spec.source.persistentVolumeName ?? '' },
    { name: 'Node', type: 'string', cell: ({ spec }) => spec.nodeName },
    { name: 'Attached', type: 'boolean', cell: ({ status }) => status?.attached ?? false },
    ageColumn,
  ],
})
