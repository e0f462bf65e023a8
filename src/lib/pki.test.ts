import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type PeerCertificate, type TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { createCa, issue, type KeyPair } from './pki.ts'

const names = { dnsNames: ['kubernetes.default', 'localhost'], ipAddresses: ['127.0.0.1', '10.96.0.1', 'fd00::1'] }

/** What the server sees of a client that connects to it. */
function handshake(ca: KeyPair, server: KeyPair, client: KeyPair): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const listener = createServer({ cert: server.certPem, key: server.keyPem, ca: ca.certPem, requestCert: true })
    listener.on('secureConnection', (socket) => {
      resolve(socket.getPeerCertificate())
      socket.end()
      listener.close()
    })
    listener.on('tlsClientError', reject)
    listener.listen(0, '127.0.0.1', () => {
      const { port } = listener.address() as AddressInfo
      const socket: TLSSocket = connect({
        host: '127.0.0.1',
        port,
        ca: ca.certPem,
        cert: client.certPem,
        key: client.keyPem,
      })
      socket.on('error', (error) => {
        listener.close()
        reject(error)
      })
    })
  })
}

test('a client and a server with certificates of one authority accept each other', async () => {
  const ca = await createCa({ commonName: 'kubernetes' })
  const server = await issue(ca, { commonName: 'kube-apiserver', ...names, usage: 'server', days: 365 })
  const client = await issue(ca, {
    commonName: 'system:node:node-1',
    organizations: ['system:nodes', 'system:masters'],
    usage: 'client',
    days: 365,
  })
  const { subject } = await handshake(ca, server, client)
  expect(subject).toMatchObject({ CN: 'system:node:node-1', O: ['system:nodes', 'system:masters'] })
})

test('a server refuses to be trusted under another authority', async () => {
  const [ca, other] = [await createCa({ commonName: 'kubernetes' }), await createCa({ commonName: 'kubernetes' })]
  const server = await issue(other, { commonName: 'kube-apiserver', ...names, usage: 'server', days: 1 })
  const client = await issue(ca, { commonName: 'x', usage: 'client', days: 1 })
  await expect(handshake(ca, server, client)).rejects.toThrow(/signature|verify|self-signed|unable/)
})

test('certificates carry the names, the lifetime and the issuer they should', async () => {
  const ca = await createCa({ commonName: 'kubernetes' })
  const issued = await issue(ca, { commonName: 'server', ...names, usage: 'both', days: 9000 })
  const [authority, certificate] = [new X509Certificate(ca.certPem), new X509Certificate(issued.certPem)]
  expect(authority.ca).toBe(true)
  expect(certificate.ca).toBe(false)
  expect(certificate.checkIssued(authority)).toBe(true)
  expect(certificate.verify(authority.publicKey)).toBe(true)
  expect(certificate.checkHost('localhost')).toBe('localhost')
  for (const ip of names.ipAddresses) expect(certificate.checkIP(ip)).toBe(ip)
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
  const days = (certificate.validToDate.getTime() - Date.now()) / 86_400_000
  expect(Math.round(days)).toBe(9000)
})

test.skipIf(spawnSync('openssl', ['version']).status !== 0)('openssl verifies the chain strictly', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fairway-pki-'))
  const ca = await createCa({ commonName: 'kubernetes' })
  const client = await issue(ca, {
    commonName: 'kubernetes-admin',
    organizations: ['system:masters'],
    usage: 'client',
    days: 1,
  })
  writeFileSync(join(dir, 'ca.crt'), ca.certPem)
  writeFileSync(join(dir, 'client.crt'), client.certPem)
  const args = [
    'verify',
    '-x509_strict',
    '-purpose',
    'sslclient',
    '-CAfile',
    join(dir, 'ca.crt'),
    join(dir, 'client.crt'),
  ]
  const { stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
  rmSync(dir, { recursive: true })
  expect(`${stdout}${stderr}`).toContain('client.crt: OK')
})
