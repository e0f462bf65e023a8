/** exec, attach, cp, port-forward, logs and debug by the real kubectl: over WebSockets, and over SPDY as older ones. */
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { Exec, KubeConfig, PortForward } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type ExecResult, run } from '../../src/lib/exec.ts'
import { eventually, startCluster, type TestCluster } from '../harness.ts'

let cluster: TestCluster
const directory = mkdtempSync(join(tmpdir(), 'fairway-streams-'))

const manifest = `
{apiVersion: v1, kind: Pod, metadata: {name: sleeper}, spec: {containers: [
  {name: main, image: busybox, command: [sleep, '1000']}, {name: side, image: busybox, command: [sleep, '1000']}]}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, selector: {matchLabels: {app: web}},
  template: {metadata: {labels: {app: web}}, spec: {containers: [
    {name: nginx, image: nginx, ports: [{name: http, containerPort: 80}]}]}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 8080, targetPort: http}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: counter}, spec: {containers: [{name: main, image: busybox, command: [
  sh, -c, 'n=$(cat /data/n || echo 0); echo $((n + 1)) > /data/n; echo run $n; echo oops >&2; [ $n -gt 0 ] && sleep 1000; exit 3'],
  volumeMounts: [{name: data, mountPath: /data}]}], volumes: [{name: data, emptyDir: {}}]}}
`

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.apply(manifest)
  await cluster.kubectl('wait', 'pod', '--all', '--for=condition=Ready', '--timeout=30s')
})

afterAll(async () => {
  await cluster.down()
  rmSync(directory, { recursive: true })
})

const kubectl = (args: readonly string[], options: { input?: string; spdy?: boolean } = {}): Promise<ExecResult> =>
  run('kubectl', ['--context', 'fairway', ...args], {
    timeoutMs: 30_000,
    ...(options.input !== undefined && { input: options.input }),
    ...(options.spdy && { env: spdyOnly }),
  })

/** As kubectl before 1.31. */
const spdyOnly = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' }

/** kubectl on a terminal, which `input` is typed into once `when` is shown. */
function onTerminal(command: string, { when, input }: { when: RegExp; input: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qec', `kubectl --context fairway ${command}`, '/dev/null'], { stdio: 'pipe' })
    const deadline = setTimeout(() => child.kill('SIGKILL'), 30_000)
    let text = ''
    let typed = false
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (typed || !when.test(text)) return
      typed = true
      child.stdin.write(input)
    })
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(deadline)
      resolve(`${text}exit code ${code}`)
    })
  })
}

/** `kubectl port-forward`, as long as `use` lasts; what it printed. */
async function forwarding(args: readonly string[], use: (port: number) => Promise<void>, spdy: boolean) {
  const env = { ...process.env, ...(spdy && spdyOnly) }
  const child = spawn('kubectl', ['--context', 'fairway', 'port-forward', ...args], { env, stdio: 'pipe' })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
  }
  const ended = new Promise((resolve) => child.once('close', resolve))
  try {
    const [, port] = await eventually(
      'a forwarded port',
      async () => /Forwarding from \S+:(\d+) ->/.exec(text) ?? undefined,
    )
    await use(Number(port))
  } finally {
    child.kill()
    await ended
  }
  return text
}

/** To the API server, as the user of the kubeconfig. */
async function webSocket(path: string, protocols: readonly string[]): Promise<WebSocket> {
  const view = JSON.parse(await cluster.kubectl('config', 'view', '--raw', '--minify', '-o', 'json')) as {
    clusters: { cluster: Record<string, string> }[]
    users: { user: Record<string, string> }[]
  }
  const [server, user] = [view.clusters[0]?.cluster ?? {}, view.users[0]?.user ?? {}]
  const pem = (data: string | undefined) => Buffer.from(data ?? '', 'base64')
  return new WebSocket(`${server['server']?.replace('https:', 'wss:')}${path}`, [...protocols], {
    ca: pem(server['certificate-authority-data']),
    cert: pem(user['client-certificate-data']),
    key: pem(user['client-key-data']),
  })
}

const restarts = (pod: string) =>
  cluster.kubectl('get', 'pod', pod, '-o', 'jsonpath={.status.containerStatuses[0].restartCount}')

