/**
 * ServiceAccount: a pod acts as an account that exists, and finds that account's token, the cluster's CA and its own
 * namespace where client libraries look for them.
 */
import type { Container, Pod, PodSpec, ServiceAccount, Volume } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import type { ServerContext } from '../context.ts'
import { generateName } from '../write/name.ts'
import { enforcesMountableSecrets, unmountableIn, unmountableSecret } from './mountable-secrets.ts'
import { type AdmissionAttributes, type AdmissionPlugin, refused } from './plugin.ts'

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
const volumePrefix = 'kube-api-access-'
/** An hour, and a few seconds that tell these tokens from others (upstream's WarnOnlyBoundTokenExpirationSeconds). */
export const boundTokenSeconds = 3607
/** Its controller makes the account of a namespace that has just begun. */
const defaultAccount = 'default'
const defaultAccountWaitMs = 1500
const mirrorAnnotation = 'kubernetes.io/config.mirror'

export const serviceAccount: AdmissionPlugin = {
  name: 'ServiceAccount',
  resources: ['pods'],
  async mutate(context, attributes) {
    const { operation, request, object } = attributes
    if (operation !== 'CREATE' || request.subresource !== '') return
    const pod: Pod = object
    if (pod.metadata.annotations?.[mirrorAnnotation] !== undefined) return checkMirror(attributes, pod)
    const { spec } = pod
    if (!spec) return
    spec.serviceAccountName ||= spec.serviceAccount || defaultAccount
    const account = await findAccount(context, attributes, spec.serviceAccountName)
    if (automounts(account, spec)) mountToken(spec)
    if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
      spec.imagePullSecrets = account.imagePullSecrets.map(({ name = '' }) => ({ name }))
    }
    const why = enforcesMountableSecrets(account) ? unmountableSecret(spec, account) : undefined
    if (why) throw refused(attributes, why)
  },
  async validate(context, attributes) {
    const { request, object } = attributes
    if (request.subresource !== 'ephemeralcontainers') return
    const { metadata, spec }: Pod = object
    const name = spec?.serviceAccountName
    if (!name) throw refused(attributes, `no service account specified for pod ${request.namespace}/${metadata.name}`)
    const account = await findAccount(context, attributes, name)
    if (!enforcesMountableSecrets(account)) return
    const why = unmountableIn('ephemeral container', spec.ephemeralContainers ?? [], account)
    if (why) throw refused(attributes, why)
  },
}

/** A mirror pod only shows what a node runs by itself: it is stored as it comes, and refers to nothing. */
function checkMirror(attributes: AdmissionAttributes, { spec }: Pod): void {
  const sources = (spec?.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? [])
  if (spec?.serviceAccountName) throw refused(attributes, 'a mirror pod may not reference service accounts')
  if (spec?.volumes?.some(({ secret }) => secret)) throw refused(attributes, 'a mirror pod may not reference secrets')
  if (sources.some(({ serviceAccountToken }) => serviceAccountToken)) {
    throw refused(attributes, 'a mirror pod may not use service account token volume projections')
  }
}

async function findAccount(
  context: ServerContext,
  attributes: AdmissionAttributes,
  name: string,
): Promise<ServiceAccount> {
  const { namespace } = attributes.request
  const waitMs = name === defaultAccount ? defaultAccountWaitMs : 0
  const account = await context.objects.find(resources.serviceAccounts, { namespace, name }, { waitMs })
  if (account) return account
  const why = `serviceaccount ${JSON.stringify(name)} not found`
  throw refused(attributes, `error looking up service account ${namespace}/${name}: ${why}`)
}

/** The pod's word counts before its account's. */
function automounts(account: ServiceAccount, spec: PodSpec): boolean {
  return spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true
}

function mountToken(spec: PodSpec): void {
  const known = spec.volumes?.find(({ name }) => name.startsWith(volumePrefix))
  const lacking = [...(spec.initContainers ?? []), ...spec.containers].filter((container) => !mountsToken(container))
  if (lacking.length === 0) return
  const name = known?.name ?? generateName(volumePrefix)
  for (const container of lacking) (container.volumeMounts ??= []).push({ name, readOnly: true, mountPath })
  if (!known) (spec.volumes ??= []).push(tokenVolume(name))
}

function mountsToken({ volumeMounts = [] }: Container): boolean {
  return volumeMounts.some((mount) => mount.mountPath === mountPath)
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: boundTokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    },
  }
}
