/** Reads what the machine is. */
import { statfsSync } from 'node:fs'
import { arch, availableParallelism, release, totalmem } from 'node:os'
import { readIfThere } from '../runtime/paths.ts'
import type { MachineFacts } from './node-object.ts'

export function readFacts(stateDir: string): MachineFacts {
  const disk = statfsSync(stateDir)
  const machineID = readIfThere('/etc/machine-id')?.trim() ?? ''
  return {
    cpus: availableParallelism(),
    memoryKi: Math.floor(totalmem() / 1024),
    diskKi: Math.floor((disk.blocks * disk.bsize) / 1024),
    architecture: arch() === 'x64' ? 'amd64' : arch(),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(readIfThere('/etc/os-release') ?? '')?.[1] ?? 'Linux',
    machineID,
    systemUUID: machineID,
    bootID: readIfThere('/proc/sys/kernel/random/boot_id')?.trim() ?? '',
  }
}
