// Sends COUNT requests one after the other and prints the answers as a JSON list of { pod, client } or { error }.
// Arguments: tcp|udp ADDRESS PORT COUNT [SOURCE_PORT] (UDP: one socket for all when the source port is given).
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'

const [protocol, host, port, count, sourcePort] = process.argv.slice(2)
// Over IPv6 the kernel takes a reject for its answer only at the second SYN, a second after the first.
const timeoutMs = 1500

function overTcp() {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ host, port: Number(port), timeout: timeoutMs })
    socket.on('data', (chunk) => (text += chunk))
    socket.on('end', () => resolve(JSON.parse(text)))
    socket.on('timeout', () => socket.destroy(Object.assign(new Error('timeout'), { code: 'TIMEOUT' })))
    socket.on('error', (error) => resolve({ error: error.code }))
  })
}

function overUdp(socket) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ error: 'TIMEOUT' }), timeoutMs)
    const done = (result) => {
      clearTimeout(timer)
      socket.removeAllListeners('message').removeAllListeners('error')
      resolve(result)
    }
    socket.on('message', (message) => done(JSON.parse(message.toString())))
    socket.on('error', (error) => done({ error: error.code }))
    socket.send('?', (error) => error && done({ error: error.code }))
  })
}

async function udpSocket() {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  await new Promise((resolve) => socket.bind(Number(sourcePort ?? 0), resolve))
  await new Promise((resolve) => socket.connect(Number(port), host, resolve))
  return socket
}

const answers = []
const shared = protocol === 'udp' && sourcePort ? await udpSocket() : undefined
for (let i = 0; i < Number(count); i++) {
  if (protocol === 'tcp') answers.push(await overTcp())
  else {
    const socket = shared ?? (await udpSocket())
    answers.push(await overUdp(socket))
    if (!shared) socket.close()
  }
}
shared?.close()
console.log(JSON.stringify(answers))
