/** What clients of the agent reach of a pod besides commands: its containers' own streams, and its localhost. */
import { join } from 'node:path'
import { Attachment, type Wanted } from './attachment.ts'
import { Forwarder } from './forwarder.ts'
import { attemptsOf, readSandbox } from './observe.ts'
import { attemptPaths, netnsDirectory, podPaths } from './paths.ts'
import { connectUnix } from './unix-socket.ts'

export class PodStreams {
  readonly #stateDir: string

  constructor(stateDir: string) {
    this.#stateDir = stateDir
  }

  /** The streams of the container's current run. Rejects when its shim does not answer. */
  async attach(uid: string, container: string, wanted: Wanted): Promise<Attachment> {
    const pod = podPaths(this.#stateDir, uid)
    const [attempt] = attemptsOf(pod, container)
    if (attempt === undefined) throw new Error(`container ${container} has not run`)
    return new Attachment(await connectUnix(attemptPaths(pod, container, attempt).directory, 'attach'), wanted)
  }

  /** The caller closes it. */
  forwarder(uid: string): Forwarder {
    const pod = podPaths(this.#stateDir, uid)
    const netns = readSandbox(pod)?.netns
    return new Forwarder({ uid, directory: pod.directory, ...(netns && { netns: join(netnsDirectory, netns) }) })
  }
}
