/**
 * What extract.ts cannot read from kubectl's descriptors: messages and fields that Kubernetes added from 1.34 to 1.36
 * (from the published `generated.proto` of k8s.io/api), and where the JSON form has other names than the messages.
 * Fields of features that are still switched off in 1.36 stay away: the server stores none of them.
 */

/** By message: fields by number, in the notation of fields.json (see messages.ts). */
export const additions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'v1.Container': { 25: 'restartPolicyRules []ContainerRestartRule' },
  'v1.ContainerExtendedResourceRequest': {
    1: 'containerName string',
    2: 'resourceName string',
    3: 'requestName string',
  },
  'v1.ContainerRestartRule': { 1: 'action string', 2: 'exitCodes *ContainerRestartRuleOnExitCodes' },
  'v1.ContainerRestartRuleOnExitCodes': { 1: 'operator string', 2: 'values []int32' },
  'v1.EnvVarSource': { 5: 'fileKeyRef *FileKeySelector' },
  'v1.EphemeralContainerCommon': { 25: 'restartPolicyRules []ContainerRestartRule' },
  'v1.FileKeySelector': { 1: 'volumeName string', 2: 'path string', 3: 'key string', 4: 'optional *bool' },
  'v1.ImageVolumeStatus': { 1: 'imageRef string' },
  'v1.NodeStatus': { 14: 'declaredFeatures []string' },
  'v1.PodCertificateProjection': {
    1: 'signerName string',
    2: 'keyType string',
    3: 'maxExpirationSeconds *int32',
    4: 'credentialBundlePath string',
    5: 'keyPath string',
    6: 'certificateChainPath string',
    7: 'userAnnotations {}string',
  },
  'v1.PodExtendedResourceClaimStatus': {
    1: 'requestMappings []ContainerExtendedResourceRequest',
    2: 'resourceClaimName string',
  },
  'v1.PodSpec': { 41: 'hostnameOverride *string' },
  'v1.PodStatus': {
    18: 'extendedResourceClaimStatus *PodExtendedResourceClaimStatus',
    19: 'allocatedResources {}Quantity',
    20: 'resources *ResourceRequirements',
  },
  'v1.VolumeMountStatus': { 5: 'volumeStatus *VolumeStatus' },
  'v1.VolumeProjection': { 6: 'podCertificate *PodCertificateProjection' },
  'v1.VolumeStatus': { 1: 'image *ImageVolumeStatus' },
  'storage.k8s.io/v1.CSIDriverSpec': { 10: 'serviceAccountTokenInSecrets *bool' },
  'storage.k8s.io/v1.VolumeAttributesClass': {
    1: 'metadata meta/v1.ObjectMeta',
    2: 'driverName string',
    3: 'parameters {}string',
  },
  'storage.k8s.io/v1.VolumeAttributesClassList': {
    1: 'metadata meta/v1.ListMeta',
    2: 'items []VolumeAttributesClass',
  },
}

/** Fields whose JSON name is not the one of the message. */
export const jsonNames: Readonly<Record<string, string>> = {
  'authentication.k8s.io/v1.BoundObjectReference.uID': 'uid',
  'networking.k8s.io/v1.IngressClassParametersReference.aPIGroup': 'apiGroup',
}

/** Go structs that are embedded: a message on the wire, but in JSON their fields are the outer object's. */
export const inlined: readonly string[] = [
  'networking.k8s.io/v1.IngressRule.ingressRuleValue',
  'v1.ConfigMapEnvSource.localObjectReference',
  'v1.ConfigMapKeySelector.localObjectReference',
  'v1.ConfigMapProjection.localObjectReference',
  'v1.ConfigMapVolumeSource.localObjectReference',
  'v1.EphemeralContainer.ephemeralContainerCommon',
  'v1.PersistentVolumeSpec.persistentVolumeSource',
  'v1.Probe.handler',
  'v1.SecretEnvSource.localObjectReference',
  'v1.SecretKeySelector.localObjectReference',
  'v1.SecretProjection.localObjectReference',
  'v1.Volume.volumeSource',
]
