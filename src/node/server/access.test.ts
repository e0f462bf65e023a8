import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { FakeClock } from '../../lib/clock.ts'
import { AgentAccess } from './access.ts'

interface Asked {
  readonly kind: string
  readonly spec: {
    token?: string
    user?: string
    resourceAttributes?: { verb: string; resource: string; subresource: string; name: string }
  }
}

/** An API server that knows one token, and lets `metrics` read metrics. */
function begin() {
  const clock = new FakeClock()
  const asked: Asked[] = []
  const answer = ({ kind, spec }: Asked) =>
    kind === 'TokenReview'
      ? spec.token === 'good'
        ? { authenticated: true, user: { username: 'metrics', groups: ['monitors'] } }
        : { authenticated: false }
      : { allowed: spec.user === 'metrics' && spec.resourceAttributes?.subresource === 'metrics' }
  const client = {
    request: <R>(_method: string, _path: string, body?: unknown) => {
      asked.push(body as Asked)
      return Promise.resolve({ status: answer(body as Asked) } as R)
    },
  }
  return { clock, asked, access: new AgentAccess({ client, nodeName: 'node-1', clock }) }
}

function request(url: string, from: { token?: string; subject?: object }, method = 'GET'): IncomingMessage {
  const { token, subject } = from
  const socket = { authorized: subject !== undefined, getPeerCertificate: () => ({ subject }) }
  return {
    url,
    method,
    headers: { ...(token && { authorization: `Bearer ${token}` }) },
    socket,
  } as unknown as IncomingMessage
}

test('the API server’s certificate opens everything, without a question', async () => {
  const { access, asked } = begin()
  const subject = { CN: 'kube-apiserver-kubelet-client', O: 'system:masters' }
  expect(await access.refusal(request('/exec/default/web/c', { subject }, 'POST'))).toBeUndefined()
  expect(asked).toEqual([])
})

test('no credentials, or wrong ones, are unauthorized', async () => {
  const { access } = begin()
  const unauthorized = { code: 401, text: 'Unauthorized' }
  expect(await access.refusal(request('/healthz', {}))).toEqual(unauthorized)
  expect(await access.refusal(request('/healthz', { token: 'bad' }))).toEqual(unauthorized)
})

test('others may what the API server says they may', async () => {
  const { access, asked } = begin()
  expect(await access.refusal(request('/metrics', { token: 'good' }))).toBeUndefined()
  expect(asked.at(-1)?.spec.resourceAttributes).toMatchObject({
    verb: 'get',
    resource: 'nodes',
    subresource: 'metrics',
    name: 'node-1',
  })
  expect(await access.refusal(request('/exec/a/b/c?command=id', { token: 'good' }, 'POST'))).toEqual({
    code: 403,
    text: 'Forbidden (user=metrics, verb=create, resource=nodes, subresource(s)=[proxy])\n',
  })
  expect(await access.refusal(request('/pods', { subject: { CN: 'system:kube-proxy' } }))).toEqual({
    code: 403,
    text: 'Forbidden (user=system:kube-proxy, verb=get, resource=nodes, subresource(s)=[pods proxy])\n',
  })
})

test('an answer counts for a while', async () => {
  const { access, asked, clock } = begin()
  const ask = () => access.refusal(request('/metrics', { token: 'good' }))
  await ask()
  await ask()
  expect(asked.map(({ kind }) => kind)).toEqual(['TokenReview', 'SubjectAccessReview'])
  clock.advance(3 * 60_000)
  await ask()
  expect(asked.map(({ kind }) => kind)).toEqual(['TokenReview', 'SubjectAccessReview', 'TokenReview'])
})
