import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { collect, command, once, type Talk } from '../testing/channels.ts'
import { type TestAgent, TestNode } from '../testing/node.ts'
import { TestServing } from '../testing/serving.ts'
import { SpdyClient } from '../testing/spdy-client.ts'

let node: TestNode
let agent: TestAgent
let serving: TestServing

beforeAll(async () => {
  node = await TestNode.prepare()
  agent = await node.startAgent()
  serving = await TestServing.start(node, agent)
  node.createPod('sleeper', { command: ['sleep', '1000'], env: [{ name: 'COLOR', value: 'red' }] })
  node.createPod('ended', { command: ['true'] }, { restartPolicy: 'Never' })
  await node.untilRunning('sleeper')
  await node.api.until('the end of a pod', () => node.pod('ended')?.status?.phase === 'Succeeded')
})

afterAll(async () => {
  await serving[Symbol.asyncDispose]()
  agent.stop()
  await node.remove()
})

const path = (query: string) => `/exec/default/sleeper/main?${query}`
const v5 = ['v5.channel.k8s.io', 'v4.channel.k8s.io']
const exec = (query: string, protocols: readonly string[] = v5, talk?: (now: Talk) => void) =>
  collect(serving.webSocket(path(query), protocols), talk)
const exitCode = ({ error }: { readonly error: string }) =>
  (JSON.parse(error) as { details?: { causes?: { message: string }[] } }).details?.causes?.[0]?.message
const success = '{"metadata":{},"status":"Success"}'
const failed = 'command terminated with non-zero exit code: exit status 7'
const failedStatus = {
  metadata: {},
  status: 'Failure',
  message: failed,
  reason: 'NonZeroExitCode',
  details: { causes: [{ reason: 'ExitCode', message: '7' }] },
}

