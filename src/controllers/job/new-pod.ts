/** Pods as a Job makes them. */
import { isIndexed } from '../../api/batch/conditions.ts'
import type { Job } from '../../api/generated/batch.v1.ts'
import type { Container, Pod } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { podFromTemplate } from '../shared/template.ts'
import { judgeFailure } from './failure-policy.ts'
import {
  failureCountAnnotation,
  failureCounts,
  ignoredCountAnnotation,
  indexAnnotation,
  trackingFinalizer,
} from './pods.ts'

const indexVariable = 'JOB_COMPLETION_INDEX'
/** A generated name is cut to this before its suffix. */
const generateNameMax = 58

/** `replaced`: the failed pod of the same index, where indexes have a limit of failures. */
export function newPod(job: Job, index: number | undefined, replaced: Pod | undefined): Pod {
  const pod = podFromTemplate(job.spec?.template, { resource: resources.jobs, owner: job })
  const finalizers = [...(pod.metadata.finalizers ?? [])]
  if (!finalizers.includes(trackingFinalizer)) finalizers.push(trackingFinalizer)
  pod.metadata.finalizers = finalizers
  if (!isIndexed(job) || index === undefined) return pod
  const { name } = job.metadata
  const metadata = {
    ...pod.metadata,
    generateName: nameWithIndex(name, index),
    labels: { ...pod.metadata.labels, [indexAnnotation]: String(index) },
    annotations: { ...pod.metadata.annotations, [indexAnnotation]: String(index), ...failuresOf(job, replaced) },
  }
  const spec = { containers: [], ...pod.spec, hostname: `${name}-${index}` }
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) addIndex(container)
  return { ...pod, metadata, spec }
}

function nameWithIndex(name: string, index: number): string {
  const suffix = `-${index}-`
  return name.slice(0, generateNameMax - suffix.length) + suffix
}

function addIndex(container: Container): void {
  const env = (container.env ??= [])
  if (env.some(({ name }) => name === indexVariable)) return
  env.push({ name: indexVariable, valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexAnnotation}']` } } })
}

function failuresOf(job: Job, replaced: Pod | undefined): Record<string, string> {
  if (job.spec?.backoffLimitPerIndex === undefined) return {}
  if (!replaced) return { [failureCountAnnotation]: '0' }
  const { counted, ignored } = failureCounts(replaced)
  const counts = judgeFailure(job, replaced).counts
  const ignoredNow = ignored + (counts ? 0 : 1)
  return {
    [failureCountAnnotation]: String(counted + (counts ? 1 : 0)),
    ...(ignoredNow > 0 && { [ignoredCountAnnotation]: String(ignoredNow) }),
  }
}
