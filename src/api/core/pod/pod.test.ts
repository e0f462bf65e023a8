import { describe, expect, test } from 'vitest'
import { create, update } from '../../common/testing.ts'
import type { Container, Pod, PodSpec } from '../../generated/v1.ts'
import { isPodActive, podAvailable, podAvailableInMs, podIPs, setPodCondition } from './conditions.ts'
import { pullPolicyFor } from './defaults.ts'
import { podWarnings } from './warnings.ts'

function pod(spec: Partial<PodSpec>): Pod {
  return {
    metadata: { name: 'web', namespace: 'demo' },
    spec: { containers: [{ name: 'web', image: 'nginx:1.14.2' }], ...spec },
  }
}

const container = (change: Partial<Container>): Partial<PodSpec> => ({
  containers: [{ name: 'web', image: 'nginx', ...change }],
})

test('a bare pod gets Kubernetes’ defaults', () => {
  const { object, errors } = create('Pod', pod({}))
  expect(errors).toEqual([])
  expect(object.metadata.generation).toBe(1)
  expect(object.status).toEqual({ phase: 'Pending', qosClass: 'BestEffort' })
  expect(object.spec).toEqual({
    containers: [
      {
        name: 'web',
        image: 'nginx:1.14.2',
        imagePullPolicy: 'IfNotPresent',
        resources: {},
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
      },
    ],
    dnsPolicy: 'ClusterFirst',
    enableServiceLinks: true,
    preemptionPolicy: 'PreemptLowerPriority',
    priority: 0,
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    securityContext: {},
    serviceAccount: 'default',
    serviceAccountName: 'default',
    terminationGracePeriodSeconds: 30,
    tolerations: [
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    ],
  })
})

test('a pod’s own tolerations, account and priority are respected', () => {
  const tolerations = [{ operator: 'Exists' }]
  const { object } = create('Pod', pod({ tolerations, serviceAccountName: 'robot', priority: 5 }))
  expect(object.spec).toMatchObject({ tolerations, serviceAccount: 'robot', priority: 5 })
})

