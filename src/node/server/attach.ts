/** `/attach/…`: a client's streams joined to those of a running container. */
import type { PodStreams } from '../runtime/streams.ts'
import type { CommandOptions, CommandStreams } from './streams/command.ts'
import { failure, success } from './streams/outcome.ts'
import { onSize, passOutput } from './streams/pass.ts'
import type { Target } from './targets.ts'

export interface AttachRequest {
  readonly target: Target
  readonly options: CommandOptions
}

export async function serveAttach(pods: PodStreams, request: AttachRequest, streams: CommandStreams): Promise<void> {
  try {
    await run(pods, request, streams)
    await streams.finish(success)
  } catch (error) {
    await streams.finish(failure(`error attaching to container: ${(error as Error).message}`))
  }
}

/** Until the container ends, or the shim lets the client go. */
async function run(pods: PodStreams, { target, options }: AttachRequest, streams: CommandStreams): Promise<void> {
  const attachment = await pods.attach(target.uid, target.container, options)
  void streams.closed.then(() => attachment.close())
  streams.stdin?.pipe(attachment.stdin)
  onSize(streams.sizes, ({ columns, rows }) => attachment.resize(columns, rows))
  await Promise.all([passOutput(attachment.stdout, streams.stdout), passOutput(attachment.stderr, streams.stderr)])
  streams.stdin?.destroy()
}
