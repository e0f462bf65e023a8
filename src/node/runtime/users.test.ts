import { expect, test } from 'vitest'
import { resolveUser, type UserRequest } from './users.ts'

const accounts = {
  passwd: `root:x:0:0:root:/root:/bin/bash
mail:x:8:12:mail:/var/mail:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
ann:x:1000:1000:Ann:/home/ann:/bin/bash
`,
  group: `root:x:0:
tty:x:5:mail,ann
sudo:x:27:ann
staff:x:50:root,mail
friends:x:1001:mail
`,
}

const cases: [what: string, Partial<UserRequest>, uid: number, gid: number, groups: number[], home: string][] = [
  ['nothing asked: root', {}, 0, 0, [0, 50], '/root'],
  ['a user of the image', { uid: 8 }, 8, 12, [12, 5, 50], '/var/mail'],
  ['with a group of its own', { uid: 8, gid: 3000 }, 8, 3000, [3000, 5, 50], '/var/mail'],
  ['groups of the pod', { uid: 8, groups: [7, 12] }, 8, 12, [12, 5, 50, 7], '/var/mail'],
  ['only those, when strict', { uid: 8, groups: [7], policy: 'Strict' }, 8, 12, [12, 7], '/var/mail'],
  ['nobody', { uid: 65534 }, 65534, 65534, [65534], '/nonexistent'],
  ['a number nobody has', { uid: 70000 }, 70000, 0, [0], '/'],
  ['a person of this machine is a number', { uid: 1000, groups: [2000] }, 1000, 0, [0, 2000], '/'],
]

test.each(cases)('%s', (_, request, uid, gid, groups, home) => {
  expect(resolveUser({ groups: [], policy: 'Merge', ...request }, accounts)).toEqual({ uid, gid, groups, home })
})
