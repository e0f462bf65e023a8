/** Kubeconfig files: those of the cluster's parts, and the cluster's entry in the user's own. */
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Document, YAMLMap, YAMLSeq } from 'yaml'

export interface Credentials {
  /** Name of context, cluster and user. */
  readonly name: string
  readonly server: string
  readonly ca: string
  readonly cert: string
  readonly key: string
}

interface Entry {
  readonly name: string
}

interface KubeconfigFile {
  apiVersion?: string
  kind?: string
  'current-context'?: string
  clusters?: Entry[]
  contexts?: Entry[]
  users?: Entry[]
}

/** PEM texts go in as `…-data`, so that the file stands alone. */
export function kubeconfig({ name, server, ca, cert, key }: Credentials) {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [{ name, user: { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  }
}

/** For parts that have the PEM files beside them or in `directory`. */
export function kubeconfigOfFiles(options: { server: string; directory?: string; user: string }) {
  const at = (file: string) => (options.directory ? join(options.directory, file) : file)
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'default', cluster: { server: options.server, 'certificate-authority': at('ca.crt') } }],
    users: [{ name: options.user, user: { 'client-certificate': at('tls.crt'), 'client-key': at('tls.key') } }],
    contexts: [{ name: 'default', context: { cluster: 'default', user: options.user } }],
    'current-context': 'default',
  }
}

/** The file kubectl would write to: the first of KUBECONFIG, or ~/.kube/config. */
export function userKubeconfigPath(environment: Readonly<Record<string, string | undefined>>): string {
  const first = environment['KUBECONFIG']?.split(':').find((path) => path !== '')
  return first ?? join(homedir(), '.kube', 'config')
}

/** What `removeFromUserKubeconfig` needs to leave the file as it was. */
export interface Merged {
  readonly path: string
  readonly previousContext: string
  readonly created: boolean
}

/** Adds (or replaces) the cluster's context and makes it the current one. Comments and other entries stay. */
export async function addToUserKubeconfig(path: string, credentials: Credentials): Promise<Merged> {
  const created = !existsSync(path)
  const ours = kubeconfig(credentials)
  if (created) {
    write(path, await yaml(ours))
    return { path, previousContext: '', created }
  }
  const { document, content } = await read(path)
  const previous = content['current-context'] ?? ''
  for (const list of lists) {
    const entries = entriesOf(document, list)
    removeEntry(entries, credentials.name)
    for (const entry of ours[list]) entries.add(document.createNode(entry))
  }
  if (!content.apiVersion) document.set('apiVersion', 'v1')
  if (!content.kind) document.set('kind', 'Config')
  document.set('current-context', credentials.name)
  write(path, document.toString())
  return { path, previousContext: previous === credentials.name ? '' : previous, created }
}

/** Takes the context out again; the former current context comes back if it is still there. */
export async function removeFromUserKubeconfig(name: string, merged: Merged): Promise<void> {
  const { path, previousContext, created } = merged
  if (!existsSync(path)) return
  const { document, content } = await read(path)
  let left = 0
  for (const list of lists) {
    const entries = entriesOf(document, list)
    removeEntry(entries, name)
    left += entries.items.length
  }
  if (left === 0 && created) {
    rmSync(path)
    return
  }
  if (content['current-context'] === name) {
    const restorable = content.contexts?.some((entry) => entry.name === previousContext)
    document.set('current-context', restorable ? previousContext : '')
  }
  write(path, document.toString())
}

const lists = ['clusters', 'users', 'contexts'] as const

/** The list in the document itself, so that what stands beside our entries keeps its comments and its shape. */
function entriesOf(document: Document, list: (typeof lists)[number]): YAMLSeq {
  const found = document.get(list)
  // `clusters: null` and `clusters: []` are how kubectl writes an empty list.
  if (found && typeof found === 'object' && 'items' in found) {
    const entries = found as YAMLSeq
    if (entries.items.length === 0) entries.flow = false
    return entries
  }
  document.set(list, document.createNode([]))
  const created = document.get(list) as YAMLSeq
  created.flow = false
  return created
}

function removeEntry(entries: YAMLSeq, name: string): void {
  entries.items = entries.items.filter((entry) => (entry as YAMLMap).get('name') !== name)
}

async function read(path: string) {
  const { isMap, parseDocument } = await import('yaml')
  const text = readText(path)
  // An empty file has no map to set entries in.
  const document = parseDocument(text.trim() === '' ? '{}' : text)
  if (document.errors[0]) throw new Error(`kubeconfig ${path}: ${document.errors[0].message}`)
  if (document.contents && !isMap(document.contents)) throw new Error(`kubeconfig ${path}: not a kubeconfig`)
  return { document, content: (document.toJS() as KubeconfigFile | null) ?? {} }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`kubeconfig ${path} cannot be read: ${messageOf(error)}`, { cause: error })
  }
}

async function yaml(value: unknown): Promise<string> {
  const { stringify } = await import('yaml')
  return stringify(value, { lineWidth: 0 })
}

/**
 * Whole or not at all: a reader never sees half a file. A symbolic link goes on leading to it, and what is no file (a
 * device: KUBECONFIG=/dev/null) is written to, as by kubectl, never replaced.
 */
function write(path: string, text: string): void {
  const there = statSync(path, { throwIfNoEntry: false })
  const file = there ? realpathSync(path) : path
  const next = `${file}.fairway-${process.pid}`
  try {
    if (there && !there.isFile()) return writeFileSync(file, text)
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(next, text, { mode: 0o600 })
    renameSync(next, file)
  } catch (error) {
    rmSync(next, { force: true })
    throw new Error(`kubeconfig ${path} cannot be written: ${messageOf(error)}`, { cause: error })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
