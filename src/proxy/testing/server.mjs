// A pod: answers on TCP 8080 and UDP 5353 with one line of JSON that says who it is and whom it saw.
// Arguments: the pod's name. Prints `ready` when both listen.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const pod = process.argv[2]
const answer = (client) => JSON.stringify({ pod, client: client.replace('::ffff:', '') })
const tcp = createServer((socket) => {
  socket.on('error', () => {})
  socket.end(answer(socket.remoteAddress ?? ''))
})
const udp = createSocket('udp6', (_message, from) => udp.send(answer(from.address), from.port, from.address))
tcp.listen(8080, '::', () => udp.bind(5353, '::', () => console.log('ready')))
