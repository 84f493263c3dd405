import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Living processes of a process group. (/proc, so that a test on Linux needs no ps.) */
export function groupOf(leader: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        // Behind the command, which may hold anything: state, parent, group.
        const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        return Number(group) === leader && state !== 'Z' && state !== 'X'
      } catch {
        return false
      }
    })
    .map(Number)
}

/** The processes of the group that are still there after they had time to end. */
export async function leftOf(leader: number, patience = 5000): Promise<number[]> {
  const until = performance.now() + patience
  while (groupOf(leader).length > 0 && performance.now() < until) await sleep(20)
  return groupOf(leader)
}
