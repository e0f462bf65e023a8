import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestAgent, TestNode } from '../testing/node.ts'
import { TestServing } from '../testing/serving.ts'

let node: TestNode
let agent: TestAgent
let serving: TestServing

beforeAll(async () => {
  node = await TestNode.prepare()
  agent = await node.startAgent()
  serving = await TestServing.start(node, agent)
  const script = 'for i in 1 2 3; do echo line $i; done; read x < /tmp/go; echo last'
  node.createPod('talker', { command: ['sh', '-c', `mkfifo /tmp/go; ${script}`] }, { restartPolicy: 'Never' })
  await node.untilRunning('talker')
  await get('/containerLogs/default/talker/main?follow=true&limitBytes=21')
})

afterAll(async () => {
  await serving[Symbol.asyncDispose]()
  agent.stop()
  await node.remove()
})

const get = (path: string, onData?: (text: string) => void) => serving.get(path, onData)

test('a caller without a certificate is refused', async () => {
  expect(await serving.get('/healthz', undefined, 'nobody')).toEqual({ status: 401, body: 'Unauthorized' })
  expect(await get('/healthz')).toEqual({ status: 200, body: 'ok' })
})

describe('logs', () => {
  test('are cut', async () => {
    const all = async () => (await get('/containerLogs/default/talker/main')).body
    await expect.poll(all).toBe('line 1\nline 2\nline 3\n')
    expect((await get('/containerLogs/default/talker/main?tailLines=1')).body).toBe('line 3\n')
    expect((await get('/containerLogs/default/talker/main?limitBytes=4')).body).toBe('line')
    expect((await get('/containerLogs/default/talker/main?timestamps=true&tailLines=1')).body).toMatch(
      /^\S+Z line 3\n$/,
    )
  })

  test('are followed until there are as many bytes as wanted', async () => {
    expect((await get('/containerLogs/default/talker/main?follow=true&limitBytes=9')).body).toBe('line 1\nli')
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
      spawn(file, [...args])
    })
    expect(body).toBe('line 1\nline 2\nline 3\nlast\n')
  })

  test('are whole and in order though files change meanwhile', async () => {
    const count = 700_000
    // 31 MB with what is noted of each line: more than two files hold.
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
    const cases: [path: string, status: number, body: string][] = [
      ['none/main', 404, 'pod "none" does not exist\n'],
      ['talker/other', 404, 'container "other" not found in pod "talker"\n'],
      ['talker/main?previous=true', 400, 'previous terminated container "main" in pod "talker" not found'],
      ['talker/main?tailLines=x', 400, 'tailLines must be a number, not "x"\n'],
    ]
    for (const [path, status, body] of cases) {
      expect(await get(`/containerLogs/default/${path}`), path).toEqual({ status, body })
    }
  })

  test('of a container that waits say why', async () => {
    node.createPod('pulling', { image: 'nowhere.example/none' })
    const waiting = (reason: string) => () =>
      node.pod('pulling')?.status?.containerStatuses?.[0]?.state?.waiting?.reason === reason
    const said = 'container "main" in pod "pulling" is waiting to start: '
    await node.api.until('ErrImagePull', waiting('ErrImagePull'))
    expect(await get('/containerLogs/default/pulling/main')).toEqual({
      status: 400,
      body: `${said}image can't be pulled`,
    })
    await node.api.until('ImagePullBackOff', waiting('ImagePullBackOff'), 30_000)
    expect((await get('/containerLogs/default/pulling/main')).body).toBe(`${said}trying and failing to pull image`)
    await node.deletePod('pulling')
  }, 60_000)

  test('of the run before are there while a container waits to run again', async () => {
    node.createPod('crashing', { command: ['sh', '-c', 'echo run; echo why >&2; exit 1'] })
    const backingOff = () =>
      node.pod('crashing')?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff'
    await node.api.until('CrashLoopBackOff', backingOff)
    const path = '/containerLogs/default/crashing/main'
    const both = { status: 200, body: 'run\nwhy\n' }
    const sorted = ({ status, body }: { status: number; body: string }) => ({
      status,
      body: `${body.trimEnd().split('\n').sort().join('\n')}\n`,
    })
    expect(sorted(await get(path))).toEqual(both)
    expect(sorted(await get(`${path}?previous=true&follow=true`))).toEqual(both)
    expect((await get(`${path}?stream=Stdout`)).body).toBe('run\n')
    expect((await get(`${path}?stream=Stderr`)).body).toBe('why\n')
    await node.deletePod('crashing')
  })
})
