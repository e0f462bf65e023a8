/** The server as a function: the HTTPS edge and the in-process transport both call this. */
import type { ApiRequest, ApiResponse } from '../client/transport.ts'

/** Who asks, after authentication. */
export interface UserInfo {
  readonly name: string
  readonly groups: readonly string[]
}

export type ApiHandler = (request: ApiRequest, user: UserInfo) => Promise<ApiResponse>
