/** One pod on this machine as it is, and what it sees: `node one-pod.ts`, for tests of unusual machines. */
import { execIn } from '../pods/start.ts'
import { TestNode } from './node.ts'

const node = await TestNode.prepare()
const agent = await node.startAgent()
try {
  const uid = node.createPod('one', { command: ['sleep', '1000'] })
  await node.untilRunning('one')
  const script =
    'echo -n "hello, "; basename $(command -v nginx); grep -om1 localhost /etc/hosts; ls /opt/fairway/src >/dev/null; ls -A /home'
  const { output } = await execIn(agent.runtime, {
    uid,
    container: 'main',
    command: ['sh', '-c', script],
    timeoutMs: 5000,
  })
  await node.deletePod('one')
  console.log(`the pod said ${output.trim().replaceAll('\n', ', ')}`)
} finally {
  agent.stop()
  await node.remove()
}
