import { watch as watchFolder, type FSWatcher } from 'node:fs'
import { join } from 'node:path'
import { INDEX_PATH, runPath, sweepPath } from './paths.ts'
import { runState, stateOf, type Place, type State } from './state.ts'

/** Looks for changes while anybody is there to be told. */
export interface Watch {
  /** Until the returned is called; `looked` are the runs whose pages are looked at. */
  begin(looked: readonly Place[]): () => void
  close(): void
  /** How many folders the system watches; 0 while nobody is there. */
  readonly folders: number
}

/** Milliseconds between looks at runs that are under way or looked at. */
const NEAR_MS = 1000
/** A look at everything takes at most a twentieth of the time, and is taken at least so often. */
const SHARE = 20
const FAR_MS = { least: 1000, most: 30_000 } as const
/** Events of the system come in swarms. */
const SWARM_MS = 100
/** Without an end, a kernel's bound on watches would be everybody's. */
const MOST_WATCHED = 100
/** Whoever goes from one page to the next is gone for a moment. */
const LINGER_MS = 5000

/**
 * Tells the paths of pages that are not as they were. The system is asked to tell of the folder of runs, of the folders of
 * names and of runs under way; as not every file system does, and of nothing in the depth, it also looks by itself: often at
 * a few files of runs that are under way, and at everything as often as that is cheap.
 */
export function openWatch(root: string, tell: (pages: readonly string[]) => void): Watch {
  const looked = new Map<symbol, readonly Place[]>()
  const watchers = new Map<string, FSWatcher>()
  const near = new Map<string, string>()
  let state: State | undefined
  let isClosed = false
  let took = 0
  let lastFar = 0
  const timers: { far?: NodeJS.Timeout; near?: NodeJS.Timeout; end?: NodeJS.Timeout } = {}

  const lookFar = (): void => {
    const began = performance.now()
    const before = state
    state = read(() => stateOf(root)) ?? before
    lastFar = performance.now()
    took = lastFar - began
    if (before && state) {
      const changed = changedPages(before.pages, state.pages)
      if (changed.length > 0) tell(withParents(changed))
    }
    lookNear()
    watchAll()
    again('far', lookFar, clamp(took * SHARE, FAR_MS.least, FAR_MS.most))
  }

  const lookNear = (): void => {
    const places = new Map(
      [...(state?.running ?? []), ...[...looked.values()].flat()].map((place) => [
        runPath(...place),
        place,
      ]),
    )
    const changed: string[] = []
    for (const [page, place] of places) {
      const now = read(() => runState(root, place)) ?? ''
      const before = near.get(page)
      if (before !== undefined && before !== now) changed.push(page)
      near.set(page, now)
    }
    for (const page of near.keys()) if (!places.has(page)) near.delete(page)
    if (changed.length > 0) tell(withParents(changed))
    again('near', lookNear, NEAR_MS)
  }

  /** The next look of a kind, in place of the one that was to come. */
  const again = (kind: 'far' | 'near', look: () => void, ms: number): void => {
    clearTimeout(timers[kind])
    if (looked.size > 0 || timers.end) timers[kind] = setTimeout(look, ms)
  }

  const watchAll = (): void => {
    const runs = [...(state?.running ?? []), ...[...looked.values()].flat()]
    const wanted = new Map([
      [root, true],
      ...(state?.names ?? []).map((name) => [join(root, name), true] as const),
      ...runs.map((place) => [join(root, ...place), false] as const),
    ])
    const paths = [...wanted.keys()].slice(0, MOST_WATCHED)
    for (const path of watchers.keys()) if (!paths.includes(path)) drop(path)
    for (const path of paths) if (!watchers.has(path)) add(path, wanted.get(path)!)
  }

  const add = (path: string, isFar: boolean): void => {
    try {
      const watcher = watchFolder(path, { persistent: false }, () => {
        if (!isFar) return again('near', lookNear, SWARM_MS)
        const rest = lastFar + took * 5 - performance.now()
        return again('far', lookFar, Math.max(SWARM_MS, rest))
      })
      watcher.on('error', () => drop(path))
      watchers.set(path, watcher)
    } catch {
      // Not there, or nothing that can be watched: then looking has to do.
    }
  }

  const drop = (path: string): void => {
    watchers.get(path)?.close()
    watchers.delete(path)
  }

  const end = (): void => {
    for (const timer of Object.values(timers)) clearTimeout(timer)
    delete timers.end
    for (const path of [...watchers.keys()]) drop(path)
    near.clear()
    state = undefined
  }

  return {
    get folders() {
      return watchers.size
    },
    begin: (places) => {
      const key = Symbol('looked')
      looked.set(key, places)
      clearTimeout(timers.end)
      delete timers.end
      if (isClosed) return () => undefined
      if (!state) lookFar()
      else lookNear()
      return () => {
        if (!looked.delete(key) || looked.size > 0 || isClosed) return
        timers.end = setTimeout(end, LINGER_MS).unref()
      }
    },
    close: () => {
      isClosed = true
      looked.clear()
      end()
    },
  }
}

/** Undefined for what may not be read now, or is being moved: the next look tells. */
function read<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

function changedPages(before: State['pages'], after: State['pages']): string[] {
  const changed = [...after].flatMap(([page, state]) => (before.get(page) === state ? [] : [page]))
  return [...changed, ...[...before.keys()].filter((page) => !after.has(page))]
}

/** A run also stands in the list, and in the table of its sweep. */
function withParents(pages: readonly string[]): string[] {
  const names = pages.flatMap((page) => /^\/runs\/([^/]+)\//.exec(page)?.[1] ?? [])
  return [
    ...new Set([INDEX_PATH, ...pages, ...names.map((name) => sweepPath(decodeURIComponent(name)))]),
  ]
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}
