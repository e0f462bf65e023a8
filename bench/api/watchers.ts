/** Many watchers of one collection, and how long a change takes to reach each of them. */
import { Agent, type RequestOptions, request } from 'node:https'

export interface Watchers {
  /** Milliseconds from now to the arrival of the object whose text has `marker`, for every watcher. */
  arrivals(marker: string): Promise<number[]>
  close(): void
}

const openAtOnce = 50

/** Opens `count` watches, each on a connection of its own. */
export async function openWatchers(options: RequestOptions, count: number): Promise<Watchers> {
  const agent = new Agent({ maxSockets: count })
  const listeners: ((text: string) => void)[] = []
  for (let i = 0; i < count; i += openAtOnce) {
    const some = Array.from({ length: Math.min(openAtOnce, count - i) }, (_, k) => i + k)
    await Promise.all(some.map((n) => open({ ...options, agent }, (text) => listeners[n]?.(text))))
  }
  return {
    arrivals: (marker) => {
      const started = performance.now()
      return Promise.all(
        Array.from({ length: count }, (_, n) => {
          return new Promise<number>((resolve) => {
            listeners[n] = (text) => {
              if (text.includes(marker)) resolve(performance.now() - started)
            }
          })
        }),
      )
    },
    close: () => agent.destroy(),
  }
}

/** Resolves when the watch has begun. Small events come in one piece. */
function open(options: RequestOptions, heard: (text: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (incoming) => {
      if (incoming.statusCode !== 200) return reject(new Error(`watch: ${incoming.statusCode}`))
      incoming.on('data', (chunk: Buffer) => heard(chunk.toString('latin1')))
      incoming.on('error', () => {})
      resolve()
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}
