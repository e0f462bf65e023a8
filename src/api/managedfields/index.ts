/**
 * The ownership of fields, which server-side apply rests on (KEP-555). Pure: objects and owners in, objects and owners
 * out.
 *
 *   topology (how a type merges) ─> walk (fields, differences), merge, prune ─> views ─> record (what a write does)
 *   typed (is it of its type)      metadata.managedFields <─> owners
 */
export { type FieldPath, FieldSet, formatPath } from './field-set.ts'
export { decodeOwners, encodeOwners, isSameManager, type ManagerId, type Owner } from './owners.ts'
export { ApplyConflict, applyConfig, type Conflict, recordUpdate, stillAsApplied, type Writer } from './record.ts'
export { type Topology, topologyOfType } from './topology.ts'
export { typedError } from './typed.ts'
export type { View, Views } from './views.ts'
