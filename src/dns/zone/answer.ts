/** What the kubernetes plugin answers to a question: records, or word that another plugin is to answer. Pure. */
import { classIN, type Question, type RecordData, type ResourceRecord, rcodes, recordTypes } from '../wire/index.ts'
import type { Cluster } from './cluster.ts'
import { type Found, isExposed, type LookupOptions, lookup, type Target } from './lookup.ts'
import { addressOfReverse, isWithin, zoneOf } from './names.ts'

export interface ZoneOptions extends LookupOptions {
  readonly zones: readonly string[]
  readonly ttl: number
  /** Zones in which a name that does not exist is passed on. */
  readonly fallthrough: readonly string[]
  /** This server's own addresses, by which it finds the Service it is behind. */
  readonly localAddresses: readonly string[]
}

export type ZoneAnswer =
  | {
      readonly type: 'answer'
      readonly rcode: number
      readonly answers: readonly ResourceRecord[]
      readonly authorities: readonly ResourceRecord[]
      readonly additionals: readonly ResourceRecord[]
      /** An alias leads out of the zone: what that name has belongs after the answers. */
      readonly continueAt?: string
    }
  /** Not this zone's, or passed on by `fallthrough`. */
  | { readonly type: 'next' }
  | { readonly type: 'refused' }

const schemaVersion = '1.1.0'
const soaTtlMax = 300
const chainMax = 8
const next: ZoneAnswer = { type: 'next' }

interface Query {
  readonly cluster: Cluster
  readonly options: ZoneOptions
  /** As asked, in the client's own case. */
  readonly asked: string
  readonly name: string
  readonly zone: string
  readonly prefix: string
}

interface Records {
  readonly answers: readonly ResourceRecord[]
  readonly additionals?: readonly ResourceRecord[]
  readonly continueAt?: string
}

/** `question.class` is IN. */
export function answerFromZone(cluster: Cluster, options: ZoneOptions, question: Question): ZoneAnswer {
  const name = question.name.toLowerCase()
  const zone = zoneOf(options.zones, name)
  if (zone === undefined) return next
  if (question.type === recordTypes.AXFR || question.type === recordTypes.IXFR) return { type: 'refused' }
  const prefix = name === zone ? '' : name.slice(0, -zone.length - (zone === '.' ? 0 : 1))
  const query: Query = { cluster, options, asked: question.name, name, zone, prefix }
  const found = find(query, question.type)
  if (found === 'nxdomain') {
    if (options.fallthrough.some((passed) => isWithin(name, passed))) return next
    return negative(query, rcodes.NXDOMAIN)
  }
  if (found.answers.length === 0) return negative(query, rcodes.NOERROR)
  const { answers, additionals = [], continueAt } = found
  return {
    type: 'answer',
    rcode: rcodes.NOERROR,
    answers,
    authorities: [],
    additionals,
    ...(continueAt && { continueAt }),
  }
}

function find(query: Query, type: number): Records | 'nxdomain' {
  const { name, zone, asked, options } = query
  const apex = name === zone
  if (type === recordTypes.SOA && apex) return { answers: [soa(query)] }
  if (type === recordTypes.NS && apex) return nameServers(query)
  if (type === recordTypes.TXT && query.prefix === 'dns-version') {
    return { answers: [record(asked, recordTypes.TXT, options.ttl, { type: 'txt', strings: [schemaVersion] })] }
  }
  if (name === `ns.dns.${zone}`) return { answers: addresses(asked, nameServerTargets(query), type, options.ttl) }
  if (type === recordTypes.PTR) {
    const address = addressOfReverse(name)
    if (address !== undefined) return pointers(query, address)
  }
  const found = lookup(query.cluster, options, query.prefix, zone)
  return found.type === 'nxdomain' ? 'nxdomain' : recordsOf(query, found, type)
}

function recordsOf(query: Query, found: Found, type: number): Records {
  const { asked, options } = query
  if (found.type === 'external') return alias(query, found.target, type)
  if (found.type !== 'targets') return { answers: [] }
  if (type === recordTypes.SRV) return services(query, found.targets)
  return { answers: addresses(asked, found.targets, type, options.ttl) }
}

function record(name: string, type: number, ttl: number, data: RecordData): ResourceRecord {
  return { name, type, class: classIN, ttl, data }
}

const typeOf = (address: string) => (address.includes(':') ? recordTypes.AAAA : recordTypes.A)

/** A or AAAA records of `name`, each address once; none for other types. */
function addresses(name: string, targets: readonly Target[], type: number, ttl: number): ResourceRecord[] {
  const distinct = new Set(targets.map(({ address }) => address))
  return [...distinct]
    .filter((address) => typeOf(address) === type)
    .map((address) => record(name, type, ttl, { type: 'address', address }))
}

