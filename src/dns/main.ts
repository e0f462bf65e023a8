/** `node src/dns/main.ts -conf /etc/coredns/Corefile`: cluster DNS for any Kubernetes API server. */
import { createLogger } from '../lib/log.ts'
import { CorefileError } from './corefile/index.ts'
import { Program } from './program.ts'

const usage = 'usage: main.ts [-conf FILE]   (default: Corefile in the current directory)'

/** CoreDNS's flags: one or two dashes, value after a space or `=`. */
function corefilePath(args: readonly string[]): string {
  let path = 'Corefile'
  for (let i = 0; i < args.length; i++) {
    const [, name, value] = /^--?([a-z.]+)(?:=(.*))?$/.exec(args[i] ?? '') ?? []
    if (name !== 'conf') throw new Error(`unknown argument ${args[i]}\n${usage}`)
    const given = value ?? args[++i]
    if (given === undefined) throw new Error(`-conf needs a file\n${usage}`)
    path = given
  }
  return path
}

async function main(): Promise<void> {
  const log = createLogger('coredns')
  const write = (line: string) => void process.stdout.write(`${line}\n`)
  const program = new Program({ corefile: corefilePath(process.argv.slice(2)), log, write, version: '1.13.1' })
  let stopping = false
  const stop = () => {
    if (stopping) return
    stopping = true
    void program.stop().then(() => process.exit(0))
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGUSR1', () => void program.reload())
  await program.start()
}

main().catch((error: unknown) => {
  const expected = error instanceof CorefileError || error instanceof Error
  process.stderr.write(`${expected ? error.message : String(error)}\n`)
  process.exit(1)
})
