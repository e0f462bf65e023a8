/** The answer to who may not, in kube-apiserver's words. */
import { forbiddenError, type StatusError } from '../../api/machinery/status.ts'
import type { Attributes } from './attributes.ts'

export function notAllowed(attributes: Attributes, reason: string): StatusError {
  const message = sanitized(messageOf(attributes))
  const why = reason ? `${message}: ${reason}` : message
  if (attributes.type === 'path') return forbiddenError({ group: '', resource: '' }, '', why)
  const { group, resource, name } = attributes
  return forbiddenError({ group, resource }, name, why)
}

function messageOf(attributes: Attributes): string {
  const who = `User ${JSON.stringify(attributes.user.name)} cannot ${attributes.verb}`
  if (attributes.type === 'path') return `${who} path ${JSON.stringify(attributes.path)}`
  const { resource, subresource, group, namespace } = attributes
  const what = JSON.stringify(subresource ? `${resource}/${subresource}` : resource)
  const where = namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope'
  return `${who} resource ${what} in API group ${JSON.stringify(group)} ${where}`
}

/** Names come from whoever asks, and some clients show messages in browsers. */
function sanitized(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
