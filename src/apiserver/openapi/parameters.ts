/** Parameters of operations, as OpenAPI v3 describes them. */
import type { Json } from './json.ts'

type ParameterType = 'string' | 'boolean' | 'integer'

function query(name: string, type: ParameterType, description: string): Json {
  return { name, in: 'query', description, schema: { type, uniqueItems: true } }
}

export function pathParameter(name: string, description: string): Json {
  return { name, in: 'path', required: true, description, schema: { type: 'string', uniqueItems: true } }
}

export const pretty = query('pretty', 'string', 'Indents the answer when it is "true".')

const dryRun = query('dryRun', 'string', 'With "All", every stage is processed and nothing is stored.')

export const writeParameters: readonly Json[] = [
  dryRun,
  query('fieldManager', 'string', 'The name of the actor that makes the change, at most 128 characters.'),
  query(
    'fieldValidation',
    'string',
    'What to do about unknown and duplicate fields: Ignore drops them, Warn (the default) also sends a warning for each, Strict fails the request.',
  ),
]

export const patchParameters: readonly Json[] = [
  ...writeParameters,
  query('force', 'boolean', 'An apply also takes fields that other managers own.'),
]

const selectionParameters: readonly Json[] = [
  query('continue', 'string', 'The position an earlier list with a limit ended at.'),
  query('fieldSelector', 'string', 'Restricts the answer to objects with these field values.'),
  query('labelSelector', 'string', 'Restricts the answer to objects with these labels.'),
  query('limit', 'integer', 'The largest number of objects to return.'),
  query('resourceVersion', 'string', 'Constrains which version of the data is served.'),
  query('resourceVersionMatch', 'string', 'How resourceVersion is applied to a list.'),
  query('sendInitialEvents', 'boolean', 'A watch begins with the existing objects.'),
  query('timeoutSeconds', 'integer', 'Ends the call after this time.'),
]

export const listParameters: readonly Json[] = [
  query('allowWatchBookmarks', 'boolean', 'The watch may send events of type BOOKMARK.'),
  ...selectionParameters,
  query('watch', 'boolean', 'Watch for changes instead of listing.'),
]

export const deleteParameters: readonly Json[] = [
  dryRun,
  query('gracePeriodSeconds', 'integer', 'Seconds until the object is removed.'),
  query('orphanDependents', 'boolean', 'Deprecated: use propagationPolicy.'),
  query('propagationPolicy', 'string', 'Whether and how dependents are collected: Orphan, Background or Foreground.'),
]

export const deleteCollectionParameters: readonly Json[] = [...selectionParameters, ...deleteParameters]

const container = query('container', 'string', 'The container, which may be left out where a pod has one.')

const streams: readonly Json[] = [
  container,
  query('stderr', 'boolean', 'Sends what the process writes to standard error.'),
  query('stdin', 'boolean', 'Passes on what is sent as standard input.'),
  query('stdout', 'boolean', 'Sends what the process writes to standard output.'),
  query('tty', 'boolean', 'The process has a terminal.'),
]

const proxy: readonly Json[] = [query('path', 'string', 'The path behind the proxy.')]

/** By kind of options, or by name of a subresource without such a kind. */
export const subresourceParameters: Readonly<Record<string, readonly Json[]>> = {
  NodeProxyOptions: proxy,
  PodAttachOptions: streams,
  PodExecOptions: [query('command', 'string', 'The program and its arguments; no shell reads them.'), ...streams],
  PodPortForwardOptions: [query('ports', 'integer', 'The ports to forward, where WebSockets are used.')],
  PodProxyOptions: proxy,
  ServiceProxyOptions: proxy,
  log: [
    container,
    query('follow', 'boolean', 'The answer goes on while the container writes.'),
    query('insecureSkipTLSVerifyBackend', 'boolean', 'The certificate of the node is not verified.'),
    query('limitBytes', 'integer', 'The answer ends after this many bytes.'),
    query('previous', 'boolean', 'The log of the instance before this one.'),
    query('sinceSeconds', 'integer', 'Lines that are no older than this.'),
    query('stream', 'string', 'Which of All, Stdout and Stderr is sent.'),
    query('tailLines', 'integer', 'How many of the last lines are sent.'),
    query('timestamps', 'boolean', 'Every line begins with its time.'),
  ],
}
