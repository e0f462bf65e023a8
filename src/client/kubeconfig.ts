/** Reads a kubeconfig file (v1 Config, YAML or JSON) into what a transport needs. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { ConnectionConfig } from './https.ts'

interface Kubeconfig {
  readonly 'current-context'?: string
  readonly contexts?: readonly {
    readonly name: string
    readonly context: { readonly cluster: string; readonly user: string }
  }[]
  readonly clusters?: readonly {
    readonly name: string
    readonly cluster: Readonly<Record<string, string | boolean | undefined>>
  }[]
  readonly users?: readonly { readonly name: string; readonly user: Readonly<Record<string, string | undefined>> }[]
}

export class KubeconfigError extends Error {
  constructor(path: string, what: string) {
    super(`kubeconfig ${path}: ${what}`)
    this.name = 'KubeconfigError'
  }
}

/** The connection of `context` (default: the file's current context). Relative file names are the file's neighbours. */
export async function loadKubeconfig(path: string, context?: string): Promise<ConnectionConfig> {
  const config = await parse(path)
  const name = context ?? config['current-context']
  const chosen = config.contexts?.find((c) => c.name === name)?.context
  if (!chosen) throw new KubeconfigError(path, `no context ${JSON.stringify(name ?? '')}`)
  const cluster = config.clusters?.find((c) => c.name === chosen.cluster)?.cluster
  if (!cluster) throw new KubeconfigError(path, `no cluster ${JSON.stringify(chosen.cluster)}`)
  const user = config.users?.find((u) => u.name === chosen.user)?.user ?? {}
  const server = cluster['server']
  if (typeof server !== 'string')
    throw new KubeconfigError(path, `cluster ${JSON.stringify(chosen.cluster)} names no server`)
  const read = (entry: Readonly<Record<string, string | boolean | undefined>>, field: string) => pem(path, entry, field)
  const ca = read(cluster, 'certificate-authority')
  const cert = read(user, 'client-certificate')
  const key = read(user, 'client-key')
  const tokenFile = user['tokenFile']
  const token = user['token'] ?? (tokenFile && readFileSync(resolve(dirname(path), tokenFile), 'utf8').trim())
  return {
    server,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(token && { token }),
    ...(cluster['insecure-skip-tls-verify'] === true && { insecureSkipTlsVerify: true }),
  }
}

/** JSON is tried first: Fairway writes its own kubeconfigs so that its processes need not load a YAML parser. */
async function parse(path: string): Promise<Kubeconfig> {
  const text = readFileSync(path, 'utf8')
  if (text.trimStart().startsWith('{')) return JSON.parse(text) as Kubeconfig
  const { parse: parseYaml } = await import('yaml')
  return (parseYaml(text) as Kubeconfig | null) ?? {}
}

/** `FIELD-data` (base64) or the file `FIELD` names. */
function pem(
  path: string,
  entry: Readonly<Record<string, string | boolean | undefined>>,
  field: string,
): string | undefined {
  const data = entry[`${field}-data`]
  if (typeof data === 'string') return Buffer.from(data, 'base64').toString()
  const file = entry[field]
  return typeof file === 'string' ? readFileSync(resolve(dirname(path), file), 'utf8') : undefined
}
