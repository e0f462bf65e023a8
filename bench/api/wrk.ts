/** Load by wrk: one thread, 32 connections kept alive, over TLS. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../src/lib/exec.ts'
import type { Served } from './server.ts'

export interface Load {
  readonly path: string
  /** Posted instead of got; each `NAME` in it becomes a name of its own. */
  readonly body?: object
  /** JSON where it is not given. */
  readonly accept?: string
}

let loads = 0

/** Requests a second. Throws when one of them fails. */
export async function wrk({ port, token }: Served, { path, body, accept }: Load, seconds: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-api-'))
  try {
    const script = join(directory, 'load.lua')
    writeFileSync(script, body ? posting(path, body) : '')
    const headers = ['-H', `Authorization: Bearer ${token}`, ...(accept ? ['-H', `Accept: ${accept}`] : [])]
    const options = ['-t1', '-c32', `-d${seconds}s`, '-s', script, ...headers]
    const { stdout } = await run('wrk', [...options, `https://127.0.0.1:${port}${path}`])
    if (stdout.includes('Non-2xx')) throw new Error(`requests failed:\n${stdout}`)
    const rate = /Requests\/sec:\s*([\d.]+)/.exec(stdout)?.[1]
    if (!rate) throw new Error(`no rate in what wrk says:\n${stdout}`)
    return Number(rate)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function posting(path: string, body: object): string {
  return `
local count = 0
wrk.headers["Content-Type"] = "application/json"
request = function()
  count = count + 1
  local body = string.gsub([[${JSON.stringify(body)}]], "NAME", "load-${loads++}-" .. count)
  return wrk.format("POST", ${JSON.stringify(path)}, nil, body)
end
`
}
