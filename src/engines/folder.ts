import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/**
 * Where engines are installed: GRAFT_ENGINES, else graft/engines in the user's cache folder (XDG_CACHE_HOME, which
 * counts only when absolute, else ~/.cache). Apart from the store, and never evicted.
 */
export function enginesFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.GRAFT_ENGINES) return resolve(env.GRAFT_ENGINES)
  const cache = env.XDG_CACHE_HOME
  const base = cache !== undefined && isAbsolute(cache) ? cache : join(homedir(), '.cache')
  return join(base, 'graft', 'engines')
}
