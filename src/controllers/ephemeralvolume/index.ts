/** Ephemeral volume controller: makes the claims of pods' ephemeral volumes (KEP-1698). A claim goes with its pod. */
import { claimNameOf, claimProblem } from '../../api/core/pod/claims.ts'
import type { PersistentVolumeClaim, Pod, Volume } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { byClaim } from '../persistentvolume/context.ts'
import { namespaceTerminating } from '../shared/gone.ts'
import { controllerReference } from '../shared/owners.ts'

export function startEphemeralVolumeController(ctx: ControllerContext): void {
  const claims = ctx.informers.of(resources.persistentVolumeClaims)
  const pods = ctx.informers.indexed(resources.pods, byClaim)
  const events = ctx.events('ephemeral_volume')

  const provide = async (pod: Pod, volume: Volume): Promise<void> => {
    const wanted = claimFor(pod, volume)
    const existing = claims.get(objectKey(wanted))
    if (!existing) return void (await ctx.client.create(resources.persistentVolumeClaims, wanted))
    const problem = claimProblem(pod, volume, existing)
    if (problem) throw new Error(problem)
  }
  const queue = startQueue(ctx, {
    name: 'ephemeral-volume',
    after: [claims, pods],
    async reconcile(key) {
      const pod = pods.get(key)
      if (!pod || pod.metadata.deletionTimestamp) return
      for (const volume of ephemeralVolumes(pod)) {
        try {
          await provide(pod, volume)
        } catch (error) {
          if (namespaceTerminating(error)) return
          const { message } = error as Error
          events.event(pod, 'Warning', 'FailedBinding', `ephemeral volume ${volume.name}: ${message}`)
          throw error
        }
      }
    },
  })
  pods.onChange(({ type, object }) => {
    if (type === 'added' && ephemeralVolumes(object).length > 0) queue.add(objectKey(object))
  })
  claims.onChange(({ type, object }) => {
    if (type !== 'deleted') return
    for (const pod of pods.byIndex(byClaim.name, objectKey(object))) queue.add(objectKey(pod))
  })
}

function ephemeralVolumes({ spec }: Pod): Volume[] {
  return (spec?.volumes ?? []).filter(({ ephemeral }) => ephemeral !== undefined)
}

function claimFor(pod: Pod, volume: Volume): PersistentVolumeClaim {
  const { metadata: { annotations, labels } = {}, spec } = volume.ephemeral?.volumeClaimTemplate ?? {}
  return {
    metadata: {
      name: claimNameOf(pod, volume) ?? '',
      namespace: pod.metadata.namespace ?? '',
      ...(annotations && { annotations: { ...annotations } }),
      ...(labels && { labels: { ...labels } }),
      ownerReferences: [controllerReference(resources.pods, pod)],
    },
    ...(spec && { spec: structuredClone(spec) }),
  }
}
