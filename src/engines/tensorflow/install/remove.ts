import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { enginesFolder } from '../../folder.ts'
import { INSTALL_FOLDERS } from '../locate.ts'
import { engineDiskError } from './disk.ts'
import { stagingPrefix } from './staging.ts'

/** Removes installs of ours; returns the folders that there were. Throws NOT_WRITABLE. */
export async function removeTensorflow(
  devices: readonly (keyof typeof INSTALL_FOLDERS)[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string[]> {
  const engines = enginesFolder(env)
  const removed: string[] = []
  for (const device of devices) {
    const root = join(engines, INSTALL_FOLDERS[device])
    // Out of sight first: half a library must never be found.
    const away = join(engines, `${stagingPrefix()}removed-${device}`)
    try {
      await rename(root, away)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue
      throw engineDiskError(error, root)
    }
    await rm(away, { recursive: true, force: true })
    removed.push(root)
  }
  return removed
}
