import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { listRuns, placeOf } from '../runs/list/list.ts'
import { isBeingMade } from '../runs/mark.ts'
import { RUN_FILES } from '../runs/record.ts'
import { sweepFolder } from '../sweeps/sweep.ts'
import { trialsFolder } from '../sweeps/trials.ts'
import { runPath, sweepPath } from './paths.ts'

/** What of the folder of runs pages show, as texts that differ where it does. */
export interface State {
  /** By the path of its page. */
  readonly pages: ReadonlyMap<string, string>
  /** Runs that are under way: name and id of each. */
  readonly running: readonly Place[]
  readonly names: readonly string[]
}

export type Place = readonly [name: string, id: string]

/** All runs and sweeps below the root, through the cache of `runs/.index/`. */
export function stateOf(root: string): State {
  const pages = new Map<string, string>()
  const running: Place[] = []
  const names = new Set<string>()
  for (const listed of listRuns(root)) {
    const place = placeOf(listed)
    const { status, started, seconds, epochs } = listed.row
    pages.set(runPath(...place), `${status} ${started} ${seconds} ${epochs}`)
    names.add(place[0])
    if (status === 'running') running.push(place)
  }
  for (const name of folders(root)) {
    const state = sweepState(root, name)
    if (state === undefined) continue
    names.add(name)
    pages.set(sweepPath(name), state)
  }
  return { pages, running, names: [...names] }
}

/** Where each trial's ticket and log are at; undefined where runs of this name have no sweep. */
function sweepState(root: string, name: string): string | undefined {
  const folder = sweepFolder(root, name)
  const definition = stamp(join(folder, 'sweep.json'))
  if (definition === undefined) return undefined
  const trials = trialsFolder({ folder })
  const states = folders(trials).map((id) => {
    const path = join(trials, id)
    return `${id} ${stamp(path)} ${stamp(join(path, 'log.jsonl'))}`
  })
  return [definition, ...states].join('\n')
}

/** Of one run, what changes while it is under way or when a person marks it. */
export function runState(root: string, [name, id]: Place): string {
  const folder = join(root, name, id)
  const files = [RUN_FILES.record, RUN_FILES.metrics, RUN_FILES.marks]
  const stamps = files.map((file) => stamp(join(folder, file)))
  return [...stamps, isBeingMade(folder)].join(' ')
}

function stamp(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat && `${stat.mtimeMs} ${stat.size} ${stat.ino}`
}

function folders(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true })
    return entries
      .filter((one) => one.isDirectory() && !one.name.startsWith('.'))
      .map((one) => one.name)
  } catch {
    return []
  }
}
