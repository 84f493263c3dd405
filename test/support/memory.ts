import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Resident bytes of this process and, where /proc tells them, its descendants, after a garbage collection. */
export async function residentBytes(): Promise<number> {
  collect()
  await new Promise((resolve) => setTimeout(resolve, 20))
  collect()
  return process.memoryUsage.rss() + childrenOf(process.pid).reduce((sum, pid) => sum + rss(pid), 0)
}

function childrenOf(pid: number): number[] {
  const direct = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number)
  return direct.flatMap((child) => [child, ...childrenOf(child)])
}

function rss(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024
}

/** Empty where there is no /proc, or the process is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
