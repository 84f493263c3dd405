import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Store } from '../graph/store.ts'
import { readDefinition } from '../sweeps/definition.ts'
import { runPageOf } from './run-page.ts'
import type { MadePage } from './shell.ts'
import { runState, type Place } from './state.ts'

/** Pages that are kept: with their pictures each may have a megabyte. */
const KEPT = 16

/**
 * Makes pages of runs, each once as long as its folder is the same: reading 50,000 predictions and making small pictures takes
 * a second, and every tab asks again when anything changes.
 */
export function openRunPages(
  root: string,
  openStore: () => Promise<Store>,
): (place: Place, folder: string) => Promise<MadePage | undefined> {
  const kept = new Map<string, { state: string; page: Promise<MadePage | undefined> }>()
  return (place, folder) => {
    const state = `${runState(root, place)} ${filesState(folder)}`
    const known = kept.get(folder)
    kept.delete(folder)
    if (known?.state === state) {
      kept.set(folder, known)
      return known.page
    }
    const isOfSweep = readDefinition(root, place[0]) !== undefined
    const page = runPageOf({ place, folder, openStore, isOfSweep })
    kept.set(folder, { state, page })
    page.catch(() => kept.delete(folder))
    const oldest = [...kept.keys()].slice(0, Math.max(0, kept.size - KEPT))
    for (const key of oldest) kept.delete(key)
    return page
  }
}

/** Every file directly in the folder but the mark, whose time is that of a heartbeat. */
function filesState(folder: string): string {
  const names = readdirSync(folder).filter((name) => name !== 'running.json')
  return names
    .map((name) => {
      const stat = statSync(join(folder, name), { throwIfNoEntry: false })
      return stat && `${name} ${stat.mtimeMs} ${stat.size}`
    })
    .join(' ')
}
