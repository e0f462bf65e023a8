/** A client of Kubernetes' WebSocket channels, for tests. */
import type { WebSocket } from 'ws'

/** Text of each channel; `first` is the first message as it came. */
export interface ChannelsResult {
  readonly protocol: string
  readonly first: string
  readonly stdout: string
  readonly stderr: string
  readonly error: string
  readonly closeCode: number
}

export interface Talk {
  readonly socket: WebSocket
  readonly stdout: string
  /** One message on a channel. */
  readonly send: (channel: number, data: string | Buffer) => void
}

/** Collects until the server closes. `talk` is called when the connection stands, and after each message. */
export function collect(socket: WebSocket, talk: (now: Talk) => void = () => {}): Promise<ChannelsResult> {
  const texts = ['', '', '', '']
  let first: string | undefined
  return new Promise((resolve, reject) => {
    const isBase64 = () => socket.protocol.includes('base64')
    const send = (channel: number, data: string | Buffer) => {
      const bytes = Buffer.from(data)
      socket.send(isBase64() ? `${channel}${bytes.toString('base64')}` : Buffer.concat([Buffer.from([channel]), bytes]))
    }
    const now = () => talk({ socket, stdout: texts[1] ?? '', send })
    socket.on('open', now)
    socket.on('message', (message: Buffer) => {
      first ??= isBase64() ? message.toString() : message.toString('hex')
      const channel = isBase64() ? Number(String.fromCharCode(message[0] ?? 0)) : (message[0] ?? 0)
      const payload = message.subarray(1).toString()
      texts[channel] += isBase64() ? Buffer.from(payload, 'base64').toString() : payload
      now()
    })
    socket.on('error', reject)
    socket.on('close', (closeCode) => {
      const [, stdout = '', stderr = '', error = ''] = texts
      resolve({ protocol: socket.protocol, first: first ?? '', stdout, stderr, error, closeCode })
    })
  })
}

/** `talk` that does something once, as soon as `when` holds. */
export function once(act: (now: Talk) => void, when: (now: Talk) => boolean = () => true): (now: Talk) => void {
  let done = false
  return (now) => {
    if (done || !when(now)) return
    done = true
    act(now)
  }
}

/** `command=…` of each word. */
export const command = (...words: string[]) => words.map((word) => `command=${encodeURIComponent(word)}`).join('&')
