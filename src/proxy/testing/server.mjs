// A pod: answers on TCP 8080 and UDP 5353 with one line of JSON that says who it is and whom it saw. On UDP 5354 it is
// another pod by name: the same with `-again` behind it.
// Arguments: the pod's name. Prints `ready` when both listen.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const pod = process.argv[2]
const answer = (client, name = pod) => JSON.stringify({ pod: name, client: client.replace('::ffff:', '') })
const tcp = createServer((socket) => {
  socket.on('error', () => {})
  socket.end(answer(socket.remoteAddress ?? ''))
})
const echo = (name, port, then) => {
  const udp = createSocket('udp6', (_, from) => udp.send(answer(from.address, name), from.port, from.address))
  udp.bind(port, '::', then)
}
tcp.listen(8080, '::', () => echo(pod, 5353, () => echo(`${pod}-again`, 5354, () => console.log('ready'))))
