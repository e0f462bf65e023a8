/**
 * The iptables commands over tables in memory: understands what the proxy sends to `iptables-restore --noflush`, refuses
 * what the kernel refuses, and prints what it holds as `iptables-save` does.
 */
import type { Exec } from '../../lib/exec.ts'

const builtIn: Readonly<Record<string, readonly string[]>> = {
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
}

type Table = Map<string, string[]>

export class FakeIptables {
  #tables: Record<string, Table> = Object.fromEntries(
    Object.entries(builtIn).map(([table, chains]) => [table, new Map(chains.map((chain) => [chain, []]))]),
  )
  /** Restores that were refused. */
  refused = 0

  readonly exec: Exec = (command, _args, { input = '' } = {}) => {
    if (command.endsWith('-save')) return Promise.resolve({ code: 0, stdout: this.save(), stderr: '' })
    try {
      this.restore(String(input))
      return Promise.resolve({ code: 0, stdout: '', stderr: '' })
    } catch (error) {
      this.refused += 1
      return Promise.resolve({ code: 1, stdout: '', stderr: String(error) })
    }
  }

  /** Each table changes as a whole at its COMMIT, or not at all. Throws what the kernel would refuse. */
  restore(script: string): void {
    let name = ''
    let table: Table = new Map()
    for (const [i, line] of script.split('\n').entries()) {
      const fail = (why: string) => new Error(`line ${i + 1}: ${why}: ${line}`)
      if (line === '') continue
      if (line.startsWith('*')) {
        name = line.slice(1)
        table = new Map([...(this.#tables[name] ?? [])].map(([chain, rules]) => [chain, [...rules]]))
        if (table.size === 0) throw fail('no such table')
      } else if (line === 'COMMIT') {
        checkTargets(table, fail)
        this.#tables[name] = table
      } else if (line.startsWith(':')) table.set(line.slice(1, line.indexOf(' ')), [])
      else change(table, line, fail)
    }
  }

  save(): string {
    return Object.entries(this.#tables)
      .flatMap(([name, table]) => [
        `*${name}`,
        ...[...table.keys()].map((chain) => `:${chain} - [0:0]`),
        ...[...table].flatMap(([chain, rules]) => rules.map((rule) => `-A ${chain} ${rule}`)),
        'COMMIT',
        '',
      ])
      .join('\n')
  }
}

type Fail = (why: string) => Error

function change(table: Table, line: string, fail: Fail): void {
  const [, kind, chain = '', rule = ''] = /^-([AIDX]) (\S+) ?(.*)$/.exec(line) ?? []
  const rules = table.get(chain)
  if (!rules) throw fail('no such chain')
  if (kind === 'A') rules.push(rule)
  else if (kind === 'I') rules.unshift(rule)
  else if (kind === 'D') {
    const index = rules.indexOf(rule)
    if (index < 0) throw fail('no such rule')
    rules.splice(index, 1)
  } else if (kind === 'X') {
    if (rules.length > 0) throw fail('chain is not empty')
    if ([...table.values()].some((others) => others.some((other) => targetOf(other) === chain)))
      throw fail('chain is in use')
    table.delete(chain)
  } else throw fail('not understood')
}

const targetOf = (rule: string) => /-j (KUBE-\S+)$/.exec(rule)?.[1]

function checkTargets(table: Table, fail: Fail): void {
  for (const rules of table.values())
    for (const rule of rules) {
      const target = targetOf(rule)
      if (target && !table.has(target)) throw fail(`no chain ${target}`)
    }
}
