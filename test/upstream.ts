/** A world outside the machine, made of one more namespace: a resolver that knows some names, and servers. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, runOk } from '../src/lib/exec.ts'
import { assertSandbox } from './harness.ts'

/** Documentation addresses (RFC 5737): the machine's own, and its router's, which is its resolver, too. */
export const machine = '192.0.2.2'
const router = '192.0.2.1'

export interface Upstream {
  /** A command in the world; stdout. */
  inWorld(...command: string[]): Promise<string>
  close(): Promise<void>
}

/**
 * Addresses by name. Each address greets who connects at `port` with the name and the caller's address; all other names are NXDOMAIN. Start it
 * before the cluster, which finds its way out and its resolver in it.
 */
export async function startUpstream(names: Readonly<Record<string, string>>, port: number): Promise<Upstream> {
  assertSandbox()
  const directory = mkdtempSync(join(tmpdir(), 'fairway-upstream-'))
  const addresses = Object.values(names)
  await runOk('ip', ['-batch', '-'], {
    input: `netns add world
link add uplink type veth peer name outside netns world
address add ${machine}/24 dev uplink
link set uplink up
route add default via ${router}
`,
  })
  await runOk('ip', ['-n', 'world', '-batch', '-'], {
    input: `link set lo up
${addresses.map((address) => `address add ${address}/32 dev lo\n`).join('')}address add ${router}/24 dev outside
link set outside up
`,
  })
  const world = await startProgram({ names, port, resolver: router })
  writeFileSync(join(directory, 'resolv.conf'), `nameserver ${router}\n`)
  await runOk('mount', ['--bind', join(directory, 'resolv.conf'), '/etc/resolv.conf'])
  return {
    inWorld: (...command) => runOk('ip', ['netns', 'exec', 'world', ...command]),
    async close() {
      await run('umount', ['/etc/resolv.conf'])
      world.kill('SIGKILL')
      await run('ip', ['netns', 'delete', 'world'])
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

interface Settings {
  readonly names: Readonly<Record<string, string>>
  readonly port: number
  readonly resolver: string
}

async function startProgram(settings: Settings): Promise<ChildProcess> {
  const program = `(${worldProgram.toString()})(${JSON.stringify(settings)}, process.getBuiltinModule)`
  const command = ['netns', 'exec', 'world', process.execPath, '-e', program]
  const world = spawn('ip', command, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => world.stdout.once('data', resolve))
  return world
}

/** Runs in the world, as text: it must not refer to anything outside itself. */
function worldProgram({ names, port, resolver }: Settings, builtin: typeof process.getBuiltinModule): void {
  const { createServer } = builtin('node:net')
  for (const [name, address] of Object.entries(names)) {
    createServer((socket) => socket.end(`${name} to ${socket.remoteAddress}\n`)).listen(port, address)
  }
  const socket = builtin('node:dgram').createSocket('udp4')
  socket.on('message', (query, from) => {
    const end = query.indexOf(0, 12) + 5
    const labels: string[] = []
    for (let at = 12; query[at]; at += (query[at] ?? 0) + 1) {
      labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] ?? 0)))
    }
    const address = names[labels.join('.').toLowerCase()]
    const isA = address !== undefined && query.readUInt16BE(end - 4) === 1
    const head = Buffer.from(query.subarray(0, 12))
    // A response with recursion, NOERROR or NXDOMAIN; one question and at most one answer (RFC 1035 4.1.1).
    head.writeUInt16BE(address ? 0x8180 : 0x8183, 2)
    head.writeUInt16BE(isA ? 1 : 0, 6)
    head.writeUInt32BE(0, 8)
    const record = isA ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, ...address.split('.').map(Number)] : []
    socket.send(Buffer.concat([head, query.subarray(12, end), Buffer.from(record)]), from.port, from.address)
  })
  socket.bind(53, resolver, () => process.stdout.write('listening\n'))
}
