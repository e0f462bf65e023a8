/** What clocks on the wall show in a time zone. */

export interface WallTime {
  readonly year: number
  /** 1-12. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  /** 0 is Sunday. */
  readonly weekday: number
}

export interface WallClock {
  read(time: number): WallTime
  /** When a day begins; days and months past the end are those that follow. */
  startOf(year: number, month: number, day: number): number
  /** RFC 3339, as in the zone. */
  format(time: number): string
}

const clocks = new Map<string, WallClock>()
/** More than there are zones; but their names count in any case. */
const clocksMax = 1000

/** `zone`: an IANA name, which the caller has checked. */
export function wallClock(zone: string): WallClock {
  let clock = clocks.get(zone)
  if (!clock) {
    if (clocks.size === clocksMax) clocks.clear()
    clocks.set(zone, (clock = new ZoneClock(zone)))
  }
  return clock
}

const hourMs = 3_600_000

class ZoneClock implements WallClock {
  readonly #utc: boolean
  readonly #format: Intl.DateTimeFormat

  constructor(zone: string) {
    this.#utc = zone === 'UTC'
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  }

  read(time: number): WallTime {
    const shown = new Date(time + this.#offsetMs(time))
    return {
      year: shown.getUTCFullYear(),
      month: shown.getUTCMonth() + 1,
      day: shown.getUTCDate(),
      hour: shown.getUTCHours(),
      minute: shown.getUTCMinutes(),
      weekday: shown.getUTCDay(),
    }
  }

  startOf(year: number, month: number, day: number): number {
    const wanted = Date.UTC(year, month - 1, day)
    const guess = wanted - this.#offsetMs(wanted)
    const at = wanted - this.#offsetMs(guess)
    // Where clocks go forward at midnight the day begins at one.
    return at + this.#offsetMs(at) < wanted ? at + hourMs : at
  }

  format(time: number): string {
    const offset = this.#offsetMs(time) / 60_000
    const shown = new Date(time + offset * 60_000).toISOString().slice(0, 19)
    if (offset === 0) return `${shown}Z`
    const two = (value: number) => String(Math.trunc(value)).padStart(2, '0')
    return `${shown}${offset < 0 ? '-' : '+'}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`
  }

  /** How far the wall is ahead of UTC. */
  #offsetMs(time: number): number {
    if (this.#utc) return 0
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {}
    for (const { type, value } of this.#format.formatToParts(time)) parts[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(time / 1000) * 1000
  }
}
