/**
 * cli: the `fairway` command. One file per command in commands/; what a command needs is imported when it runs. It knows
 * src/cluster and the client, and decides nothing about clusters itself.
 */
import { Command } from 'commander'
import { requireRoot, stateBase } from '../cluster/settings.ts'
import { addDown } from './commands/down.ts'
import { addExec } from './commands/exec.ts'
import { addKubeconfig } from './commands/kubeconfig.ts'
import { addLogs } from './commands/logs.ts'
import { addNode } from './commands/node.ts'
import { addStatus } from './commands/status.ts'
import { addUp } from './commands/up.ts'
import { reportAndExit } from './errors.ts'
import { stateDirOption } from './options.ts'
import { version } from './version.ts'

const program = new Command('fairway')
  .description('The Kubernetes Service, whole and standing on its own: a cluster on this machine in about a second.')
  .version(version, '--version', 'print the version')
  .helpOption('-h, --help', 'print help')
  .helpCommand('help [command]', 'print help for a command')
  .enablePositionalOptions()
  .hook('preAction', requireRoot)
  .addOption(stateDirOption().default(stateBase(process.env)))
  .addHelpText(
    'after',
    `
Examples:
  fairway up                                     a cluster, and kubectl's context set to it
  kubectl apply -f examples/web.yaml             three pods behind a Service
  fairway exec -- curl -s http://10.97.0.7       a command on the cluster's network
  fairway down                                   all of it gone`,
  )

for (const add of [addUp, addDown, addStatus, addExec, addNode, addKubeconfig, addLogs]) add(program)

// Who reads has heard enough (`| head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  reportAndExit(error)
})

try {
  await program.parseAsync()
} catch (error) {
  reportAndExit(error)
}