describe.each([
  ['WebSockets', false],
  ['SPDY', true],
] as const)('over %s', (_, spdy) => {
  test('exec passes input and both outputs, and ends with the exit code of the command', async () => {
    const script = 'cat; echo oops >&2; exit 7'
    const { code, stdout, stderr } = await kubectl(['exec', '-i', 'sleeper', '-c', 'main', '--', 'sh', '-c', script], {
      input: 'hello\n',
      spdy,
    })
    expect({ code, stdout, stderr }).toEqual({
      code: 7,
      stdout: 'hello\n',
      stderr: 'oops\ncommand terminated with exit code 7\n',
    })
  })

  test('what cannot be executed is told', async () => {
    const cases: [args: string[], message: string][] = [
      [['exec', 'none', '--', 'true'], 'Error from server (NotFound): pods "none" not found\n'],
      [
        ['exec', 'sleeper', '-c', 'x', '--', 'true'],
        'Error from server (BadRequest): container x is not valid for pod sleeper\n',
      ],
    ]
    for (const [args, message] of cases) expect((await kubectl(args, { spdy })).stderr).toBe(message)
  })

  test('cp takes files both ways, whole', async () => {
    const bytes = randomBytes(8_000_000)
    const name = spdy ? 'spdy' : 'websocket'
    const tree = join(directory, name)
    mkdirSync(join(tree, 'sub'), { recursive: true })
    writeFileSync(join(tree, 'sub/blob'), bytes)
    expect((await kubectl(['cp', '-c', 'main', tree, `sleeper:/tmp/${name}`], { spdy })).code).toBe(0)
    const sum = createHash('sha256').update(bytes).digest('hex')
    expect(await cluster.inPod('sleeper -c main', 'sha256sum', `/tmp/${name}/sub/blob`)).toContain(sum)
    const back = join(directory, `back-${name}`)
    expect((await kubectl(['cp', '-c', 'main', `sleeper:/tmp/${name}/sub/blob`, back], { spdy })).code).toBe(0)
    expect(readFileSync(back).equals(bytes)).toBe(true)
  })

  test('port-forward to a pod, a Deployment and a Service, many connections at once', async () => {
    const get = async (port: number) =>
      (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).text()
    for (const target of ['deploy/web', 'svc/web']) {
      const text = await forwarding(
        [target, target === 'svc/web' ? ':8080' : ':http', '--address', '127.0.0.1'],
        async (port) => {
          const pages = await Promise.all(Array.from({ length: 30 }, () => get(port)))
          expect(pages.filter((page) => page.includes('Welcome to nginx')).length).toBe(30)
        },
        spdy,
      )
      expect(text).not.toContain('error')
    }
  })

  test('port-forward to a port that nobody listens on says so', async () => {
    const text = await forwarding(
      ['deploy/web', ':81'],
      async (port) => {
        await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow()
      },
      spdy,
    )
    expect(text).toMatch(
      /error forwarding port 81 to pod \S+, uid : failed to execute portforward in network namespace/,
    )
    expect(text).toContain('dial tcp4 127.0.0.1:81: connect: connection refused')
  })
})

