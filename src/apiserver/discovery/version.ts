/** What `kubectl version` shows: which Kubernetes this server's API is, and that it is Fairway's. */
export const versionInfo = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.0+fairway0.1.0',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
} as const
