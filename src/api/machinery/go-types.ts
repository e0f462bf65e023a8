/** The Go types of fields, as Go's JSON decoder names them in its errors. */
import type { TypeRef } from './schema.ts'

/** Named string types of the Go API, which its error messages mention. */
const goNamedTypes: Record<string, string> = {
  'ServiceSpec.type': 'v1.ServiceType',
  'ServiceSpec.sessionAffinity': 'v1.ServiceAffinity',
  'ServiceSpec.externalTrafficPolicy': 'v1.ServiceExternalTrafficPolicy',
  'ServiceSpec.internalTrafficPolicy': 'v1.ServiceInternalTrafficPolicy',
  'ServiceSpec.ipFamilyPolicy': 'v1.IPFamilyPolicy',
  'ServiceSpec.ipFamilies': 'v1.IPFamily',
  'ServicePort.protocol': 'v1.Protocol',
  'ContainerPort.protocol': 'v1.Protocol',
  'EndpointPort.protocol': 'v1.Protocol',
  'EndpointSlice.addressType': 'v1.AddressType',
  'PodSpec.restartPolicy': 'v1.RestartPolicy',
  'PodSpec.dnsPolicy': 'v1.DNSPolicy',
  'Container.imagePullPolicy': 'v1.PullPolicy',
  'Container.terminationMessagePolicy': 'v1.TerminationMessagePolicy',
  'HTTPGetAction.scheme': 'v1.URIScheme',
  'Secret.type': 'v1.SecretType',
  'ObjectMeta.uid': 'types.UID',
  'OwnerReference.uid': 'types.UID',
  'DeploymentStrategy.type': 'v1.DeploymentStrategyType',
  'LabelSelectorRequirement.operator': 'v1.LabelSelectorOperator',
  'NodeSelectorRequirement.operator': 'v1.NodeSelectorOperator',
  'Toleration.operator': 'v1.TolerationOperator',
  'Toleration.effect': 'v1.TaintEffect',
  'Taint.effect': 'v1.TaintEffect',
}

const goScalars: Record<string, string> = {
  boolean: 'bool',
  double: 'float64',
  bytes: '[]uint8',
  intOrString: 'int32',
  time: 'string',
  microTime: 'string',
  any: 'interface {}',
}

/** `owner`: the field, as `Type.field`. */
export function goType(ref: TypeRef, owner: string): string {
  if (ref.shape === 'list') return `[]${goType(ref.item, owner)}`
  if (ref.shape === 'map') return `map[string]${goType(ref.value, owner)}`
  if (ref.shape === 'struct') return `v1.${ref.type.name}`
  return (ref.name === 'string' && goNamedTypes[owner]) || (goScalars[ref.name] ?? ref.name)
}

/** Go's `%q` of a list of strings: `["a" "b"]`. */
export function quotedList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`
}
