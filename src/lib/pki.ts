/**
 * Certificates of a cluster: an authority and what it signs (X.509 v3, RFC 5280; ECDSA P-256). Written with Node's own
 * crypto: the library that could do it needs two more packages before it can be imported, and has to load in processes
 * that make three certificates in their life.
 */
import { createHash, createPrivateKey, generateKeyPair, randomBytes, sign, X509Certificate } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { promisify } from 'node:util'
import {
  bitString,
  children,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  time,
  trueValue,
  utf8String,
} from './der.ts'
import { parseIp } from './ip.ts'

export interface KeyPair {
  readonly certPem: string
  /** PKCS #8. */
  readonly keyPem: string
}

export interface CaOptions {
  readonly commonName: string
  /** Default: ten years. */
  readonly days?: number
}

export interface IssueOptions {
  readonly commonName: string
  /** Groups, where the certificate is a Kubernetes user's. */
  readonly organizations?: readonly string[]
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
  readonly usage: 'client' | 'server' | 'both'
  readonly days: number
}

const oids = {
  organization: '2.5.4.10',
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const

/** Machines' clocks differ a little: certificates hold from a little earlier. */
const backdateMs = 5 * 60_000
const dayMs = 86_400_000

const generate = promisify(generateKeyPair)

async function newKey(): Promise<{ spki: Buffer; keyPem: string }> {
  const { publicKey, privateKey } = await generate('ec', { namedCurve: 'P-256' })
  return {
    spki: publicKey.export({ type: 'spki', format: 'der' }),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** What service account tokens are signed with, and what verifies them. */
export interface SigningKey {
  /** PKCS #8. */
  readonly keyPem: string
  /** SubjectPublicKeyInfo. */
  readonly publicKeyPem: string
}

export async function createServiceAccountKey(): Promise<SigningKey> {
  const { publicKey, privateKey } = await generate('ec', { namedCurve: 'P-256' })
  return {
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}

/** A self-signed authority. */
export async function createCa({ commonName, days = 3650 }: CaOptions): Promise<KeyPair> {
  const { spki, keyPem } = await newKey()
  const subject = distinguishedName([], commonName)
  const extensions = [
    extension(oids.keyUsage, bitString(Buffer.from([0b10000110]), 1), { critical: true }),
    extension(oids.basicConstraints, sequence(trueValue), { critical: true }),
    extension(oids.subjectKeyIdentifier, octetString(keyIdentifier(spki))),
  ]
  const certPem = signCertificate({ issuer: subject, subject, spki, days, extensions, signingKeyPem: keyPem })
  return { certPem, keyPem }
}

/** A certificate signed by `ca`, with a new key. */
export async function issue(ca: KeyPair, options: IssueOptions): Promise<KeyPair> {
  const { spki, keyPem } = await newKey()
  const authority = readAuthority(ca.certPem)
  const names = subjectAltNames(options)
  const extensions = [
    extension(oids.keyUsage, bitString(Buffer.from([0b10000000]), 7), { critical: true }),
    extension(oids.extKeyUsage, sequence(...usages(options.usage))),
    extension(oids.basicConstraints, sequence(), { critical: true }),
    extension(oids.subjectKeyIdentifier, octetString(keyIdentifier(spki))),
    extension(oids.authorityKeyIdentifier, sequence(implicit(0, keyIdentifier(authority.spki)))),
    ...(names.length > 0 ? [extension(oids.subjectAltName, sequence(...names))] : []),
  ]
  const certPem = signCertificate({
    issuer: authority.subject,
    subject: distinguishedName(options.organizations ?? [], options.commonName),
    spki,
    days: options.days,
    extensions,
    signingKeyPem: ca.keyPem,
  })
  return { certPem, keyPem }
}

function usages(usage: IssueOptions['usage']): Buffer[] {
  const server = usage === 'client' ? [] : [objectIdentifier(oids.serverAuth)]
  return usage === 'server' ? server : [...server, objectIdentifier(oids.clientAuth)]
}

function distinguishedName(organizations: readonly string[], commonName: string): Buffer {
  const attribute = (oid: string, value: string) => set(sequence(objectIdentifier(oid), utf8String(value)))
  return sequence(
    ...organizations.map((organization) => attribute(oids.organization, organization)),
    attribute(oids.commonName, commonName),
  )
}

function subjectAltNames({ dnsNames = [], ipAddresses = [] }: IssueOptions): Buffer[] {
  return [
    ...dnsNames.map((name) => implicit(2, Buffer.from(name, 'latin1'))),
    ...ipAddresses.map((address) => implicit(7, addressBytes(address))),
  ]
}

function addressBytes(address: string): Buffer {
  const ip = parseIp(address)
  if (!ip) throw new Error(`not an IP address: ${address}`)
  return Buffer.from(ip.value.toString(16).padStart(isIPv4(address) ? 8 : 32, '0'), 'hex')
}

function extension(oid: string, value: Buffer, { critical = false } = {}): Buffer {
  return sequence(objectIdentifier(oid), ...(critical ? [trueValue] : []), octetString(value))
}

/** SHA-1 of the key's bits (RFC 5280 4.2.1.2, method 1). */
function keyIdentifier(spki: Buffer): Buffer {
  const bits = children(spki)[1]
  if (!bits) throw new Error('malformed public key')
  return createHash('sha1').update(bits.subarray(3)).digest()
}

function readAuthority(certPem: string): { subject: Buffer; spki: Buffer } {
  const [body] = children(new X509Certificate(certPem).raw)
  // version, serial number, signature algorithm, issuer, validity, subject, public key, …
  const [, , , , , subject, spki] = body ? children(body) : []
  if (!subject || !spki) throw new Error('malformed CA certificate')
  return { subject, spki }
}

interface CertificateFields {
  readonly issuer: Buffer
  readonly subject: Buffer
  readonly spki: Buffer
  readonly days: number
  readonly extensions: readonly Buffer[]
  readonly signingKeyPem: string
}

function signCertificate({ issuer, subject, spki, days, extensions, signingKeyPem }: CertificateFields): string {
  const algorithm = sequence(objectIdentifier(oids.ecdsaWithSha256))
  const serial = randomBytes(16)
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0)
  const now = Date.now()
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    algorithm,
    issuer,
    sequence(time(new Date(now - backdateMs)), time(new Date(now + days * dayMs))),
    subject,
    spki,
    explicit(3, sequence(...extensions)),
  )
  const signature = sign('sha256', body, createPrivateKey(signingKeyPem))
  return pem(sequence(body, algorithm, bitString(signature)))
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
