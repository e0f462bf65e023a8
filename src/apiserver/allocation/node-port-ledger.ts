/**
 * The claims on node ports as the store holds them, for whoever audits them. Unlike cluster IPs they are no objects of
 * the API.
 */
import type { ClusterSettings } from '../../api/resource.ts'
import type { Store } from '../../store/contract.ts'
import { decodeHolder, encodeHolder, type Holder, nodePortPrefix } from './claims.ts'

export interface NodePortClaim {
  readonly port: number
  /** `NAMESPACE/NAME` of the Service. */
  readonly holder: string
  /** Of the claim's key, so that only what was seen is released. */
  readonly revision: number
}

export class NodePortLedger {
  readonly range: ClusterSettings['nodePortRange']
  readonly #store: Store

  constructor(store: Store, { nodePortRange }: Pick<ClusterSettings, 'nodePortRange'>) {
    this.#store = store
    this.range = nodePortRange
  }

  async list(): Promise<NodePortClaim[]> {
    const { kvs } = await this.#store.range({ prefix: nodePortPrefix })
    return kvs.map(({ key, value, modRevision }) => ({
      port: Number(key.slice(nodePortPrefix.length)),
      holder: decodeHolder(value),
      revision: modRevision,
    }))
  }

  /** False when somebody has it. */
  async claim(port: number, holder: Holder): Promise<boolean> {
    const key = `${nodePortPrefix}${port}`
    const { succeeded } = await this.#store.commit({
      compare: [{ key, modRevision: 0 }],
      operations: [{ type: 'put', key, value: encodeHolder(holder) }],
    })
    return succeeded
  }

  /** False when it has changed hands or is free already. */
  async release({ port, revision }: NodePortClaim): Promise<boolean> {
    const key = `${nodePortPrefix}${port}`
    const { succeeded } = await this.#store.commit({
      compare: [{ key, modRevision: revision }],
      operations: [{ type: 'delete', key }],
    })
    return succeeded
  }
}
