/**
 * serviceadvice: tells of Services that are legal and most likely not meant, in one Event per spell of trouble. What
 * trouble is, and its words, are api/core/service/advice.ts's; it knows nothing of who makes endpoints.
 *
 *   Services, Pods, Slices, Nodes → a look per Service, at most one in `settleMs` → serviceAdvice → Spells → Events
 */
export { startServiceAdviceController } from './controller.ts'
