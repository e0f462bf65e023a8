/** Checks of probes and lifecycle hooks. */
import { checkNonNegative, checkPortNumber, checkPortNumberOrName } from '../../common/validation.ts'
import type { Container, HTTPGetAction, Lifecycle, LifecycleHandler, Probe, SleepAction } from '../../generated/v1.ts'
import type { FieldError, Path } from '../../machinery/field.ts'
import { forbidden, invalid, notSupported, required } from '../../machinery/field.ts'

type Handler = LifecycleHandler & Pick<Probe, 'grpc'>

const schemes = ['HTTP', 'HTTPS']
const headerName = /^[-A-Za-z0-9]+$/

/** The checks of each kind of handler, in the order in which a second one is refused. */
function handlerChecks(handler: Handler, path: Path, graceSeconds: number | undefined): [string, FieldError[]][] {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler
  const checks: [string, FieldError[]][] = []
  if (exec) checks.push(['exec', exec.command?.length ? [] : [required(path.child('exec', 'command'))]])
  if (httpGet) checks.push(['httpGet', validateHttpGet(httpGet, path.child('httpGet'))])
  if (tcpSocket) checks.push(['tcpSocket', checkPortNumberOrName(path.child('tcpSocket', 'port'), tcpSocket.port)])
  if (grpc) checks.push(['grpc', checkPortNumber(path.child('grpc', 'port'), grpc.port)])
  if (sleep) checks.push(['sleep', validateSleep(sleep, path.child('sleep'), graceSeconds)])
  return checks
}

function validateHandler(handler: Handler, path: Path, graceSeconds: number | undefined): FieldError[] {
  const checks = handlerChecks(handler, path, graceSeconds)
  if (checks.length === 0) return [required(path, 'must specify a handler type')]
  return checks.flatMap(([name, errors], i) =>
    i === 0 ? errors : [forbidden(path.child(name), 'may not specify more than 1 handler type')],
  )
}

function validateHttpGet(action: HTTPGetAction, path: Path): FieldError[] {
  const errors = action.path ? [] : [required(path.child('path'))]
  errors.push(...checkPortNumberOrName(path.child('port'), action.port))
  if (!schemes.includes(action.scheme ?? '')) {
    errors.push(notSupported(path.child('scheme'), action.scheme ?? '', schemes))
  }
  for (const { name } of action.httpHeaders ?? []) {
    if (headerName.test(name)) continue
    const why =
      "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"
    errors.push(invalid(path.child('httpHeaders'), name, why))
  }
  return errors
}

function validateSleep(sleep: SleepAction, path: Path, graceSeconds: number | undefined): FieldError[] {
  if (graceSeconds === undefined || (sleep.seconds >= 0 && sleep.seconds <= graceSeconds)) return []
  const why = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`
  return [invalid(path, sleep.seconds, why)]
}

export function validateLifecycle(
  lifecycle: Lifecycle | undefined,
  path: Path,
  graceSeconds: number | undefined,
): FieldError[] {
  return (['postStart', 'preStop'] as const).flatMap((name) => {
    const handler = lifecycle?.[name]
    return handler ? validateHandler(handler, path.child(name), graceSeconds) : []
  })
}

function validateProbe(probe: Probe, path: Path, graceSeconds: number | undefined): FieldError[] {
  const errors = validateHandler(probe, path, graceSeconds)
  for (const name of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const) {
    errors.push(...checkNonNegative(path.child(name), probe[name]))
  }
  const own = probe.terminationGracePeriodSeconds
  if (own !== undefined && own <= 0) {
    errors.push(invalid(path.child('terminationGracePeriodSeconds'), own, 'must be greater than 0'))
  }
  return errors
}

/** The three probes of a container that may have them. */
export function validateProbes(container: Container, path: Path, graceSeconds: number | undefined): FieldError[] {
  return (['livenessProbe', 'readinessProbe', 'startupProbe'] as const).flatMap((name) => {
    const probe = container[name]
    if (!probe) return []
    const at = path.child(name)
    const errors = validateProbe(probe, at, graceSeconds)
    if (name === 'readinessProbe') {
      const own = probe.terminationGracePeriodSeconds
      if (own === undefined) return errors
      const why = 'must not be set for readinessProbes'
      return [...errors, invalid(at.child('terminationGracePeriodSeconds'), own, why)]
    }
    return probe.successThreshold === 1
      ? errors
      : [...errors, invalid(at.child('successThreshold'), probe.successThreshold ?? 0, 'must be 1')]
  })
}
