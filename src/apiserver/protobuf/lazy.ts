import type * as Codec from './index.ts'

let loading: Promise<typeof Codec> | undefined

/** The codec, loaded when it is first needed. Kept, since `import()` looks for its module every time. */
export function loadProtobuf(): Promise<typeof Codec> {
  loading ??= import('./index.ts')
  return loading
}
