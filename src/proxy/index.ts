/**
 * proxy: turns Services into kernel rules on one node. It owns the node's KUBE-* chains and knows the API only through
 * the client; it must not know who serves the API, how endpoints come to be, or what the DNS says.
 *
 *   informers → track (state of every service port) → plan (what must happen to a packet) → syncer → modes → kernel
 *
 * It runs as its own program, `main.ts`.
 */
export type { ProxyConfig } from './config/config.ts'
export { type Proxy, type ProxyOptions, startProxy } from './proxy.ts'
