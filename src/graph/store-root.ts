import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/**
 * Where the store is: the flag, else GRAFT_STORE, else graft/store in the user's cache folder (XDG_CACHE_HOME,
 * which counts only when absolute, else ~/.cache).
 */
export function storeRoot(
  env: Readonly<Record<string, string | undefined>>,
  flag?: string | undefined,
  cwd: string = process.cwd(),
): string {
  const chosen = flag ?? (env['GRAFT_STORE'] || undefined)
  if (chosen !== undefined) return resolve(cwd, chosen)
  const cache = env['XDG_CACHE_HOME']
  const base = cache !== undefined && isAbsolute(cache) ? cache : join(homedir(), '.cache')
  return join(base, 'graft', 'store')
}