describe('without kubectl', () => {
  test('a log is read over a WebSocket, plain and in base64', async () => {
    const read = async (protocol: string) => {
      const path = '/api/v1/namespaces/default/pods/counter/log?tailLines=1&previous=true'
      const socket = await webSocket(path, [protocol])
      const messages: string[] = []
      socket.on('message', (message: Buffer) => messages.push(message.toString()))
      const [code] = (await once(socket, 'close')) as [number]
      return { code, protocol: socket.protocol, messages }
    }
    await eventually('a restart', async () => (await restarts('counter')) === '1', 40_000)
    const text = 'oops\n'
    expect(await read('binary.k8s.io')).toEqual({ code: 1000, protocol: 'binary.k8s.io', messages: ['', text] })
    expect((await read('base64.binary.k8s.io')).messages).toEqual(['', Buffer.from(text).toString('base64')])
  })

  test('the JavaScript client executes and forwards', async () => {
    const config = new KubeConfig()
    config.loadFromString(await cluster.kubectl('config', 'view', '--raw', '--minify'))
    const [output, errors] = [new PassThrough(), new PassThrough()]
    const input = new PassThrough()
    const status = await new Promise((resolve, reject) => {
      const command = ['sh', '-c', 'head -n1; echo oops >&2; exit 7']
      const executed = new Exec(config).exec(
        'default',
        'sleeper',
        'main',
        command,
        output,
        errors,
        input,
        false,
        resolve,
      )
      executed.catch(reject)
      input.write('hello\n')
    })
    expect(status).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode' })
    expect([output.read(), errors.read()].map(String)).toEqual(['hello\n', 'oops\n'])

    const [page, request] = [new PassThrough(), new PassThrough()]
    const pod = await cluster.kubectl('get', 'pod', '-l', 'app=web', '-o', 'jsonpath={.items[0].metadata.name}')
    await new PortForward(config).portForward('default', pod, [80], page, new PassThrough(), request)
    request.write('GET / HTTP/1.0\r\n\r\n')
    let text = ''
    for await (const piece of page as AsyncIterable<Buffer>) {
      text += piece.toString()
      if (text.includes('</html>')) break
    }
    expect(text).toContain('Welcome to nginx')
  })

  test('port-forward has its channels, as clients in browsers use them', async () => {
    const pod = await cluster.kubectl('get', 'pod', '-l', 'app=web', '-o', 'jsonpath={.items[0].metadata.name}')
    const socket = await webSocket(`/api/v1/namespaces/default/pods/${pod}/portforward?ports=80`, ['v4.channel.k8s.io'])
    const channels = ['', '']
    socket.on('message', (message: Buffer) => {
      channels[message[0] ?? 0] += message.toString('latin1', 1)
    })
    await once(socket, 'open')
    socket.send(Buffer.from('\0GET / HTTP/1.0\r\n\r\n'))
    expect(((await once(socket, 'close')) as [number])[0]).toBe(1000)
    expect(channels[0]).toMatch(/^P\0HTTP\/1\.1 200 OK\r\n[^]*Welcome to nginx/)
    expect(channels[1]).toBe('P\0')
  })
})

