import { afterAll, expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'
import { silentLogger } from '../../../lib/log.ts'
import { Churn } from '../../testing/churn.ts'
import { chainsOf } from '../../testing/save-format.ts'
import { Tracker } from '../../track/tracker.ts'
import { IptablesKernel } from './kernel.ts'
import { cleanupIptables } from './make.ts'
import { IptablesMode } from './mode.ts'
import { testSettings } from './test-settings.ts'

if (!process.env['FAIRWAY_SANDBOX']) throw new Error('runs inside scripts/sandbox only')

const kernel = new IptablesKernel({ family: 4, exec: run })
const makeMode = () => new IptablesMode({ kernel, settings: testSettings, canaryPeriodMs: 1000, log: silentLogger })

afterAll(() => cleanupIptables(run))

// The same with a kernel that is not of our making: churn.test.ts.
test.each([11, 12])('the kernel holds the same after differences as after a full write: seed %i', async (seed) => {
  const mode = makeMode()
  const tracker = new Tracker({ node: 'node-1' })
  const churn = new Churn(seed, [tracker])
  await mode.replace([])
  for (let pass = 0; pass < 40; pass++) {
    for (let i = 0; i <= pass % 5; i++) churn.step()
    await mode.update(tracker.flush().changes)
  }
  const grown = chainsOf(await kernel.save())
  await makeMode().replace(tracker.plans())
  expect(grown, `seed ${seed}`).toEqual(chainsOf(await kernel.save()))
})