describe('over a WebSocket', () => {
  const script = command('sh', '-c', 'echo $COLOR; echo oops >&2; exit 7')
  const cases: [protocol: string, first: string, error: string][] = [
    ['v5.channel.k8s.io', '01', JSON.stringify(failedStatus)],
    ['v4.channel.k8s.io', '01', JSON.stringify(failedStatus)],
    ['v4.base64.channel.k8s.io', '1', JSON.stringify(failedStatus)],
    ['channel.k8s.io', '01', failed],
    ['base64.channel.k8s.io', '1', failed],
  ]
  test.each(cases)('%s', async (protocol, first, error) => {
    const result = await exec(`${script}&output=1&error=1`, [protocol])
    expect(result).toEqual({ protocol, first, stdout: 'red\n', stderr: 'oops\n', error, closeCode: 1000 })
  })

  test('a client that names no protocol gets the oldest, the first that is known is taken of several', async () => {
    expect(await exec(`${command('echo', 'hi')}&output=1`, [])).toMatchObject({ stdout: 'hi\n', error: '' })
    const several = ['v9.channel.k8s.io', 'v4.channel.k8s.io', 'v5.channel.k8s.io']
    expect(await exec(`${command('true')}&output=1`, several)).toMatchObject({ protocol: 'v4.channel.k8s.io' })
  })

  test('stdin is passed, and its end where the protocol can tell it', async () => {
    const hello = once(({ socket, send }) => {
      send(0, 'hello')
      socket.send(Buffer.from([255, 0]))
    })
    expect(await exec(`${command('cat')}&input=1&output=1`, v5, hello)).toMatchObject({
      stdout: 'hello',
      error: success,
    })
    const endless = once(({ socket, send }) => {
      send(0, 'hello\n')
      socket.send(Buffer.from([255, 0]))
    })
    const head = `${command('head', '-n1')}&input=1&output=1`
    expect(await exec(head, ['v4.base64.channel.k8s.io'], endless)).toMatchObject({ stdout: 'hello\n', error: success })
  })

  test('a command may be as long as the API server takes it', async () => {
    const script = `: ${'x'.repeat(100_000)}; echo done`
    expect(await exec(`${command('sh', '-c', script)}&output=1`)).toMatchObject({ stdout: 'done\n', error: success })
  })

  test('a client that leaves ends its command', async () => {
    const mark = 'sleep 12345'
    const socket = serving.webSocket(path(`${command('sh', '-c', `echo on; ${mark}`)}&output=1`), v5)
    await collect(
      socket,
      once(
        () => socket.terminate(),
        ({ stdout }) => stdout.includes('on'),
      ),
    )
    const seen = command('sh', '-c', `while ps -ef | grep -v grep | grep -q '${mark}'; do sleep 0.01; done; echo gone`)
    expect((await exec(`${seen}&output=1`)).stdout).toBe('gone\n')
  })

  test('a terminal has the size the client says', async () => {
    const script = command('sh', '-c', 'test -t 0 && echo terminal; read x; stty size')
    const resize = once(
      ({ send }) => {
        send(4, '{"Width":100,"Height":40}')
        send(0, '\n')
      },
      ({ stdout }) => stdout.includes('terminal'),
    )
    const result = await exec(`${script}&input=1&output=1&error=1&tty=1`, ['v4.channel.k8s.io'], resize)
    expect(result).toMatchObject({ stderr: '', error: success })
    expect(result.stdout).toContain('40 100')
  })

  test('a terminal is one of the container’s own, with job control', async () => {
    const script = command('sh', '-c', 'tty; trap "echo caught; exit 9" INT; echo waiting; sleep 1000 & wait')
    const interrupt = once(
      ({ send }) => send(0, '\x03'),
      ({ stdout }) => stdout.includes('waiting'),
    )
    const result = await exec(`${script}&input=1&output=1&tty=1`, v5, interrupt)
    expect(result.stdout).toContain('/dev/pts/0\r\n')
    expect(result.stdout).toContain('caught')
    expect(exitCode(result)).toBe('9')
  })

  test('nothing is lost of what ends at once, nor of large amounts either way', async () => {
    const out = await exec(`${command('seq', '1', '300000')}&output=1&tty=1`)
    expect(out.stdout.trimEnd().split('\r\n').at(-1)).toBe('300000')
    const large = once(({ socket, send }) => {
      for (let i = 0; i < 160; i++) send(0, Buffer.alloc(65536, 'x'))
      socket.send(Buffer.from([255, 0]))
    })
    const counted = await exec(`${command('wc', '-c')}&input=1&output=1`, v5, large)
    expect(counted.stdout.trim()).toBe(String(160 * 65536))
  })

  test('a command that does not read its input holds the sender up, and ends all the same', async () => {
    const large = once(({ send }) => {
      for (let i = 0; i < 160; i++) send(0, Buffer.alloc(65536, 'x'))
    })
    const result = await exec(`${command('sleep', '0.2')}&input=1&output=1`, v5, large)
    expect(result).toMatchObject({ error: success, closeCode: 1000 })
  })

  test.each([false, true])(
    'a program that is not there is an error of the server, not an exit code (tty %s)',
    async (tty) => {
      const result = await exec(`${command('nonesuch')}&output=1${tty ? '&tty=1' : '&error=1'}`)
      expect(result).toMatchObject({ stdout: '', stderr: '', closeCode: 1000 })
      const { reason, message } = JSON.parse(result.error) as { reason: string; message: string }
      expect(reason).toBe('InternalError')
      expect(message).toMatch(
        /^Internal error occurred: error executing command in container: failed to exec in container: failed to start exec "[0-9a-f]{64}": OCI runtime exec failed: exec failed: unable to start container process: exec: "nonesuch": executable file not found in \$PATH$/,
      )
    },
  )
})