describe('run and attach', () => {
  test('run -i passes input to a pod that ends with it', async () => {
    const args = ['run', 'once', '--image=busybox', '--restart=Never', '--rm', '-i', '--', 'sh', '-c', 'cat; exit 4']
    const { code, stdout } = await kubectl(args, { input: 'hello\n' })
    expect(stdout).toMatch(/^hello\n/)
    expect(code).toBe(4)
  })

  test('run -it is a shell; attach comes back to it', async () => {
    const script = `'echo "tty $(tty)"; while read line; do [ "$line" = bye ] && exit 5; echo "got $line"; done'`
    const created = kubectl([
      'run',
      'shell',
      '--image=busybox',
      '--restart=Never',
      '--stdin',
      '--tty',
      '--attach=false',
      '--',
      'sh',
      '-c',
      script.slice(1, -1),
    ])
    expect((await created).code).toBe(0)
    await cluster.kubectl('wait', 'pod', 'shell', '--for=condition=Ready', '--timeout=20s')
    const text = await onTerminal('attach -it shell', { when: /press|prompt/, input: 'first\rbye\r' })
    expect(text).toContain('got first')
    expect(await cluster.kubectl('logs', 'shell')).toMatch(/^tty \/dev\/pts\/0\r?\n/)
    const exitCode = '{.status.containerStatuses[0].state.terminated.exitCode}'
    await eventually(
      'the end of the shell',
      async () => (await cluster.kubectl('get', 'pod', 'shell', '-o', `jsonpath=${exitCode}`)) === '5',
    )
  })

  test('exec -it has the size of the user’s terminal', async () => {
    const text = await onTerminal('exec -it sleeper -c main -- sh', { when: /[#$] /, input: 'stty size; exit 3\r' })
    expect(text).toMatch(/\r\n\d+ \d+\r\n/)
    expect(text).toContain('exit code 3')
  })
})

describe('logs', () => {
  test('of a container that was restarted: this run, the one before, both followed', async () => {
    await eventually('a restart', async () => (await restarts('counter')) === '1', 40_000)
    await eventually('its log', async () => (await cluster.kubectl('logs', 'counter')).includes('run 1\n'))
    await eventually('all of it', async () => (await cluster.kubectl('logs', 'counter')).includes('oops\n'))
    expect(await cluster.kubectl('logs', 'counter', '--previous')).toContain('run 0\n')
    expect(await cluster.kubectl('logs', 'counter', '--tail=5', '--since=1h')).toContain('run 1\n')
    expect(await cluster.kubectl('logs', 'counter', '--timestamps', '--limit-bytes=10')).toMatch(/^\d{4}-\d\d-\d\d$/)
    const one = (stream: string) =>
      cluster.kubectl('get', '--raw', `/api/v1/namespaces/default/pods/counter/log?stream=${stream}`)
    expect([await one('Stdout'), await one('Stderr')]).toEqual(['run 1\n', 'oops\n'])
  })

  test('of several containers and pods, with their names', async () => {
    const text = await cluster.kubectl('logs', '-l', 'app=web', '--prefix', '--all-containers', '--tail=1')
    expect(text.trim().split('\n').length).toBe(2)
    expect(text).toMatch(/^\[pod\/web-\S+\/nginx\] /)
  })

  test('that cannot be had say why', async () => {
    await cluster.apply(
      '{apiVersion: v1, kind: Pod, metadata: {name: pulling}, spec: {containers: [{name: c, image: nowhere.example/x}]}}',
    )
    const waiting = '{.status.containerStatuses[0].state.waiting.reason}'
    await eventually('a failed pull', async () =>
      /ErrImagePull|ImagePullBackOff/.test(await cluster.kubectl('get', 'pod', 'pulling', '-o', `jsonpath=${waiting}`)),
    )
    const raw = (path: string) => kubectl(['get', '--raw', `/api/v1/namespaces/default/pods/${path}`])
    const cases: [args: string[], message: string | RegExp][] = [
      [['logs', 'none'], 'error: error from server (NotFound): pods "none" not found in namespace "default"\n'],
      [
        ['logs', 'pulling'],
        /^Error from server \(BadRequest\): container "c" in pod "pulling" is waiting to start: (image can't be pulled|trying and failing to pull image)\n$/,
      ],
      [['logs', 'sleeper', '-c', 'x'], 'error: container x is not valid for pod sleeper\n'],
      [
        ['logs', 'sleeper', '-c', 'main', '--previous'],
        'Error from server (BadRequest): previous terminated container "main" in pod "sleeper" not found\n',
      ],
    ]
    for (const [args, message] of cases) expect((await kubectl(args)).stderr).toMatch(message)
    expect((await raw('sleeper/log')).stderr).toBe(
      'Error from server (BadRequest): a container name must be specified for pod sleeper, choose one of: [main side]\n',
    )
    expect((await raw('sleeper/log?container=main&stream=x')).stderr).toContain(
      'supported values: "All", "Stderr", "Stdout"',
    )
    expect((await raw('sleeper/exec?command=true&container=main')).stderr).toBe(
      'Error from server (BadRequest): Upgrade request required\n',
    )
  })
})

describe('debug', () => {
  test('adds a container to a pod, which sees the processes of its target', async () => {
    const image = ['--image=busybox', '--profile=general']
    const made = await kubectl(['debug', 'sleeper', ...image, '-c', 'look', '--target=main', '--', 'ps'])
    expect(made.code).toBe(0)
    const state = `{.status.ephemeralContainerStatuses[?(@.name=="look")].state.terminated.reason}`
    await eventually(
      'its end',
      async () => (await cluster.kubectl('get', 'pod', 'sleeper', '-o', `jsonpath=${state}`)) === 'Completed',
    )
    expect(await cluster.kubectl('logs', 'sleeper', '-c', 'look')).toMatch(/ 1 .* sleep/)
    const again = await kubectl([
      'patch',
      'pod',
      'sleeper',
      '--subresource=ephemeralcontainers',
      '--type=merge',
      '-p',
      '{"spec":{"ephemeralContainers":[]}}',
    ])
    expect(again.stderr).toContain(
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "look" may not be removed',
    )
  })

  test('is a shell in the pod', async () => {
    const text = await onTerminal('debug sleeper -it --image=busybox --profile=general -c shell -- sh', {
      when: /[#$] /,
      input: 'hostname; exit\r',
    })
    expect(text).toContain('\r\nsleeper\r\n')
  })

  test('makes a copy of a pod whose containers share their processes', async () => {
    const args = [
      'debug',
      'sleeper',
      '--copy-to=copy',
      '--share-processes',
      '--image=busybox',
      '--profile=general',
      '-c',
      'look',
      '--',
      'sleep',
      '1000',
    ]
    expect((await kubectl(args)).code).toBe(0)
    await cluster.kubectl('wait', 'pod', 'copy', '--for=condition=Ready', '--timeout=20s')
    const seen = await cluster.inPod('copy -c look', 'ps')
    expect(seen.match(/sleep/g)?.length).toBe(3)
  })
})
