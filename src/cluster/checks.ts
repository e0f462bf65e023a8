/** What the machine must be able to do, checked before anything is touched. */
import { existsSync, readFileSync } from 'node:fs'
import { run } from '../lib/exec.ts'
import { existsInPath, netFlag } from './network.ts'
import { type Layout, SettingsError } from './settings.ts'

/** Programs the parts call, with the Debian package each comes from. */
const programs = {
  ip: 'iproute2',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  mount: 'mount',
  setpriv: 'util-linux',
  perl: 'perl-base',
  'iptables-restore': 'iptables',
  conntrack: 'conntrack',
} as const

export async function checkMachine(): Promise<void> {
  const missing = Object.entries(programs).filter(([program]) => !existsInPath(program))
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(([, name]) => name))].join(' ')
    const names = missing.map(([program]) => program).join(', ')
    throw new SettingsError(`missing: ${names}; install with: apt-get install --no-install-recommends ${packages}`)
  }
  if (!existsSync('/proc/self/ns/net')) throw new SettingsError('this kernel has no network namespaces (CONFIG_NET_NS)')
  if (!hasOverlay()) await run('modprobe', ['overlay'])
  if (!hasOverlay()) {
    throw new SettingsError(
      'this kernel has no overlay file system (CONFIG_OVERLAY_FS), which pods need for their root',
    )
  }
}

function hasOverlay(): boolean {
  return /\boverlay$/m.test(readFileSync('/proc/filesystems', 'utf8'))
}

/** Loads the kernel's NAT on the way; the message is the kernel's own, made readable. */
export async function checkNat({ nodes: [node] }: Layout): Promise<void> {
  if (!node) return
  const result = await run('nsenter', [netFlag(node.namespace), 'iptables', '-w', '-t', 'nat', '-S', 'OUTPUT'])
  if (result.code !== 0) {
    throw new SettingsError(`this kernel cannot do NAT for the node proxy: ${result.stderr.trim()}`)
  }
}
