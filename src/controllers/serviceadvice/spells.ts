/** Which troubles of a Service last, and which of them have been told of. Pure but for its memory. */
import type { ServiceAdvice } from '../../api/core/service/advice.ts'

/** Trouble must stand this long unchanged: a Service is often there before its pods are. */
export const settleMs = 10_000

interface Spell {
  message: string
  since: number
  told: boolean
}

/** One Event's worth. */
export interface Trouble {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

export class Spells {
  readonly #services = new Map<string, Map<string, Spell>>()

  /**
   * Takes in what is so at `now`, and since `changed` at least. Returns what has become due, and after how many
   * milliseconds the next of it will; 0: nothing will.
   */
  look(
    key: string,
    advice: readonly ServiceAdvice[],
    now: number,
    changed: number,
  ): { due: Trouble[]; againMs: number } {
    const troubles = byReason(advice)
    const before = this.#services.get(key)
    const spells = new Map<string, Spell>()
    const due: Trouble[] = []
    let againMs = 0
    for (const trouble of troubles) {
      const spell = lasting(before?.get(trouble.reason), trouble.message, changed)
      spells.set(trouble.reason, spell)
      if (spell.told) continue
      const restMs = spell.since + settleMs - now
      if (restMs > 0) againMs = againMs === 0 ? restMs : Math.min(againMs, restMs)
      else {
        spell.told = true
        due.push(trouble)
      }
    }
    if (spells.size > 0) this.#services.set(key, spells)
    else this.#services.delete(key)
    return { due, againMs }
  }

  forget(key: string): void {
    this.#services.delete(key)
  }
}

/** Once told of, a spell goes on whatever its details; before, a change of them begins it anew. */
function lasting(spell: Spell | undefined, message: string, changed: number): Spell {
  return spell && (spell.told || spell.message === message) ? spell : { message, since: changed, told: false }
}

function byReason(advice: readonly ServiceAdvice[]): Trouble[] {
  const troubles = new Map<string, Trouble>()
  for (const { type, reason, message, hint } of advice) {
    const said = [troubles.get(reason)?.message, message, hint].filter(Boolean).join(' ')
    troubles.set(reason, { type, reason, message: said })
  }
  return [...troubles.values()]
}
