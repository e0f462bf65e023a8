/**
 * lib: small things every room shares: programs, logs, clocks, addresses, certificates. Knows nothing of Kubernetes.
 * Import the single files; this door exists to say what is here.
 */
export type { Clock } from './clock.ts'
export type { Exec } from './exec.ts'
export type { Logger } from './log.ts'
