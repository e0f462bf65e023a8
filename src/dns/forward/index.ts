/**
 * forward: questions that are not the cluster's, asked of other resolvers, and their answers, kept for a while. Knows
 * nothing of zones and of who asked.
 *
 *   question → AnswerCache → Forwarder (policy, retries) → exchange (UDP, TCP) → resolver
 */
export { AnswerCache } from './cache.ts'
export { type Exchange, exchange, type Upstream } from './exchange.ts'
export { Forwarder, type ForwardQuestion, type ForwardResult } from './forwarder.ts'
export { nameservers, resolversOf } from './resolvers.ts'