describe('over SPDY', () => {
  const open = async (query: string, protocols: string) => {
    const headers = { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocols }
    const { socket, head } = await serving.upgrade(path(query), headers)
    return { client: new SpdyClient(socket), head }
  }
  const cases: [offered: string, taken: string, error: string][] = [
    ['v5.channel.k8s.io, v4.channel.k8s.io, v3.channel.k8s.io', 'v4.channel.k8s.io', JSON.stringify(failedStatus)],
    ['v3.channel.k8s.io', 'v3.channel.k8s.io', failed],
    ['v2.channel.k8s.io', 'v2.channel.k8s.io', failed],
    ['channel.k8s.io', 'channel.k8s.io', failed],
  ]
  test.each(cases)('%s', async (offered, taken, error) => {
    const { client, head } = await open(
      `${command('sh', '-c', 'cat; echo e >&2; exit 7')}&input=1&output=1&error=1`,
      offered,
    )
    expect(head).toMatch(/^HTTP\/1\.1 101 .*\r\nConnection: Upgrade\r\nUpgrade: SPDY\/3\.1/)
    expect(head).toContain(`X-Stream-Protocol-Version: ${taken}`)
    const outcome = await client.open({ streamtype: 'error' })
    const stdin = await client.open({ streamtype: 'stdin' })
    const stdout = await client.open({ streamtype: 'stdout' })
    const stderr = await client.open({ streamtype: 'stderr' })
    client.send(stdin, 'hello')
    client.end(stdin)
    await client.until('the end', () => [outcome, stdout, stderr].every(({ seen }) => seen.ended))
    const texts = [outcome, stdout, stderr].map(({ seen }) => seen.data.toString())
    expect(texts).toEqual([error, 'hello', 'e\n'])
    client.close()
  })

  test('a terminal has one output, and a stream for its size', async () => {
    const script = command('sh', '-c', 'read x; stty size')
    const { client } = await open(`${script}&input=1&output=1&tty=1`, 'v4.channel.k8s.io')
    const outcome = await client.open({ streamtype: 'error' })
    const stdin = await client.open({ streamtype: 'stdin' })
    const stdout = await client.open({ streamtype: 'stdout' })
    const resize = await client.open({ streamtype: 'resize' })
    client.send(resize, '{"Width":90,')
    client.send(resize, '"Height":30}\n')
    client.send(stdin, '\n')
    await client.until('the end', () => outcome.seen.ended && stdout.seen.ended)
    expect(stdout.seen.data.toString()).toContain('30 90')
    client.close()
  })

  test('a stream nobody asked for is reset', async () => {
    const { client } = await open(`${command('true')}&output=1`, 'v4.channel.k8s.io')
    expect((await client.open({ streamtype: 'stdin' })).seen).toMatchObject({ reset: true, replied: false })
    client.close()
  })
})

describe('what cannot be served is refused', () => {
  const spdy = { upgrade: 'SPDY/3.1' }
  const webSocket = {
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  const asked = `${command('true')}&output=1`
  const cases: [what: string, path: string, headers: Record<string, string>, status: number, body: RegExp][] = [
    ['no streams', path(command('true')), webSocket, 400, /you must specify at least 1 of stdin, stdout, stderr/],
    ['no pod', `/exec/default/none/main?${asked}`, webSocket, 404, /^pod does not exist/],
    ['no container', `/exec/default/sleeper/none?${asked}`, webSocket, 500, /^container not found \("none"\)\n$/],
    [
      'a container that has ended',
      `/exec/default/ended/main?${asked}`,
      webSocket,
      500,
      /^container not found \("main"\)/,
    ],
    [
      'attach to one that has ended',
      `/attach/default/ended/main?output=1`,
      spdy,
      500,
      /^container main not found in pod/,
    ],
    [
      'a WebSocket protocol that nobody has',
      path(asked),
      { ...webSocket, 'sec-websocket-protocol': 'v9.channel.k8s.io, x' },
      403,
      /^requested protocol\(s\) are not supported: \[v9\.channel\.k8s\.io x\]; supports \[/,
    ],
    ['SPDY without a protocol', path(asked), spdy, 400, /X-Stream-Protocol-Version is required/],
    [
      'a SPDY protocol that nobody has',
      path(asked),
      { ...spdy, 'x-stream-protocol-version': 'v9' },
      403,
      /^unable to upgrade: unable to negotiate protocol: client supports \[v9\], server accepts \[v4/,
    ],
    [
      'another protocol',
      path(asked),
      { upgrade: 'h2c', 'x-stream-protocol-version': 'v4.channel.k8s.io' },
      400,
      /missing/,
    ],
    ['another path', '/run/default/sleeper/main', webSocket, 404, /404 page not found/],
  ]
  test.each(cases)('%s', async (_, path, headers, status, body) => {
    const refusal = await serving.refusal(path, headers)
    expect(refusal.status).toBe(status)
    expect(refusal.body).toMatch(body)
  })

  test('no upgrade', async () => {
    expect(await serving.get(path(asked))).toEqual({ status: 400, body: 'Upgrade request required\n' })
  })
})
