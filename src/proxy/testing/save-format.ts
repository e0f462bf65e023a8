/** Compares rule texts the way `iptables-save` groups them. */

/** Of chains whose order kube-proxy leaves to chance, lines are sorted; its other chains keep their order. */
const unordered = new Set(['KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-EXTERNAL-SERVICES', 'KUBE-PROXY-FIREWALL'])

/** `TABLE CHAIN` → rules. Empty chains are there with no rules. */
export function chainsOf(text: string): Record<string, string[]> {
  const chains: Record<string, string[]> = {}
  let table = ''
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1)
    const name = /^:(\S+) /.exec(line)?.[1]
    if (name) chains[`${table} ${name}`] ??= []
    const rule = /^-([AI]) (\S+) (.*)$/.exec(line)
    if (!rule) continue
    const rules = (chains[`${table} ${rule[2]}`] ??= [])
    if (rule[1] === 'A') rules.push(rule[3] ?? '')
    else rules.unshift(rule[3] ?? '')
  }
  for (const [key, rules] of Object.entries(chains)) if (unordered.has(key.split(' ')[1] ?? '')) rules.sort()
  return chains
}
