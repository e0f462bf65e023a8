/** Clusters for tests: the real `fairway`, the real kubectl, inside the private namespaces of scripts/sandbox. */
import { join } from 'node:path'
import { type ExecResult, run } from '../src/lib/exec.ts'

export const root = join(import.meta.dirname, '..')
const fairwayProgram = join(root, 'bin/fairway')
export const example = (name: string) => join(root, 'examples', name)

export interface TestCluster {
  /** stdout; throws with stderr when kubectl fails. */
  kubectl(...args: string[]): Promise<string>
  /** The outcome, whatever it is; `input` is kubectl's stdin. */
  tryKubectl(args: readonly string[], input?: string): Promise<ExecResult>
  apply(manifest: string): Promise<string>
  /** A command in a pod; stdout. */
  inPod(pod: string, ...command: string[]): Promise<string>
  /** A command on the node's network; stdout. */
  onNode(...command: string[]): Promise<string>
  fairway(...args: string[]): Promise<ExecResult>
  down(): Promise<void>
}

export function assertSandbox(): void {
  if (!process.env['FAIRWAY_SANDBOX']) {
    throw new Error('this test starts a cluster: run it with scripts/sandbox, as ./runtests does')
  }
}

/** Brings a cluster up with these options of `fairway up`, and waits for its proxy and DNS. */
export async function startCluster(...options: string[]): Promise<TestCluster> {
  assertSandbox()
  must(await fairway('up', '--wait', '--timeout', '30', ...options), 'fairway up')
  return handle('fairway')
}

export const fairway = (...args: string[]): Promise<ExecResult> => run(fairwayProgram, args, { timeoutMs: 60_000 })

function handle(context: string): TestCluster {
  const tryKubectl = (args: readonly string[], input?: string) =>
    // The dashes keep kubectl from taking `{name: value}` for JSON.
    run('kubectl', ['--context', context, ...args], { timeoutMs: 60_000, ...(input && { input: `---\n${input}` }) })
  const kubectl = async (...args: string[]) => must(await tryKubectl(args), `kubectl ${args.join(' ')}`)
  return {
    kubectl,
    tryKubectl,
    apply: async (manifest) => must(await tryKubectl(['apply', '-f', '-'], manifest), 'kubectl apply'),
    inPod: (pod, ...command) => kubectl('exec', ...pod.split(' '), '--', ...command),
    onNode: async (...command) => must(await fairway('exec', '--', ...command), command.join(' ')),
    fairway,
    down: async () => {
      must(await fairway('down'), 'fairway down')
    },
  }
}

function must(result: ExecResult, what: string): string {
  if (result.code !== 0) throw new Error(`${what}: exit code ${result.code}\n${result.stderr}${result.stdout}`)
  return result.stdout
}

/** Tries until `check` returns something true; the error says what was awaited and what was seen last. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T>,
  timeoutMs = 20_000,
): Promise<Exclude<T, undefined>> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    let seen: unknown
    try {
      const result = await check()
      if (result) return result as Exclude<T, undefined>
      seen = result
    } catch (error) {
      seen = error
    }
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}; saw: ${String(seen)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Words of a line or of several. */
export const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')
