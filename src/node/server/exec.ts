/** `/exec/…`: a command in a container, its streams joined to the client's. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
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

type Stdio = [Writable, Readable, Readable, Writable | null, Readable]

/** In the words of containerd, which people search for. */
function startFailure(why: string): string {
  const id = randomBytes(32).toString('hex')
  const runtime = `OCI runtime exec failed: exec failed: unable to start container process: ${why}`
  return `failed to exec in container: failed to start exec "${id}": ${runtime}`
}

/** Resolves with the exit code, after the last of the output. */
async function run(runtime: Runtime, { target, command, options }: ExecRequest, streams: CommandStreams) {
  const { file, args } = runtime.execCommand(target.uid, target.container, { command, tty: options.tty })
  // The fourth is the terminal's size, the fifth tells why the command could not be begun.
  const child = spawn(file, [...args], { stdio: ['pipe', 'pipe', 'pipe', options.tty ? 'pipe' : 'ignore', 'pipe'] })
  const [stdin, stdout, stderr, sizes, failures] = child.stdio as unknown as Stdio
  // A command that does not read its input to the end ends all the same.
  for (const stream of [stdin, sizes]) stream?.on('error', () => {})
  if (streams.stdin) streams.stdin.pipe(stdin)
  else stdin.end()
  onSize(streams.sizes, ({ columns, rows }) => sizes?.write(`${columns} ${rows}\n`))
  void streams.closed.then(() => child.kill('SIGKILL'))
  const [[code, signal], refused] = await Promise.all([
    once(child, 'close') as Promise<[number | null, string | null]>,
    text(failures),
    passOutput(stdout, streams.stdout),
    passOutput(stderr, streams.stderr),
  ])
  streams.stdin?.destroy()
  if (refused) throw new Error(startFailure(refused.trim()))
  return code ?? (signal ? 137 : 0)
}
