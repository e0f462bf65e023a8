/** pods/log: the bytes of the agent's answer, as they come. */
import { type FieldError, forbidden, invalid, notSupported, Path } from '../../api/machinery/field.ts'
import { badRequest, internalError, invalidError, StatusError } from '../../api/machinery/status.ts'
import type { ApiResponse } from '../../client/transport.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'
import { text } from '../http/respond.ts'
import { parseInteger } from '../read/options.ts'
import { locatePod } from './agent.ts'

/** Parameters that mean the same to the agent. */
const passedOn = [
  'follow',
  'previous',
  'timestamps',
  'sinceSeconds',
  'sinceTime',
  'tailLines',
  'limitBytes',
  'stream',
] as const

const streams = ['All', 'Stderr', 'Stdout']

export async function handleLog(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  const { query, namespace, name } = request
  const errors = validateLogOptions(query)
  if (errors.length > 0) throw invalidError({ group: '', resource: 'PodLogOptions' }, name, errors)
  const target = await locatePod(context, request, query.get('container') ?? '')
  // Not scheduled yet: an empty log, as Kubernetes has it.
  if (!target.address) return text(200, '', logHeaders)
  const { container, address } = target
  const parameters = new URLSearchParams()
  for (const parameter of passedOn) {
    const value = query.get(parameter)
    if (value !== null) parameters.set(parameter, value)
  }
  const path = `/containerLogs/${namespace}/${name}/${container}${parameters.size > 0 ? `?${parameters.toString()}` : ''}`
  const answer = await context.agents.get(address, path, request.signal)
  if (answer.statusCode !== 200) throw await refusal(name, answer.statusCode ?? 500, answer)
  return { status: 200, headers: logHeaders, body: answer }
}

const logHeaders = { 'content-type': 'text/plain' }

/** As kube-apiserver checks PodLogOptions. */
function validateLogOptions(query: URLSearchParams): FieldError[] {
  const [tailLines, limitBytes, sinceSeconds] = ['tailLines', 'limitBytes', 'sinceSeconds'].map((name) => {
    const text = query.get(name)
    return text ? parseInteger(text) : undefined
  })
  const errors: FieldError[] = []
  const atLeastOne = (name: string, value: number | undefined) => {
    if (value !== undefined && value < 1) errors.push(invalid(Path.of(name), value, 'must be greater than 0'))
  }
  if (tailLines !== undefined && tailLines < 0) {
    errors.push(invalid(Path.of('tailLines'), tailLines, 'must be greater than or equal to 0'))
  }
  atLeastOne('limitBytes', limitBytes)
  if (sinceSeconds === undefined || !query.get('sinceTime')) atLeastOne('sinceSeconds', sinceSeconds)
  else errors.push(forbidden(Path.of('[]'), 'at most one of `sinceTime` or `sinceSeconds` may be specified'))
  const stream = query.get('stream') ?? 'All'
  if (!streams.includes(stream)) errors.push(notSupported(Path.of('stream'), stream, streams))
  if (stream !== 'All' && tailLines !== undefined) {
    const why = '`tailLines` and specific `stream` are mutually exclusive for now'
    errors.push(forbidden(Path.of('[]'), why))
  }
  return errors
}

/** The agent says in plain text why it has no log. */
async function refusal(name: string, code: number, body: AsyncIterable<Buffer>): Promise<StatusError> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  const message = Buffer.concat(chunks).toString()
  if (code === 400) return badRequest(message)
  if (code !== 404) return internalError(message)
  return new StatusError({
    code,
    reason: 'NotFound',
    message: `the server could not find the requested resource ( pods/log ${name})`,
    details: { name, kind: 'pods/log', causes: [{ reason: 'UnexpectedServerResponse', message }] },
  })
}
