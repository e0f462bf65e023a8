import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { silentLogger } from '../../lib/log.ts'
import { createCa, issue, type KeyPair } from '../../lib/pki.ts'
import { PodStreams } from '../runtime/streams.ts'
import { nodeIP, type TestAgent, TestNode } from '../testing/node.ts'
import { listen } from './server.ts'

const port = 10250
let node: TestNode
let agent: TestAgent
let server: Server
let ca: KeyPair
let client: KeyPair
const directory = mkdtempSync(join(tmpdir(), 'fairway-server-'))

beforeAll(async () => {
  node = await TestNode.prepare()
  agent = await node.startAgent()
  ca = await createCa({ commonName: 'ca' })
  const serving = await issue(ca, { commonName: 'node', usage: 'server', days: 1, ipAddresses: [nodeIP] })
  client = await issue(ca, { commonName: 'api', usage: 'client', days: 1 })
  const file = (name: string, text: string) => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  const config = {
    nodeName: 'node-1',
    nodeIP,
    clusterDNS: '',
    clusterDomain: '',
    kubeconfig: '',
    serverCert: file('crt', serving.certPem),
    serverKey: file('key', serving.keyPem),
    clientCA: file('ca', ca.certPem),
    stateDir: node.stateDir,
    fairwayRoot: '',
    netnsPrefix: '',
    port,
  }
  server = await listen({
    config,
    pods: agent.pods,
    runtime: agent.runtime,
    streams: new PodStreams(node.stateDir),
    log: silentLogger,
  })
  const script = 'for i in 1 2 3; do echo line $i; done; read x < /tmp/go; echo last'
  node.createPod('talker', { command: ['sh', '-c', `mkfifo /tmp/go; ${script}`] }, { restartPolicy: 'Never' })
  node.createPod('sleeper', { command: ['sleep', '1000'], env: [{ name: 'COLOR', value: 'red' }] })
  await Promise.all([node.untilRunning('talker'), node.untilRunning('sleeper')])
})

afterAll(async () => {
  server.closeAllConnections()
  server.close()
  agent.stop()
  await node.remove()
  rmSync(directory, { recursive: true })
})

const tls = () => ({ host: nodeIP, port, ca: ca.certPem, cert: client.certPem, key: client.keyPem })

function get(path: string, onData?: (text: string) => void): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...tls(), path }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString()
        onData?.(body)
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

interface ExecResult {
  readonly protocol: string
  readonly output: string
  readonly status: { status: string; details?: { causes?: { message: string }[] } }
  readonly closeCode: number
}

function exec(
  query: string,
  protocols: string[],
  talk?: (socket: WebSocket, output: string) => void,
): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    const { host, ...secrets } = tls()
    const socket = new WebSocket(`wss://${host}:${port}/exec/default/sleeper/main?${query}`, protocols, secrets)
    let output = ''
    let status = ''
    socket.on('open', () => talk?.(socket, ''))
    socket.on('message', (data: Buffer) => {
      if (data[0] === 3) status += data.subarray(1).toString()
      else {
        output += data.subarray(1).toString()
        talk?.(socket, output)
      }
    })
    socket.on('error', reject)
    socket.on('close', (closeCode) =>
      resolve({ protocol: socket.protocol, output, status: JSON.parse(status) as ExecResult['status'], closeCode }),
    )
  })
}

const command = (...words: string[]) => words.map((word) => `command=${encodeURIComponent(word)}`).join('&')
const channels = ['v5.channel.k8s.io', 'v4.channel.k8s.io']

test('a caller without a certificate is refused', async () => {
  const outcome = new Promise((resolve) => {
    const outgoing = request({ host: nodeIP, port, ca: ca.certPem, path: '/healthz' }, () => resolve('answered'))
    outgoing.on('error', () => resolve('refused'))
    outgoing.end()
  })
  expect(await outcome).toBe('refused')
  expect(await get('/healthz')).toEqual({ status: 200, body: 'ok' })
})

