import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** Where engines are installed: apart from the store, never evicted. `GRAFT_ENGINES` moves it. */
export function enginesFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.GRAFT_ENGINES) return resolve(env.GRAFT_ENGINES)
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'graft', 'engines')
}
