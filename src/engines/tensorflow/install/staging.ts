import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

const STAGING = '.install-'

/** Of the folders in which this process makes or unmakes an install. */
export function stagingPrefix(): string {
  return `${STAGING}${process.pid}-`
}

/** Folders of installs whose process is no more. */
export async function clearAbandoned(engines: string): Promise<void> {
  for (const name of await readdir(engines)) {
    const pid = new RegExp(`^\\${STAGING}(\\d+)-`).exec(name)?.[1]
    if (pid === undefined || isAlive(Number(pid))) continue
    await rm(join(engines, name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
