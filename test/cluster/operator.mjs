/** An operator as people write them: it knows nothing but what its pod was given, and prints what it sees. */
import { CoreV1Api, KubeConfig, Watch } from '@kubernetes/client-node'

const config = new KubeConfig()
config.loadFromCluster()
const core = config.makeApiClient(CoreV1Api)
const namespace = config.getContextObject(config.getCurrentContext())?.namespace ?? ''

const refused = await core.listNamespacedSecret({ namespace }).then(
  () => 'listed',
  (error) => `${error.code} ${JSON.parse(error.body).message}`,
)
console.log(`secrets: ${refused}`)

const { metadata } = await core.listNamespacedService({ namespace })
await new Watch(config).watch(
  `/api/v1/namespaces/${namespace}/services`,
  { resourceVersion: metadata.resourceVersion },
  (type, service) => console.log(`service: ${type} ${service.metadata.name}`),
  (error) => console.log(`watch ended: ${error}`),
)
console.log('watching')
