/** A JSON object that is being written. */
export type Json = Record<string, unknown>
