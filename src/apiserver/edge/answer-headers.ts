/** Headers that every answer has, whoever makes it. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export interface AnswerHeaders {
  /** The client's own name for its request, or a new one. */
  readonly 'audit-id': string
  /** Nobody between the server and its client keeps an answer that does not say so itself; in kube-apiserver's words. */
  readonly 'cache-control': string
}

export function answerHeaders({ headers }: IncomingMessage): AnswerHeaders {
  const given = headers['audit-id']
  return {
    'audit-id': (Array.isArray(given) ? given[0] : given) || randomUUID(),
    'cache-control': 'no-cache, private',
  }
}
