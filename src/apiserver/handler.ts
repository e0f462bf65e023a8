/** The server as a function: the HTTPS edge and the in-process transport both call this. */
import type { ApiRequest, ApiResponse } from '../client/transport.ts'

/** Who asks, after authentication. */
export interface UserInfo {
  readonly name: string
  readonly groups: readonly string[]
  /** Of a service account; '' or absent where the way of authentication knows none. */
  readonly uid?: string
  /** More that is known, by lower-case key: which pod a token belongs to, which credential was used. */
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

export type ApiHandler = (request: ApiRequest, user: UserInfo) => Promise<ApiResponse>