/** Weights share a hundred; an object without ports has no SRV records. */
function services({ asked, options: { ttl } }: Query, targets: readonly Target[]): Records {
  const weight = Math.max(1, Math.floor(100 / targets.length))
  const answers = new Map<string, ResourceRecord>()
  const additionals = new Map<string, ResourceRecord>()
  for (const { address, port, name: target } of targets) {
    if (port === undefined) continue
    const data: RecordData = { type: 'srv', priority: 0, weight, port, target }
    answers.set(`${target} ${port}`, record(asked, recordTypes.SRV, ttl, data))
    additionals.set(`${target} ${address}`, record(target, typeOf(address), ttl, { type: 'address', address }))
  }
  return { answers: [...answers.values()], additionals: [...additionals.values()] }
}

/** CNAME, followed as long as it stays in the zone; outside it is the caller's to follow. */
function alias(query: Query, target: string, type: number): Records {
  const { cluster, options, zone } = query
  const answers: ResourceRecord[] = []
  if (type === recordTypes.CNAME) return { answers: [cname(query.asked, target, options.ttl)] }
  if (type !== recordTypes.A && type !== recordTypes.AAAA) return { answers }
  const visited = new Set([query.name])
  let owner = query.asked
  let at = target
  while (answers.length < chainMax && !visited.has(at.toLowerCase())) {
    answers.push(cname(owner, at, options.ttl))
    const name = at.toLowerCase()
    visited.add(name)
    if (!isWithin(name, zone) || name === zone) return name === zone ? { answers: [] } : { answers, continueAt: at }
    const found = lookup(cluster, options, name.slice(0, -zone.length - 1), zone)
    if (found.type !== 'external') {
      const final = recordsOf({ ...query, asked: at, name }, found, type).answers
      // An alias of nothing is no answer, as in CoreDNS.
      return { answers: final.length > 0 ? [...answers, ...final] : [] }
    }
    owner = at
    at = found.target
  }
  return { answers: [] }
}

function cname(name: string, target: string, ttl: number): ResourceRecord {
  return record(name, recordTypes.CNAME, ttl, { type: 'name', target })
}

/** Names of a cluster IP's Services, else of the endpoints at the address. */
function pointers({ cluster, options, asked }: Query, address: string): Records | 'nxdomain' {
  const zone = primaryZone(options)
  const exposed = (namespace: string) => options.namespaces.length === 0 || isExposed(cluster, options, namespace)
  let names = cluster
    .servicesAt(address)
    .filter(({ namespace }) => exposed(namespace))
    .map(({ name, namespace }) => `${name}.${namespace}.svc.${zone}`)
  if (names.length === 0) {
    names = cluster.endpointsAt(address).flatMap(({ label, service }) => {
      const [namespace = '', name = ''] = service.split('/')
      return name !== '' && exposed(namespace) ? [`${label}.${name}.${namespace}.svc.${zone}`] : []
    })
  }
  if (names.length === 0) return 'nxdomain'
  const answers = [...new Set(names)].map((target) =>
    record(asked, recordTypes.PTR, options.ttl, { type: 'name', target }),
  )
  return { answers }
}

function primaryZone({ zones }: ZoneOptions): string {
  return zones.find((zone) => !zone.endsWith('.arpa.')) ?? '.'
}

/** The Service in front of this server; without one, the server itself as `ns.dns`. */
function nameServerTargets({ cluster, options, zone }: Query): Target[] {
  const targets = options.localAddresses.flatMap((local) =>
    cluster.endpointsAt(local).flatMap(({ service, label }): Target[] => {
      const entry = cluster.service(service)
      if (!entry) return []
      const base = `${entry.name}.${entry.namespace}.svc.${zone}`
      if (entry.kind === 'headless') return [{ address: local, port: undefined, name: `${label}.${base}` }]
      return entry.addresses.map((address) => ({ address, port: undefined, name: base }))
    }),
  )
  if (targets.length > 0) return targets
  return options.localAddresses.map((address) => ({ address, port: undefined, name: `ns.dns.${zone}` }))
}

function nameServers(query: Query): Records {
  const { asked, options } = query
  const targets = nameServerTargets(query)
  const names = [...new Set(targets.map(({ name }) => name))]
  const distinct = [...new Map(targets.map((target) => [`${target.name} ${target.address}`, target])).values()]
  return {
    answers: names.map((target) => record(asked, recordTypes.NS, options.ttl, { type: 'name', target })),
    additionals: distinct.map(({ name, address }) =>
      record(name, typeOf(address), options.ttl, { type: 'address', address }),
    ),
  }
}

function negative(query: Query, rcode: number): ZoneAnswer {
  return { type: 'answer', rcode, answers: [], authorities: [soa(query)], additionals: [] }
}

function soa({ cluster, options: { ttl }, zone }: Query): ResourceRecord {
  const under = (label: string) => (zone === '.' ? `${label}.` : `${label}.${zone}`)
  return record(zone, recordTypes.SOA, Math.min(ttl, soaTtlMax), {
    type: 'soa',
    mname: under('ns.dns'),
    rname: under('hostmaster'),
    serial: cluster.serial,
    refresh: 7200,
    retry: 1800,
    expire: 86_400,
    minimum: ttl,
  })
}
