/**
 * machinery: what all kinds share. Pure functions; the only I/O is reading the generated schemas once. Knows no kind in
 * particular, no store, no server.
 *
 *   bytes ── decodeBody ──▶ object        current object + patch body ── applyPatch ──▶ object
 *
 * decode       decode(typeName, input, { fieldValidation }) → { object, warnings }     throws DecodeError
 * body         decodeBody(gvk, bytes, { fieldValidation, contentType }) → the same      throws StatusError
 * patch        applyPatch(gvk, current, { mediaType, body, fieldValidation }) → the same  throws StatusError
 * selectors    parseLabelSelector(text) → matcher, labelSelectorMatcher(object), mapSelectorMatcher(labels), formatLabelSelector
 * fields       parseFieldSelector(text) → terms, fieldTermsHold(terms, valueOf)
 * validate     isDNS1123Label(value) → messages, …; validate-meta: validateObjectMeta, validateObjectMetaUpdate, validateLabelSelector
 * quantity     parseQuantity, compareQuantities, canonicalQuantity, quantityValue, quantityMilliValue
 * time         formatTime, formatMicroTime, canonicalTime, humanDuration, age
 * openapi      openApiV3Document(groupVersion, definitions) → document (not re-exported here: import it when it is asked for)
 * schema       findType(typeName), typeSchema(typeName): fields, required, merge keys
 */
export { bodyBytesMax, type DecodeBodyOptions, decodeBody, type GroupVersionKind, typeNameOf } from './body.ts'
export { type Decoded, DecodeError, type DecodeOptions, decode, type FieldValidation } from './decode.ts'
export * from './field.ts'
export {
  type FieldTerm,
  fieldTermsHold,
  formatFieldSelector,
  parseFieldSelector,
} from './field-selectors.ts'
export * from './object.ts'
export { applyPatch, type PatchMediaType, type PatchRequest } from './patch.ts'
export {
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  QuantityError,
  quantityMilliValue,
  quantityValue,
} from './quantity.ts'
export { type FieldSchema, findType, type TypeRef, type TypeSchema, typeNames, typeSchema } from './schema.ts'
export {
  formatLabelRequirements,
  formatLabelSelector,
  type LabelMatcher,
  type LabelRequirement,
  labelMatcher,
  labelSelectorMatcher,
  labelSelectorRequirements,
  mapSelectorMatcher,
  parseLabelRequirements,
  parseLabelSelector,
  SelectorError,
} from './selectors.ts'
export * from './status.ts'
export { age, canonicalMicroTime, canonicalTime, formatMicroTime, formatTime, humanDuration } from './time.ts'
export * from './validate.ts'
export * from './validate-meta.ts'
