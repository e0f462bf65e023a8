/** The codec, loaded when it is first needed. Kept, since `import()` looks for its module every time. */
let loading: Promise<typeof import('./index.ts')> | undefined

export function loadProtobuf(): Promise<typeof import('./index.ts')> {
  loading ??= import('./index.ts')
  return loading
}
