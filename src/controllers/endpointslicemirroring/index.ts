/**
 * endpointslicemirroring: hand-written Endpoints of Services without a selector, mirrored to EndpointSlices for those
 * who read only slices. It shares the shape of slices with ../endpointslice and leaves alone what others made.
 *
 *   Endpoints, Services → WorkQueue → mirror → few creates, updates, deletes
 */
export { startEndpointSliceMirroringController } from './controller.ts'
