/**
 * node: pods on this machine: their life cycle, runtime, network, probes, volumes, logs and commands. It meets the rest
 * of the cluster only through the API; it must not know controllers, proxy, DNS, or how the cluster was started.
 *
 *   API (pods of this node) → PodManager: decide(pod, machine) → Runtime → shim.pl, ip
 *                           ← status, events                    ← files, processes
 *
 * The process is `main.ts`; this door is for those who clean up after it.
 */
export type { AgentConfig } from './config.ts'
export { removeAllPods } from './runtime/remove.ts'