describe('logs', () => {
  test('are cut', async () => {
    expect((await get('/containerLogs/default/talker/main')).body).toBe('line 1\nline 2\nline 3\n')
    expect((await get('/containerLogs/default/talker/main?tailLines=1')).body).toBe('line 3\n')
    expect((await get('/containerLogs/default/talker/main?limitBytes=4')).body).toBe('line')
    expect((await get('/containerLogs/default/talker/main?timestamps=true&tailLines=1')).body).toMatch(
      /^\S+Z line 3\n$/,
    )
  })

  test('are followed until the container ends', async () => {
    let woken = false
    const { body } = await get('/containerLogs/default/talker/main?follow=true', (text) => {
      if (woken || !text.includes('line 3')) return
      woken = true
      const uid = node.pod('talker')?.metadata.uid ?? ''
      const { file, args } = agent.runtime.execCommand(uid, 'main', {
        command: ['sh', '-c', 'echo > /tmp/go'],
        tty: false,
      })
      void import('node:child_process').then(({ spawn }) => spawn(file, [...args]))
    })
    expect(body).toBe('line 1\nline 2\nline 3\nlast\n')
  })

  test('are whole and in order though files change meanwhile', async () => {
    const count = 400_000
    // 17 MB with what is noted of each line: more than one file holds, so that the first is put away.
    const script = `i=0; while [ $i -lt 40 ]; do seq $((i * ${count / 40} + 1)) $(((i + 1) * ${count / 40})); i=$((i + 1)); done`
    node.createPod('many', { command: ['sh', '-c', script] }, { restartPolicy: 'Never' })
    await node.api.until('its start', () => node.pod('many')?.status?.startTime !== undefined)
    await node.api.until('its container', () => node.pod('many')?.status?.phase !== 'Pending')
    const followed = get('/containerLogs/default/many/main?follow=true')
    await node.api.until('its end', () => node.pod('many')?.status?.phase === 'Succeeded', 30_000)
    const all = (await followed).body.trimEnd().split('\n')
    expect(all.length).toBe(count)
    expect(all.at(-1)).toBe(String(count))
    const { body } = await get('/containerLogs/default/many/main?tailLines=123456')
    expect(body.split('\n').length).toBe(123457)
    expect(body).toMatch(new RegExp(`^${count - 123456 + 1}\\n`))
    await node.deletePod('many')
  }, 60_000)

  test('of what is not there say so', async () => {
    expect(await get('/containerLogs/default/none/main')).toMatchObject({ status: 404 })
    expect(await get('/containerLogs/default/talker/other')).toMatchObject({ status: 404 })
    expect(await get('/containerLogs/default/talker/main?previous=true')).toMatchObject({ status: 400 })
  })
})

describe('exec', () => {
  test('runs a command with the container’s environment and tells its exit code', async () => {
    const script = command('sh', '-c', 'echo $COLOR; echo oops >&2; exit 7')
    const result = await exec(`${script}&output=1&error=1`, channels)
    expect(result).toMatchObject({ protocol: 'v5.channel.k8s.io', closeCode: 1000, status: { status: 'Failure' } })
    expect(result.output.split('\n').sort()).toEqual(['', 'oops', 'red'])
    expect(result.status.details?.causes?.[0]?.message).toBe('7')
  })

  test('passes standard input, whose end v5 can tell', async () => {
    let sent = false
    const result = await exec(`${command('cat')}&input=1&output=1`, channels, (socket) => {
      if (sent) return
      sent = true
      socket.send(Buffer.from('\0hello'))
      socket.send(Buffer.from([255, 0]))
    })
    expect(result).toMatchObject({ output: 'hello', status: { status: 'Success' } })
  })

  test('gives a terminal', async () => {
    let resized = false
    const script = command('sh', '-c', 'test -t 0 && echo terminal; read x; stty size')
    const result = await exec(`${script}&input=1&output=1&tty=1`, ['v4.channel.k8s.io'], (socket, output) => {
      if (resized || !output.includes('terminal')) return
      resized = true
      socket.send(Buffer.from('\x04{"Width":100,"Height":40}'))
      socket.send(Buffer.from('\0\n'))
    })
    expect(result.protocol).toBe('v4.channel.k8s.io')
    expect(result.output).toContain('40 100')
    expect(result.status.status).toBe('Success')
  })

  test('gives a terminal of the container’s own, with job control', async () => {
    const script = command('sh', '-c', 'tty; trap "echo caught; exit 9" INT; echo waiting; sleep 1000 & wait')
    let pressed = false
    const result = await exec(`${script}&input=1&output=1&tty=1`, channels, (socket, output) => {
      if (pressed || !output.includes('waiting')) return
      pressed = true
      socket.send(Buffer.from('\0\x03'))
    })
    expect(result.output).toContain('/dev/pts/0\r\n')
    expect(result.output).toContain('caught')
    expect(result.status.details?.causes?.[0]?.message).toBe('9')
  })

  test('loses nothing of what ends at once, and passes large amounts both ways', async () => {
    const out = await exec(`${command('seq', '1', '300000')}&output=1&tty=1`, channels)
    expect(out.output.trimEnd().split('\r\n').at(-1)).toBe('300000')
    const chunk = Buffer.alloc(65537, 'x').fill(0, 0, 1)
    let sent = false
    const counted = await exec(`${command('wc', '-c')}&input=1&output=1`, channels, (socket) => {
      if (sent) return
      sent = true
      for (let i = 0; i < 160; i++) socket.send(chunk)
      socket.send(Buffer.from([255, 0]))
    })
    expect(counted.output.trim()).toBe(String(160 * 65536))
  })

  test('of a program that is not there ends with 127', async () => {
    const result = await exec(`${command('nonesuch')}&output=1&error=1`, channels)
    expect(result.output).toContain('executable file not found')
    expect(result.status.details?.causes?.[0]?.message).toBe('127')
  })
})
