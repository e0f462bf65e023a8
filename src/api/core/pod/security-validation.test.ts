import { describe, expect, test } from 'vitest'
import type { PodSpec, SecurityContext } from '../../generated/v1.ts'
import { Path } from '../../machinery/field.ts'
import { validateContainerSecurity, validatePodSecurity } from './security-validation.ts'

const spec = (more: Partial<PodSpec> = {}): PodSpec => ({ containers: [], ...more })
const profiles = 'supported values: "Localhost", "RuntimeDefault", "Unconfined"'

describe('of a container', () => {
  const cases: [what: string, context: SecurityContext, errors: string[]][] = [
    ['nothing', {}, []],
    ['a profile', { seccompProfile: { type: 'RuntimeDefault' }, appArmorProfile: { type: 'Unconfined' } }, []],
    [
      'a user there cannot be',
      { runAsUser: -1 },
      ['at.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive'],
    ],
    [
      'no seccomp profile of this kind',
      { seccompProfile: { type: 'x' } },
      [`at.seccompProfile.type: Unsupported value: "x": ${profiles}`],
    ],
    [
      'a local seccomp profile without a name',
      { seccompProfile: { type: 'Localhost' } },
      ['at.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost'],
    ],
    [
      'one that climbs out',
      { seccompProfile: { type: 'Localhost', localhostProfile: '../x' } },
      [`at.seccompProfile.localhostProfile: Invalid value: "../x": must not contain '..'`],
    ],
    [
      'a name that nothing is done with',
      { appArmorProfile: { type: 'RuntimeDefault', localhostProfile: 'x' } },
      ['at.appArmorProfile.localhostProfile: Invalid value: "x": can only be set when AppArmor type is Localhost'],
    ],
    [
      'an AppArmor profile of no kind',
      { appArmorProfile: { type: 'x' } },
      [`at.appArmorProfile.type: Unsupported value: "x": ${profiles}`],
    ],
    [
      'all of /proc',
      { procMount: 'Unmasked' },
      ['at.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`'],
    ],
    [
      'privileges, and none',
      { privileged: true, allowPrivilegeEscalation: false },
      [
        'at: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
      ],
    ],
  ]
  test.each(cases)('%s', (_, context, errors) => {
    const found = validateContainerSecurity(context, spec(), Path.of('at'))
    expect(found.map(({ field, message }) => `${field}: ${message}`)).toEqual(errors)
  })
})

describe('of a pod', () => {
  const sysctls = [{ name: 'net.ipv4.tcp_syncookies', value: '1' }]
  const shared = [{ name: 'kernel.shm_rmid_forced', value: '1' }]
  const cases: [what: string, more: Partial<PodSpec>, errors: string[]][] = [
    ['sysctls', { securityContext: { sysctls: [...sysctls, ...shared] } }, []],
    [
      'one twice',
      { securityContext: { sysctls: [...shared, ...shared] } },
      ['spec.securityContext.sysctls[1].name: Duplicate value: "kernel.shm_rmid_forced"'],
    ],
    [
      'one that is none',
      { securityContext: { sysctls: [{ name: 'A', value: '1' }] } },
      [
        'spec.securityContext.sysctls[0].name: Invalid value: "A": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
      ],
    ],
    [
      "one of the host's network",
      { hostNetwork: true, securityContext: { sysctls } },
      [
        `spec.securityContext.sysctls[0].name: Invalid value: "net.ipv4.tcp_syncookies": may not be specified when 'hostNetwork' is true`,
      ],
    ],
    [
      "one of the host's IPC",
      { hostIPC: true, securityContext: { sysctls: shared } },
      [
        `spec.securityContext.sysctls[0].name: Invalid value: "kernel.shm_rmid_forced": may not be specified when 'hostIPC' is true`,
      ],
    ],
    [
      'policies there are not',
      { securityContext: { supplementalGroupsPolicy: 'x', fsGroupChangePolicy: 'y' } },
      [
        'spec.securityContext.supplementalGroupsPolicy: Unsupported value: "x": supported values: "Merge", "Strict"',
        'spec.securityContext.fsGroupChangePolicy: Unsupported value: "y": supported values: "Always", "OnRootMismatch"',
      ],
    ],
    [
      "users of its own among the host's processes",
      { hostUsers: false, hostPID: true },
      ['spec.HostPID: Forbidden: when `hostUsers` is false'],
    ],
  ]
  test.each(cases)('%s', (_, more, errors) => {
    const found = validatePodSecurity(spec(more), Path.of('spec'))
    expect(found.map(({ field, message }) => `${field}: ${message}`)).toEqual(errors)
  })
})
