/** How shim.pl is started. */
import { spawn } from 'node:child_process'
import { arch } from 'node:process'
import { fileURLToPath } from 'node:url'
import { type CommandLine, RuntimeError } from './contract.ts'

const shim = fileURLToPath(new URL('shim.pl', import.meta.url))

export function shimCommand(mode: 'sandbox' | 'run' | 'exec' | 'forward', spec: string): CommandLine {
  return { file: 'perl', args: [shim, mode, spec, arch], env: {} }
}

/** Starts a shim that goes on without us. `ended` is called when it ends other than well, with why if it says so. */
export function launchShim(spec: string, ended: (failure: string | undefined) => void): Promise<void> {
  const { file, args } = shimCommand('run', spec)
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...args], { detached: true, stdio: 'ignore' })
    child.once('spawn', () => resolve())
    child.once('error', (error) =>
      reject(new RuntimeError('setup', `failed to start the container's shim: ${error.message}`)),
    )
    child.once('exit', (code) => {
      if (code !== 0) ended(code === null ? undefined : `the container's shim ended with exit code ${code}`)
    })
    child.unref()
  })
}
