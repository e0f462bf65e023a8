/** Names that two rooms hold: each controller's identity has a role among those a cluster starts with. */
import { expect, test } from 'vitest'
import { bootstrapBindings, bootstrapRoles } from '../apiserver/authorization/bootstrap/index.ts'
import { controllerIdentities } from '../controllers/identities.ts'

const names = (objects: { metadata: { name: string } }[]) => objects.map(({ metadata }) => metadata.name)

test('every controller has its role, and no role is nobody’s', () => {
  const prefix = 'system:controller:'
  const roles = names(bootstrapRoles()).filter((name) => name.startsWith(prefix))
  expect(roles.map((name) => name.slice(prefix.length)).sort()).toEqual([...controllerIdentities].sort())
})

test('every binding is to a role', () => {
  const roles = new Set(names(bootstrapRoles()))
  expect(names(bootstrapBindings()).filter((name) => !roles.has(name))).toEqual([])
})
