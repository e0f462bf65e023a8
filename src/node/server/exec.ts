/** `/exec/…`: a command in a container, its streams joined to the client's. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { Runtime } from '../runtime/contract.ts'
import type { CommandOptions, CommandStreams } from './streams/command.ts'
import { exitStatus, failure } from './streams/outcome.ts'
import { onSize, passOutput } from './streams/pass.ts'
import type { Target } from './targets.ts'

export interface ExecRequest {
  readonly target: Target
  readonly command: readonly string[]
  readonly options: CommandOptions
}

export async function serveExec(runtime: Runtime, request: ExecRequest, streams: CommandStreams): Promise<void> {
  try {
    await streams.finish(exitStatus(await run(runtime, request, streams)))
  } catch (error) {
    await streams.finish(failure(`error executing command in container: ${(error as Error).message}`))
  }
}

/** Resolves with the exit code, after the last of the output. */
async function run(runtime: Runtime, { target, command, options }: ExecRequest, streams: CommandStreams) {
  const { file, args } = runtime.execCommand(target.uid, target.container, { command, tty: options.tty })
  // The fourth is the terminal's size.
  const child = spawn(file, [...args], { stdio: ['pipe', 'pipe', 'pipe', options.tty ? 'pipe' : 'ignore'] })
  const [stdin, stdout, stderr, sizes] = child.stdio as unknown as [Writable, Readable, Readable, Writable | null]
  // A command that does not read its input to the end ends all the same.
  for (const stream of [stdin, sizes]) stream?.on('error', () => {})
  if (streams.stdin) streams.stdin.pipe(stdin)
  else stdin.end()
  onSize(streams.sizes, ({ columns, rows }) => sizes?.write(`${columns} ${rows}\n`))
  void streams.closed.then(() => child.kill('SIGKILL'))
  const [[code, signal]] = await Promise.all([
    once(child, 'close') as Promise<[number | null, string | null]>,
    passOutput(stdout, streams.stdout),
    passOutput(stderr, streams.stderr),
  ])
  streams.stdin?.destroy()
  return code ?? (signal ? 137 : 0)
}
