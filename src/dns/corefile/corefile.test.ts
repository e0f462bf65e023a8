import { describe, expect, test } from 'vitest'
import { parseCorefile } from './index.ts'

const parse = (text: string, env?: Record<string, string>) =>
  parseCorefile({ file: '/etc/coredns/Corefile', text, ...(env && { env }) })

const kubeadm = `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       kubeconfig /etc/fairway/client/kubeconfig
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
`

test('the Corefile that kubeadm writes', () => {
  expect(parse(kubeadm)).toEqual([
    {
      zones: ['.'],
      port: 53,
      line: 1,
      bind: [],
      errors: true,
      log: false,
      loadbalance: true,
      loop: true,
      health: { address: ':8080', lameduckMs: 5000 },
      ready: ':8181',
      prometheus: ':9153',
      reload: { intervalMs: 2000, jitterMs: 0 },
      cache: {
        success: { capacity: 9984, max: 30, min: 5 },
        denial: { capacity: 9984, max: 30, min: 5 },
        servfail: 5,
      },
      kubernetes: {
        zones: ['cluster.local.', 'in-addr.arpa.', 'ip6.arpa.'],
        access: { type: 'kubeconfig', path: '/etc/fairway/client/kubeconfig', context: undefined },
        namespaces: [],
        pods: 'insecure',
        endpointPodNames: false,
        ignoreEmptyService: false,
        ttl: 30,
        fallthrough: { zones: ['in-addr.arpa.', 'ip6.arpa.'] },
      },
      forward: [
        {
          from: '.',
          to: [{ type: 'resolv.conf', path: '/etc/resolv.conf' }],
          except: [],
          policy: 'random',
          maxConcurrent: 1000,
          maxFails: 2,
          forceTcp: false,
        },
      ],
    },
  ])
})

describe('server blocks', () => {
  test('several names, ports, stub domains, comments, environment', () => {
    const servers = parse(
      `# stub domains
       example.org, Example.NET:1053 { # both
         forward . 10.0.0.53 [fd00::53]:5353 dns://10.0.0.54:54 { policy sequential
         }
       }
       10.1.0.0/16 {
         kubernetes {$DOMAIN} {
           namespaces a B
         }
         hosts {
           10.0.0.1 "one.example.org" one
           fallthrough
         }
       }`.replace('{ policy sequential\n', '{\n policy sequential\n'),
      { DOMAIN: 'k8s.example.org' },
    )
    expect(servers.map(({ zones, port, line }) => [zones, port, line])).toEqual([
      [['example.org.'], 53, 2],
      [['example.net.'], 1053, 2],
      [['1.10.in-addr.arpa.'], 53, 7],
    ])
    expect(servers[0]?.forward[0]).toMatchObject({
      policy: 'sequential',
      to: [
        { host: '10.0.0.53', port: 53 },
        { host: 'fd00::53', port: 5353 },
        { host: '10.0.0.54', port: 54 },
      ],
    })
    expect(servers[2]?.kubernetes).toMatchObject({ zones: ['k8s.example.org.'], namespaces: ['a', 'b'], ttl: 5 })
    expect(servers[2]?.hosts?.entries).toEqual([{ address: '10.0.0.1', names: ['one.example.org.', 'one.'] }])
  })
})

describe('errors name the file and the line', () => {
  const cases: [string, string][] = [
    ['.:53 {\n  errors\n  foo bar\n}', `3 - Error during parsing: Unknown directive 'foo'`],
    ['.:53 {\n  errors\n', `1 - Error during parsing: Unexpected EOF: '{' is not closed`],
    ['.:53 {\n}\n}', `3 - Error during parsing: Unexpected '}' because no matching opening brace`],
    ['. {\n kubernetes cluster.local {\n  pods maybe\n }\n}', '3 - Error during parsing: wrong value for pods: maybe'],
    [
      '. {\n kubernetes cluster.local {\n  ttl 4000\n }\n}',
      `3 - Error during parsing: ttl: expected a number from 0 to 3600, got '4000'`,
    ],
    ['. {\n kubernetes cluster.local {\n  color red\n }\n}', `3 - Error during parsing: unknown property 'color'`],
    ['. {\n forward . example.org\n}', '2 - Error during parsing: not an IP address or file: "example.org"'],
    ['. {\n forward .\n}', `2 - Error during parsing: Wrong argument count or unexpected line ending after '.'`],
    ['. {\n reload 1s\n}', '2 - Error during parsing: reload: interval value must be greater or equal to 2s'],
    ['. {\n cache x {\n  sometimes\n }\n}', `3 - Error during parsing: cache: unknown property 'sometimes'`],
    ['. {\n errors\n}\n. {\n}', '4 - Error during parsing: cannot serve dns://.:53 - it is already defined'],
    ['https://. {\n}', `1 - Error during parsing: scheme 'https://' is not supported`],
    ['. {\n errors\n errors\n}', '3 - Error during parsing: errors: may be used only once per server block'],
    ['. {\n log "x\n}', '2 - Error during parsing: Quote is not closed'],
    ['', '1 - Error during parsing: no server block'],
  ]
  test.each(cases)('%j', (text, message) => expect(() => parse(text)).toThrow(`/etc/coredns/Corefile:${message}`))
})