test('ports, probes, variables and volumes get defaults', () => {
  const { object } = create(
    'Pod',
    pod({
      serviceAccountName: 'robot',
      volumes: [{ name: 'a' }, { name: 'b', configMap: { name: 'x' } }, { name: 'c', hostPath: { path: '/x' } }],
      ...container({
        ports: [{ containerPort: 80 }],
        env: [
          { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        ],
        readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 2 },
        resources: { limits: { cpu: '1' } },
      }),
    }),
  )
  expect(object.spec?.serviceAccount).toBe('robot')
  expect(object.spec?.volumes).toEqual([
    { name: 'a', emptyDir: {} },
    { name: 'b', configMap: { name: 'x', defaultMode: 420 } },
    { name: 'c', hostPath: { path: '/x', type: '' } },
  ])
  expect(object.spec?.containers[0]).toMatchObject({
    imagePullPolicy: 'Always',
    ports: [{ containerPort: 80, protocol: 'TCP' }],
    env: [
      { valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
      { valueFrom: { resourceFieldRef: { divisor: '0' } } },
    ],
    readinessProbe: {
      httpGet: { path: '/', port: 8080, scheme: 'HTTP' },
      failureThreshold: 3,
      periodSeconds: 2,
      successThreshold: 1,
      timeoutSeconds: 1,
    },
    resources: { limits: { cpu: '1' }, requests: { cpu: '1' } },
  })
})

test('on the node’s network a container’s ports are the node’s', () => {
  const { object, errors } = create('Pod', pod({ hostNetwork: true, ...container({ ports: [{ containerPort: 80 }] }) }))
  expect(errors).toEqual([])
  expect(object.spec?.containers[0]?.ports).toEqual([{ containerPort: 80, hostPort: 80, protocol: 'TCP' }])
})

test.each([
  ['nginx', 'Always'],
  ['nginx:latest', 'Always'],
  ['nginx:1.14.2', 'IfNotPresent'],
  ['registry.example.org:5000/nginx', 'Always'],
  ['registry.example.org:5000/nginx:1', 'IfNotPresent'],
  ['nginx@sha256:0123', 'IfNotPresent'],
])('%s is pulled %s', (image, policy) => {
  expect(pullPolicyFor(image)).toBe(policy)
})

test.each<[string, Container['resources'], string]>([
  ['nothing', {}, 'BestEffort'],
  ['a request', { requests: { cpu: '100m' } }, 'Burstable'],
  ['limits of both', { limits: { cpu: '1', memory: '1Gi' } }, 'Guaranteed'],
  ['limits above requests', { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } }, 'Burstable'],
  [
    'equal quantities, spelled differently',
    { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m', memory: '1024Mi' } },
    'Guaranteed',
  ],
])('the quality of service with %s', (_name, resources, expected) => {
  expect(create('Pod', pod(container({ resources: resources ?? {} }))).object.status?.qosClass).toBe(expected)
})

const field = 'spec.containers[0]'
const refusals: [string, Partial<PodSpec>, string[]][] = [
  ['no containers', { containers: [] }, ['spec.containers: Required value']],
  ['a container without a name', container({ name: '' }), [`${field}.name: Required value`]],
  [
    'a container name with a dot',
    container({ name: 'a.b' }),
    [`${field}.name: Invalid value: "a.b": must not contain dots`],
  ],
  [
    'two containers of one name',
    {
      containers: [
        { name: 'a', image: 'x' },
        { name: 'a', image: 'x' },
      ],
    },
    ['spec.containers[1].name: Duplicate value: "a"'],
  ],
  ['no image', container({ image: '' }), [`${field}.image: Required value`]],
  [
    'an image with a space at the end',
    container({ image: 'nginx ' }),
    [`${field}.image: Invalid value: "nginx ": must not have leading or trailing whitespace`],
  ],
  [
    'an unknown pull policy',
    container({ imagePullPolicy: 'Sometimes' }),
    [`${field}.imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"`],
  ],
  [
    'an unknown message policy',
    container({ terminationMessagePolicy: 'Log' }),
    [`${field}.terminationMessagePolicy: Unsupported value: "Log": supported values: "FallbackToLogsOnError", "File"`],
  ],
  [
    'a port that is none',
    container({ ports: [{ containerPort: 70000 }] }),
    [`${field}.ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive`],
  ],
  ['no port number', container({ ports: [{ containerPort: 0 }] }), [`${field}.ports[0].containerPort: Required value`]],
  [
    'a port name too long',
    container({ ports: [{ name: 'a-name-with-17-ch', containerPort: 80 }] }),
    [`${field}.ports[0].name: Invalid value: "a-name-with-17-ch": must be no more than 15 characters`],
  ],
  [
    'two ports of one name',
    container({
      ports: [
        { name: 'a', containerPort: 80 },
        { name: 'a', containerPort: 81 },
      ],
    }),
    [`${field}.ports[1].name: Duplicate value: "a"`],
  ],
  [
    'protocol HTTP',
    container({ ports: [{ containerPort: 80, protocol: 'HTTP' }] }),
    [`${field}.ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"`],
  ],
  [
    'one host port twice',
    container({
      ports: [
        { containerPort: 80, hostPort: 80 },
        { containerPort: 81, hostPort: 80 },
      ],
    }),
    [`${field}.ports[1].hostPort: Duplicate value: "TCP//80"`],
  ],
  [
    'another host port on the node’s network',
    { hostNetwork: true, ...container({ ports: [{ containerPort: 80, hostPort: 81 }] }) },
    [`${field}.ports[0].hostPort: Invalid value: 81: must match \`containerPort\` when \`hostNetwork\` is true`],
  ],
  [
    'a variable without a name',
    container({ env: [{ name: '', value: 'x' }] }),
    [`${field}.env[0].name: Required value`],
  ],
  [
    'a variable name with =',
    container({ env: [{ name: 'a=b' }] }),
    [
      `${field}.env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than '='`,
    ],
  ],
  [
    'a variable from nowhere',
    container({ env: [{ name: 'A', valueFrom: {} }] }),
    [
      `${field}.env[0].valueFrom: Invalid value: "": must specify one of: \`fieldRef\`, \`resourceFieldRef\`, \`configMapKeyRef\`, \`secretKeyRef\` or \`fileKeyRef\``,
    ],
  ],
  [
    'a variable with value and source',
    container({ env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }),
    [`${field}.env[0].valueFrom: Invalid value: "": may not be specified when \`value\` is not empty`],
  ],
  [
    'an unknown field',
    container({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'status.x' } } }] }),
    [
      `${field}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "status.x": error converting fieldPath: field label not supported: status.x`,
    ],
  ],
  [
    'a field that variables cannot have',
    container({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.labels' } } }] }),
    [
      `${field}.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"`,
    ],
  ],
  [
    'a key reference without a key',
    container({ env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'x', key: '' } } }] }),
    [`${field}.env[0].valueFrom.configMapKeyRef.key: Required value`],
  ],
  [
    'envFrom nothing',
    container({ envFrom: [{}] }),
    [`${field}.envFrom: Invalid value: "": must specify one of: \`configMapRef\` or \`secretRef\``],
  ],
  [
    'a mount of no volume',
    container({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
    [`${field}.volumeMounts[0].name: Not found: "v"`],
  ],
  [
    'two mounts at one place',
    {
      volumes: [{ name: 'v' }],
      ...container({
        volumeMounts: [
          { name: 'v', mountPath: '/v' },
          { name: 'v', mountPath: '/v' },
        ],
      }),
    },
    [`${field}.volumeMounts[1].mountPath: Invalid value: "/v": must be unique`],
  ],
  [
    'a sub-path that climbs',
    { volumes: [{ name: 'v' }], ...container({ volumeMounts: [{ name: 'v', mountPath: '/v', subPath: '../x' }] }) },
    [`${field}.volumeMounts.subPath: Invalid value: "../x": must not contain '..'`],
  ],
  [
    'a probe of no kind',
    container({ livenessProbe: {} }),
    [`${field}.livenessProbe: Required value: must specify a handler type`],
  ],
  [
    'a probe of two kinds',
    container({ livenessProbe: { tcpSocket: { port: 80 }, httpGet: { port: 80 } } }),
    [`${field}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type`],
  ],
  [
    'a liveness probe that must succeed twice',
    container({ livenessProbe: { tcpSocket: { port: 80 }, successThreshold: 2 } }),
    [`${field}.livenessProbe.successThreshold: Invalid value: 2: must be 1`],
  ],
  [
    'a probe with a negative delay',
    container({ readinessProbe: { tcpSocket: { port: 80 }, initialDelaySeconds: -1 } }),
    [`${field}.readinessProbe.initialDelaySeconds: Invalid value: -1: must be greater than or equal to 0`],
  ],
  [
    'an exec probe without a command',
    container({ startupProbe: { exec: {} } }),
    [`${field}.startupProbe.exec.command: Required value`],
  ],
  [
    'a probe of port 0',
    container({ readinessProbe: { httpGet: { port: 0 } } }),
    [`${field}.readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive`],
  ],
  [
    'a request above the limit',
    container({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
    [`${field}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1`],
  ],
  [
    'an unknown resource',
    container({ resources: { limits: { ram: '1' } } }),
    [
      `${field}.resources.limits[ram]: Invalid value: "ram": must be a standard resource type or fully qualified`,
      `${field}.resources.limits[ram]: Invalid value: "ram": must be a standard resource for containers`,
      `${field}.resources.requests[ram]: Invalid value: "ram": must be a standard resource type or fully qualified`,
      `${field}.resources.requests[ram]: Invalid value: "ram": must be a standard resource for containers`,
    ],
  ],
  [
    'an unknown restart policy',
    { restartPolicy: 'Sometimes' },
    ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"'],
  ],
  [
    'an unknown DNS policy',
    { dnsPolicy: 'Cluster' },
    [
      'spec.dnsPolicy: Unsupported value: "Cluster": supported values: "ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"',
    ],
  ],
  [
    'DNS policy None without configuration',
    { dnsPolicy: 'None' },
    ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
  ],
  [
    'four nameservers',
    { dnsConfig: { nameservers: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4'] } },
    [
      'spec.dnsConfig.nameservers: Invalid value: ["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"]: must not have more than 3 nameservers',
    ],
  ],
  ['a hostname with a dot', { hostname: 'a.b' }, ['spec.hostname: Invalid value: "a.b": must not contain dots']],
  [
    'a deadline of 0',
    { activeDeadlineSeconds: 0 },
    ['spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive'],
  ],
  [
    'a toleration without a key',
    { tolerations: [{ effect: 'NoSchedule' }] },
    [
      'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ],
  ],
  [
    'two volumes of one name',
    { volumes: [{ name: 'v' }, { name: 'v' }] },
    ['spec.volumes[1].name: Duplicate value: "v"'],
  ],
  [
    'a volume of two kinds',
    { volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/x' } }] },
    ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
  ],
  [
    'a volume of no claim',
    { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: '' } }] },
    ['spec.volumes[0].persistentVolumeClaim.claimName: Required value'],
  ],
  [
    'an ephemeral volume of nothing',
    { volumes: [{ name: 'v', ephemeral: {} }] },
    ['spec.volumes[0].ephemeral.volumeClaimTemplate: Required value'],
  ],
  [
    'a claim template with a name and without a size',
    {
      volumes: [
        {
          name: 'v',
          ephemeral: { volumeClaimTemplate: { metadata: { name: 'x' }, spec: { accessModes: ['ReadWriteOnce'] } } },
        },
      ],
    },
    [
      'spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set for an ephemeral volume',
      'spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value',
    ],
  ],
  [
    'a mount that is read-only below, and not above',
    {
      volumes: [{ name: 'v', emptyDir: {} }],
      containers: [
        {
          name: 'web',
          image: 'x',
          volumeMounts: [
            { name: 'v', mountPath: '/a', recursiveReadOnly: 'Enabled' },
            { name: 'v', mountPath: '/b', recursiveReadOnly: 'Maybe' },
            {
              name: 'v',
              mountPath: '/c',
              readOnly: true,
              recursiveReadOnly: 'Enabled',
              mountPropagation: 'HostToContainer',
            },
          ],
        },
      ],
    },
    [
      'spec.containers[0].volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true',
      'spec.containers[0].volumeMounts.recursiveReadOnly: Unsupported value: "Maybe": supported values: "Disabled", "Enabled", "IfPossible"',
      'spec.containers[0].volumeMounts.recursiveReadOnly: Forbidden: may only be specified when mountPropagation is None or not specified',
    ],
  ],
  [
    'restart rules without a policy',
    { initContainers: [{ name: 'i', image: 'x', restartPolicyRules: [{ action: 'Restart' }] }] },
    [
      'spec.initContainers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used',
      'spec.initContainers[0].restartPolicyRules[0].exitCodes: Required value: must be specified',
    ],
  ],
  [
    'a restart rule of another kind',
    {
      containers: [
        {
          name: 'web',
          image: 'x',
          restartPolicy: 'Never',
          restartPolicyRules: [{ action: 'Stop', exitCodes: { operator: 'Is', values: Array(256).fill(0) } }],
        },
      ],
    },
    [
      'spec.containers[0].restartPolicyRules[0].action: Unsupported value: "Stop": supported values: "Restart", "RestartAllContainers"',
      'spec.containers[0].restartPolicyRules[0].exitCodes.operator: Unsupported value: "Is": supported values: "In", "NotIn"',
      'spec.containers[0].restartPolicyRules[0].exitCodes.values: Too many: 256: must have at most 255 items',
    ],
  ],
  [
    'an init container with a probe',
    { initContainers: [{ name: 'i', image: 'x', readinessProbe: { tcpSocket: { port: 1 } } }] },
    [
      'spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ],
  ],
  [
    'an init container named like another',
    { initContainers: [{ name: 'web', image: 'x' }] },
    ['spec.initContainers[0].name: Duplicate value: "web"'],
  ],
  [
    'ephemeral containers',
    { ephemeralContainers: [{ name: 'debug', image: 'x' }] },
    ['spec.ephemeralContainers: Forbidden: cannot be set on create'],
  ],
]

test.each(refusals)('a new pod is refused for %s', (_name, spec, expected) => {
  expect(create('Pod', pod(spec)).errors).toEqual(expected)
})

test('a pod that is probably not what was meant gets warnings', () => {
  const { object } = create(
    'Pod',
    pod({
      terminationGracePeriodSeconds: 30,
      ...container({
        env: [
          { name: 'A', value: '1' },
          { name: 'A', value: '2' },
          { name: 'PATH', value: '/bin' },
          { name: 'PATH', value: '/x:$(PATH)' },
        ],
        ports: [{ containerPort: 80 }, { containerPort: 80 }, { containerPort: 80, protocol: 'UDP' }],
      }),
    }),
  )
  expect(podWarnings(object)).toEqual([
    'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
    'spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]',
  ])
})

describe('a running pod', () => {
  const old = create('Pod', pod({ nodeName: 'node-1', tolerations: [{ key: 'a', operator: 'Exists' }] })).object
  const change = (edit: (spec: PodSpec) => void) => {
    const next = structuredClone(old)
    if (next.spec) edit(next.spec)
    return update(old, next, { kind: 'Pod' })
  }

  test('may change its image, tolerate more, and end sooner', () => {
    const { errors, object } = change((spec) => {
      if (spec.containers[0]) spec.containers[0].image = 'nginx:1.25'
      spec.tolerations?.push({ key: 'b', operator: 'Exists' })
      spec.activeDeadlineSeconds = 60
    })
    expect(errors).toEqual([])
    expect(object.metadata.generation).toBe(2)
  })

  test('keeps its generation when only metadata changes', () => {
    expect(
      update(old, { ...structuredClone(old), metadata: { ...old.metadata, labels: { a: 'b' } } }, { kind: 'Pod' })
        .object.metadata.generation,
    ).toBe(1)
  })

  const allowed =
    '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

  test.each<[string, (spec: PodSpec) => void, string[]]>([
    [
      'its node',
      (spec) => (spec.nodeName = 'node-2'),
      [
        `spec: Forbidden: pod updates may not change fields other than ${allowed}\n- nodeName: "node-1"\n+ nodeName: "node-2"`,
      ],
    ],
    [
      'its restart policy',
      (spec) => (spec.restartPolicy = 'Never'),
      [
        `spec: Forbidden: pod updates may not change fields other than ${allowed}\n- restartPolicy: "Always"\n+ restartPolicy: "Never"`,
      ],
    ],
    [
      'a variable',
      (spec) => Object.assign(spec.containers[0] ?? {}, { env: [{ name: 'A', value: 'b' }] }),
      [
        `spec: Forbidden: pod updates may not change fields other than ${allowed}\n+ containers[0].env: [{"name":"A","value":"b"}]`,
      ],
    ],
    [
      'the number of containers',
      (spec) =>
        spec.containers.push({ name: 'b', image: 'x', imagePullPolicy: 'Always', terminationMessagePolicy: 'File' }),
      ['spec.containers: Forbidden: pod updates may not add or remove containers'],
    ],
    [
      'what it tolerates to less',
      (spec) => (spec.tolerations = []),
      ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
    ],
  ])('may not change %s', (_name, edit, expected) => {
    expect(change(edit).errors).toEqual(expected)
  })

  test('a status write keeps the spec, and the spec’s writer keeps the status', () => {
    const next = structuredClone(old)
    next.status = { phase: 'Running' }
    if (next.spec) next.spec.nodeName = 'elsewhere'
    const { object } = update(old, next, { kind: 'Pod', subresource: 'status' })
    expect(object.spec).toEqual(old.spec)
    expect(object.status).toEqual({ phase: 'Running', qosClass: 'BestEffort' })
    expect(update(old, next, { kind: 'Pod' }).object.status).toEqual(old.status)
  })

  const comeback = (spec: Partial<PodSpec>) => {
    const ended = create('Pod', pod(spec)).object
    const status = { name: 'web', image: 'nginx', imageID: '', ready: false, restartCount: 0 }
    ended.status = {
      phase: 'Failed',
      qosClass: 'BestEffort',
      containerStatuses: [{ ...status, state: { terminated: { exitCode: 1 } } }],
    }
    const next = structuredClone(ended)
    next.status = { ...ended.status, containerStatuses: [{ ...status, state: { running: {} } }] }
    return update(ended, next, { kind: 'Pod', subresource: 'status' }).errors
  }
  const forbidden = 'status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state'
  const exitCodes = { operator: 'In', values: [1] }
  const container = (more: Partial<Container>) => ({ containers: [{ name: 'web', image: 'nginx', ...more }] })
  const rule = (action: string, values: number[]) =>
    container({ restartPolicy: 'Never', restartPolicyRules: [{ action, exitCodes: { ...exitCodes, values } }] })

  test.each<[what: string, spec: Partial<PodSpec>, errors: string[]]>([
    ['ended for good does not come back', {}, [forbidden]],
    ['has a container with a policy of its own may', container({ restartPolicy: 'OnFailure' }), []],
    ['has a container with a rule may', rule('Restart', [1]), []],
    ['has a rule for another exit may not', rule('Restart', [2]), [forbidden]],
    ['has a rule for all may', rule('RestartAllContainers', [2]), []],
  ])('one that %s', (_, spec, errors) => {
    expect(comeback({ restartPolicy: 'Never', ...spec })).toEqual(errors)
  })
})

describe('conditions', () => {
  const readySince = (lastTransitionTime: string): Pod => ({
    metadata: { name: 'a' },
    status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime }] },
  })
  const now = new Date('2026-11-21T00:00:10Z')

  test('a pod is available some seconds after it became ready', () => {
    expect(podAvailableInMs(readySince('2026-11-21T00:00:07Z'), 5, now)).toBe(2000)
    expect(podAvailable(readySince('2026-11-21T00:00:07Z'), 5, now)).toBe(false)
    expect(podAvailable(readySince('2026-11-21T00:00:05Z'), 5, now)).toBe(true)
    expect(podAvailable({ metadata: { name: 'a' } }, 0, now)).toBe(false)
  })

  test('a condition keeps its time while its status stays', () => {
    const pod = readySince('2026-11-21T00:00:00Z')
    const next = { type: 'Ready', status: 'True', lastTransitionTime: '2026-11-21T00:00:09Z' }
    expect(setPodCondition(pod, next)).toBe(false)
    expect(setPodCondition(pod, { ...next, status: 'False' })).toBe(true)
    expect(pod.status?.conditions).toEqual([{ ...next, status: 'False' }])
  })

  test('active means neither ended nor being deleted', () => {
    expect(isPodActive({ metadata: { name: 'a' }, status: { phase: 'Running' } })).toBe(true)
    expect(isPodActive({ metadata: { name: 'a' }, status: { phase: 'Failed' } })).toBe(false)
    expect(isPodActive({ metadata: { name: 'a', deletionTimestamp: '2026-11-21T00:00:00Z' } })).toBe(false)
  })

  test('addresses come from podIPs, else from podIP', () => {
    expect(podIPs({ metadata: { name: 'a' }, status: { podIP: '10.0.0.1' } })).toEqual(['10.0.0.1'])
    expect(
      podIPs({
        metadata: { name: 'a' },
        status: { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }] },
      }),
    ).toEqual(['10.0.0.1', 'fd00::1'])
  })
})
