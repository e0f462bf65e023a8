/**
 * tokens-controller: Secrets of type kubernetes.io/service-account-token get a token of their account, the certificate
 * and the namespace; without their account they go. Nobody needs them any more but who cannot ask for a token.
 */
import type { Secret, ServiceAccount } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { tolerateGone } from '../shared/gone.ts'

export interface TokenSource {
  /** PEM. */
  readonly rootCa: string
  /** A token of the account that counts as long as it stands in the secret of this name. */
  readonly sign: (account: { namespace: string; name: string; uid: string }, secret: string) => string
}

const type = 'kubernetes.io/service-account-token'
const nameAnnotation = 'kubernetes.io/service-account.name'
const uidAnnotation = 'kubernetes.io/service-account.uid'

export function startTokenController(ctx: ControllerContext, source: TokenSource): void {
  const accounts = ctx.informers.of(resources.serviceAccounts)
  const secrets = ctx.informers.selected(resources.secrets, `type=${type}`)
  const queue = startQueue(ctx, {
    name: 'serviceaccount-token',
    after: [accounts, secrets],
    reconcile: async (key) => {
      const secret = secrets.get(key)
      if (secret?.type !== type || secret.metadata.deletionTimestamp) return
      const name = secret.metadata.annotations?.[nameAnnotation] ?? ''
      await reconcile(ctx, source, secret, accounts.get(`${secret.metadata.namespace}/${name}`))
    },
  })
  secrets.onChange(({ object }) => queue.add(objectKey(object)))
  accounts.onChange(({ object: { metadata } }) => {
    for (const secret of secrets.list(metadata.namespace)) {
      if (secret.metadata.annotations?.[nameAnnotation] === metadata.name) queue.add(objectKey(secret))
    }
  })
}

async function reconcile(
  { client }: ControllerContext,
  { rootCa, sign }: TokenSource,
  secret: Secret,
  account: ServiceAccount | undefined,
): Promise<void> {
  const { annotations = {}, namespace = '', uid } = secret.metadata
  const known = annotations[uidAnnotation]
  if (!account || (known && known !== account.metadata.uid)) {
    const preconditions = uid ? { preconditions: { uid } } : {}
    await tolerateGone(client.delete(resources.secrets, secret.metadata, preconditions))
    return
  }
  const { name, uid: accountUid = '' } = account.metadata
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const wanted: Record<string, string> = {
    'ca.crt': base64(rootCa),
    namespace: base64(namespace),
    token: secret.data?.['token'] || base64(sign({ namespace, name, uid: accountUid }, secret.metadata.name)),
  }
  const complete = Object.entries(wanted).every(([key, value]) => secret.data?.[key] === value)
  if (complete && known === accountUid) return
  const metadata = { ...secret.metadata, annotations: { ...annotations, [uidAnnotation]: accountUid } }
  await tolerateGone(client.update(resources.secrets, { ...secret, metadata, data: { ...secret.data, ...wanted } }))
}
