/** What the machine must be able to do, checked before anything is touched. */
import { existsSync, readFileSync, statfsSync } from 'node:fs'
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

/** pino's. */
const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** Parts that get another level do not start. */
export function checkEnvironment({ FAIRWAY_LOG_LEVEL: level }: Readonly<Record<string, string | undefined>>): void {
  if (!level || logLevels.includes(level)) return
  throw new SettingsError(`FAIRWAY_LOG_LEVEL is ${JSON.stringify(level)}: choose one of ${logLevels.join(', ')}`)
}

/** A new cluster has written some 5 MiB when its first pods run. */
const freeMibMin = 32

/** Of the disk that `directory`, which exists, is on. */
export function checkRoom(directory: string): void {
  const { bavail, bsize } = statfsSync(directory)
  const freeMib = Math.floor((bavail * bsize) / 2 ** 20)
  if (freeMib >= freeMibMin) return
  throw new SettingsError(
    `${freeMib} MiB are free in ${directory}, of ${freeMibMin} that a cluster needs: make room, or choose with --state-dir`,
  )
}

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
