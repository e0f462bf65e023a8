import { expect, test } from 'vitest'
import { describeProgrammed } from '../serve/programmed.ts'
import { service, slice } from '../testing/objects.ts'
import { Journal } from './journal.ts'
import { Tracker } from './tracker.ts'

function setUp() {
  const tracker = new Tracker({ node: 'node-1' })
  const journal = new Journal(tracker)
  const revise = (resourceVersion: string, endpoints: string[], tick: number) => {
    const web = slice('demo/web', endpoints)
    web.metadata.resourceVersion = resourceVersion
    tracker.setSlice(web)
    journal.heard('demo/web', tick)
  }
  const web = service('demo/web', '10.96.0.1')
  web.metadata.resourceVersion = '7'
  tracker.setService(web)
  journal.heard('demo/web', 100)
  const pass = () => {
    journal.taken()
    tracker.flush()
  }
  const described = () => describeProgrammed('demo/web', journal, tracker.plansOf('demo/web'))
  return { tracker, journal, revise, pass, described, web }
}

test('says which revisions are in the kernel and how long they took, from the first event of a burst on', () => {
  const { journal, revise, pass, described } = setUp()
  revise('8', ['10.244.0.5'], 102)
  expect(described()).toBeUndefined()
  pass()
  journal.committed({ now: 1000, tick: 112.54 })
  expect(described()).toEqual({
    namespace: 'demo',
    name: 'web',
    pending: false,
    ports: [
      {
        name: 'http',
        ipFamily: 'IPv4',
        protocol: 'TCP',
        port: 80,
        resourceVersion: '7',
        endpointSlices: { 'web-a': '8' },
        programmedAt: '1970-01-01T00:00:01.000Z',
        latencyMs: 12.5,
        internal: 'cluster',
        endpoints: 1,
      },
    ],
  })
})

test('what came after a pass took its share is pending, and a failed pass counts as waiting', () => {
  const { journal, revise, pass, described } = setUp()
  pass()
  revise('9', ['10.244.0.5'], 200)
  journal.committed({ now: 1000, tick: 210 })
  expect(described()).toMatchObject({ pending: true, ports: [{ endpointSlices: {}, latencyMs: 110 }] })
  pass()
  revise('10', ['10.244.0.6'], 300)
  pass()
  journal.committed({ now: 2000, tick: 320 })
  expect(described()).toMatchObject({ pending: false, ports: [{ endpointSlices: { 'web-a': '10' }, latencyMs: 120 }] })
})

test('a deleted Service is forgotten', () => {
  const { tracker, journal, pass, described, web } = setUp()
  pass()
  journal.committed({ now: 1000, tick: 110 })
  tracker.deleteService(web)
  journal.heard('demo/web', 120)
  pass()
  journal.committed({ now: 2000, tick: 130 })
  expect(described()).toBeUndefined()
})
