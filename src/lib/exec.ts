/** Runs programs of the host. The one place that spawns short-lived commands. */
import { spawn } from 'node:child_process'

export interface ExecOptions {
  readonly input?: string | Buffer
  /** SIGKILL after this long. */
  readonly timeoutMs?: number
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
}

export interface ExecResult {
  /** Exit code; 128 + signal number when killed, 127 when the program does not exist. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export type Exec = (command: string, args: readonly string[], options?: ExecOptions) => Promise<ExecResult>

export class ExecError extends Error {
  readonly command: string
  readonly code: number
  readonly stderr: string

  constructor(command: string, result: ExecResult) {
    super(`${command}: exit code ${result.code}: ${result.stderr.trim() || result.stdout.trim() || 'no output'}`)
    this.name = 'ExecError'
    this.command = command
    this.code = result.code
    this.stderr = result.stderr
  }
}

/** Resolves with the outcome, whatever it is; rejects never. */
export const run: Exec = (command, args, options = {}) =>
  new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(options.env && { env: { ...process.env, ...options.env } }),
      ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs, killSignal: 'SIGKILL' as const }),
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.on('error', (error: NodeJS.ErrnoException) => {
      resolve({ code: error.code === 'ENOENT' ? 127 : 126, stdout: '', stderr: `${command}: ${error.message}` })
    })
    child.on('close', (code, signal) => {
      resolve({
        code: code ?? 128 + signalNumber(signal),
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      })
    })
    // A program that ends without reading its input is not our error; its exit code tells.
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input)
  })

/** Like `run`, but a non-zero exit throws ExecError; resolves with stdout. */
export async function runOk(command: string, args: readonly string[], options?: ExecOptions): Promise<string> {
  const result = await run(command, args, options)
  if (result.code !== 0) throw new ExecError([command, ...args].join(' '), result)
  return result.stdout
}

function signalNumber(signal: NodeJS.Signals | null): number {
  const numbers: Partial<Record<NodeJS.Signals, number>> = {
    SIGHUP: 1,
    SIGINT: 2,
    SIGKILL: 9,
    SIGSEGV: 11,
    SIGTERM: 15,
  }
  return (signal && numbers[signal]) ?? 0
}
