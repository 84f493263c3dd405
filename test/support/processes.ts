import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Process ids of the node processes that this process started and that are not yet gone. */
export async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-e', '-o', 'pid=,ppid=,stat=,comm='])
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, parent, state, name]) =>
        Number(parent) === pid && !state!.startsWith('Z') && name !== 'ps',
    )
    .map(([child]) => Number(child))
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
