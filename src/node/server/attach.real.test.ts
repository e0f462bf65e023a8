import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { execIn } from '../pods/start.ts'
import { collect, once, type Talk } from '../testing/channels.ts'
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
})

afterAll(async () => {
  await serving[Symbol.asyncDispose]()
  agent.stop()
  await node.remove()
})

const v5 = ['v5.channel.k8s.io']
const attach = (pod: string, query: string, talk?: (now: Talk) => void) =>
  collect(serving.webSocket(`/attach/default/${pod}/main?${query}`, v5), talk)
const success = '{"metadata":{},"status":"Success"}'
const never = { restartPolicy: 'Never' } as const
const ended = (name: string) => () => node.pod(name)?.status?.phase === 'Succeeded'

describe('attach', () => {
  test('passes stdin and both outputs; with stdinOnce the container sees the end of its input', async () => {
    const script = 'cat; echo done; echo oops >&2'
    node.createPod('cat', { command: ['sh', '-c', script], stdin: true, stdinOnce: true }, never)
    await node.untilRunning('cat')
    const hello = once(({ socket, send }) => {
      send(0, 'hello\n')
      socket.send(Buffer.from([255, 0]))
    })
    const result = await attach('cat', 'input=1&output=1&error=1', hello)
    expect(result).toMatchObject({ stdout: 'hello\ndone\n', stderr: 'oops\n', error: success, closeCode: 1000 })
    await node.api.until('its end', ended('cat'))
    const { body } = await serving.get('/containerLogs/default/cat/main?stream=Stdout')
    expect(body).toBe('hello\ndone\n')
  })

  test('without stdinOnce the input stays open for the next client, also after another agent took over', async () => {
    const script = 'while read line; do echo got $line; [ $line = last ] && exit; done'
    node.createPod('reader', { command: ['sh', '-c', script], stdin: true }, never)
    await node.untilRunning('reader')
    const say = (line: string) => once(({ send }) => send(0, `${line}\n`))
    const leave = (line: string) => {
      const speak = say(line)
      const end = once(
        ({ socket }) => socket.send(Buffer.from([255, 0])),
        ({ stdout }) => stdout.includes(line),
      )
      return (now: Talk) => {
        speak(now)
        end(now)
      }
    }
    expect(await attach('reader', 'input=1&output=1', leave('one'))).toMatchObject({
      stdout: 'got one\n',
      error: success,
    })
    await serving[Symbol.asyncDispose]()
    agent.stop()
    agent = await node.startAgent()
    serving = await TestServing.start(node, agent)
    await agent.pods.synced
    expect((await attach('reader', 'input=1&output=1', leave('two'))).stdout).toBe('got two\n')
    expect((await attach('reader', 'input=1&output=1', say('last'))).stdout).toBe('got last\n')
    await node.api.until('its end', ended('reader'))
  })

  test('several clients see the same output; who did not ask for stdin has none', async () => {
    node.createPod('shared', { command: ['sh', '-c', 'read x; seq 1 50000; sleep 0.1'], stdin: true }, never)
    await node.untilRunning('shared')
    const watchers = [1, 2, 3].map(() => attach('shared', 'output=1'))
    const all = await Promise.all([
      ...watchers,
      attach(
        'shared',
        'input=1&output=1',
        once(({ send }) => send(0, 'x\n')),
      ),
    ])
    for (const { stdout, error } of all) {
      expect(stdout.trimEnd().split('\n').at(-1)).toBe('50000')
      expect(error).toBe(success)
    }
  })

  test('the last output arrives, though input was left unread', async () => {
    const script = 'head -c 1 >/dev/null; seq 1 20000'
    node.createPod('hasty', { command: ['sh', '-c', script], stdin: true }, never)
    await node.untilRunning('hasty')
    const much = once(({ send }) => {
      for (let i = 0; i < 50; i++) send(0, 'x'.repeat(20_000))
    })
    const { stdout, error } = await attach('hasty', 'input=1&output=1', much)
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('20000')
    expect(error).toBe(success)
  })

  test('a terminal is the container’s: its size, its echo, control characters', async () => {
    const script = 'trap "echo caught; stty size; exit 0" INT; tty; echo ready; while :; do sleep 0.05; done'
    node.createPod('terminal', { command: ['sh', '-c', script], stdin: true, tty: true }, never)
    await node.untilRunning('terminal')
    const log = async () => (await serving.get('/containerLogs/default/terminal/main')).body
    await expect.poll(log).toBe('/dev/pts/0\r\nready\r\n')
    const result = await attach(
      'terminal',
      'input=1&output=1&tty=1',
      once(({ send }) => {
        send(4, '{"Width":111,"Height":44}')
        send(0, '\x03')
      }),
    )
    expect(result.stdout).toMatch(/caught\r\n44 111\r\n$/)
    expect(result.error).toBe(success)
    expect(await log()).toMatch(/^\/dev\/pts\/0\r\nready\r\n/)
  })

  test('of a container without stdin drops what is sent; input is at its end from the start', async () => {
    const script = 'cat; echo end; until [ -e /tmp/go ]; do echo here; sleep 0.05; done; echo later'
    const uid = node.createPod('deaf', { command: ['sh', '-c', script] }, never)
    await node.untilRunning('deaf')
    const large = once(
      ({ send }) => {
        for (let i = 0; i < 40; i++) send(0, Buffer.alloc(65536))
        const touch = { uid, container: 'main', command: ['touch', '/tmp/go'], timeoutMs: 10_000 }
        void execIn(agent.runtime, touch)
      },
      ({ stdout }) => stdout.includes('here'),
    )
    expect((await attach('deaf', 'input=1&output=1', large)).stdout).toMatch(/later\n$/)
    expect((await serving.get('/containerLogs/default/deaf/main')).body).toMatch(/^end\n(here\n)+later\n$/)
  })

  test('large amounts pass both ways', async () => {
    node.createPod('copy', { command: ['cat'], stdin: true, stdinOnce: true }, never)
    await node.untilRunning('copy')
    const chunk = Buffer.alloc(65535, 'x').fill('\n', 65534)
    const large = once(({ socket, send }) => {
      for (let i = 0; i < 100; i++) send(0, chunk)
      socket.send(Buffer.from([255, 0]))
    })
    expect((await attach('copy', 'input=1&output=1', large)).stdout.length).toBe(100 * chunk.length)
  })

  test('goes over SPDY, too', async () => {
    node.createPod('spdy', { command: ['cat'], stdin: true, stdinOnce: true }, never)
    await node.untilRunning('spdy')
    const headers = { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' }
    const { socket } = await serving.upgrade('/attach/default/spdy/main?input=1&output=1', headers)
    const client = new SpdyClient(socket)
    const outcome = await client.open({ streamtype: 'error' })
    const stdin = await client.open({ streamtype: 'stdin' })
    const stdout = await client.open({ streamtype: 'stdout' })
    client.send(stdin, 'hello')
    client.end(stdin)
    await client.until('the end', () => outcome.seen.ended && stdout.seen.ended)
    expect([stdout, outcome].map(({ seen }) => seen.data.toString())).toEqual(['hello', success])
    client.close()
  })
})
