/** What a cluster leaves on a machine. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { run } from '../../src/lib/exec.ts'

export const base = process.env['FAIRWAY_STATE_DIR'] ?? '/var/lib/fairway'
export const kubeconfig = process.env['KUBECONFIG'] ?? ''

/** Everything of this machine that a cluster touches. */
export async function traces() {
  const shown = async (command: string, ...args: string[]) => (await run(command, args)).stdout
  return {
    processes: readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isFairway(name)),
    namespaces: readdirSync('/run/netns'),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes('fairway')).length,
    links: (await shown('ip', '-br', 'link')).split('\n').filter((line) => line.startsWith('fw')),
    routes: await shown('ip', 'route'),
    rules: await shown('nft', 'list', 'ruleset'),
    cgroups: (await run('sh', ['-c', 'find /sys/fs/cgroup -name "*fairway*" 2>/dev/null'])).stdout,
    state: readdirSync(base).filter((name) => !name.startsWith('kube')),
    kubeconfig: existsSync(kubeconfig) ? readFileSync(kubeconfig, 'utf8') : '',
  }
}

function isFairway(pid: string): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return /src\/(node|cluster|proxy|dns)\/|shim\.pl|nginx/.test(command) && !command.includes('vitest')
  } catch {
    return false
  }
}
