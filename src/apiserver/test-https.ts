/** For tests: the test server behind real TLS on loopback, and its clients' credentials. */
import { createCa, issue } from '../lib/pki.ts'
import { listenHttps } from './edge/https.ts'
import { startTestServer, type TestServer, type TestServerOptions } from './test-server.ts'

export interface HttpsTestServer extends AsyncDisposable {
  readonly api: TestServer
  readonly port: number
  /** Of a member of system:masters, as `node:tls` takes them. */
  readonly credentials: { readonly ca: string; readonly cert: string; readonly key: string }
}

export async function startHttpsTestServer(options: TestServerOptions = {}): Promise<HttpsTestServer> {
  const ca = await createCa({ commonName: 'test-ca' })
  const serving = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], days: 1 }
  const { certPem, keyPem } = await issue(ca, { commonName: 'server', usage: 'server', ...serving })
  const groups = { organizations: ['system:masters'], days: 1 }
  const client = await issue(ca, { commonName: 'admin', usage: 'client', ...groups })
  const api = await startTestServer(options)
  const address = { host: '127.0.0.1', port: 0 }
  const listener = await listenHttps(api.server, { ...address, certPem, keyPem, clientCaPem: ca.certPem })
  return {
    api,
    port: listener.port,
    credentials: { ca: ca.certPem, cert: client.certPem, key: client.keyPem },
    async [Symbol.asyncDispose]() {
      await listener.close()
      await api[Symbol.asyncDispose]()
    },
  }
}
