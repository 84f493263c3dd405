import { closeSync, existsSync, lstatSync, openSync, readSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { isErrno } from '../util/files.ts'
import { livingOwner, type Claims } from './claims.ts'
import { discard, removeTree, type Layout } from './layout.ts'
import { listTree } from './manifest.ts'
import { namesIn, parseResult } from './results.ts'

/** One thing in the store that can be removed by itself. */
export interface Entry {
  readonly what: 'artifact' | 'work' | 'quarantine' | 'state' | 'kept'
  /** Hex digits: the content of an artifact, the fingerprint of a work folder; the kind of a state. */
  readonly key: string
  /** Of the stages that a state belongs to. */
  readonly kind?: string | undefined
  readonly path: string
  /** Sum of the sizes of its files, from the disk. */
  readonly bytes: number
  /** When it was last used, in ms since 1970. */
  readonly used: number
}

export interface GcOptions {
  /** Evict the least recently used until no more than this is left. */
  readonly maxBytes?: number | undefined
  /** Remove every work folder that nobody is working in. */
  readonly allWork?: boolean | undefined
  /** Leave unfinished work that was touched in the last days, even where the bound then does not hold. */
  readonly spareWork?: boolean | undefined
}

export interface GcReport {
  readonly before: number
  readonly after: number
  readonly removed: readonly Entry[]
  /** Bytes that stayed because running processes use them. */
  readonly inUse: number
}

const DAY = 24 * 3600e3
const KEEP = { quarantined: 4, quarantineDays: 30, results: 20_000, workDays: 7 }

/** Removes what dead processes left: their claims, temporary folders, work that is finished, and all trash. */
export async function sweep(layout: Layout, claims: Claims): Promise<void> {
  claims.sweep()
  for (const name of namesIn(layout.tmp)) {
    const path = join(layout.tmp, name)
    if (!livingOwner(path)) await discard(layout, path)
  }
  for (const name of namesIn(layout.work)) {
    if (isFinished(layout, name))
      await evict(layout, claims, entry('work', join(layout.work, name)))
  }
  for (const name of namesIn(layout.trash)) await removeTree(join(layout.trash, name))
}

/** Killed between recording the result and removing the work folder. */
function isFinished(layout: Layout, fingerprint: string): boolean {
  return namesIn(layout.results).some((kind) => {
    const result = parseResult(join(layout.results, kind, `${fingerprint}.json`))
    return typeof result === 'object' && existsSync(layout.artifact(result.digest))
  })
}

/** Everything in the store with its size on the disk; no index is believed. */
export function entriesOf(layout: Layout): Entry[] {
  const artifacts = artifactPaths(layout).map((path) => {
    const manifest = statSync(join(path, 'manifest.json'), { throwIfNoEntry: false })
    return { ...entry('artifact', path), ...(manifest ? { used: manifest.mtimeMs } : {}) }
  })
  const others = (['work', 'quarantine'] as const).flatMap((what) =>
    namesIn(layout[what]).map((name) => entry(what, join(layout[what], name))),
  )
  const states = namesIn(layout.state).flatMap((kind) =>
    stateEntries(join(layout.state, kind), kind),
  )
  return [...artifacts, ...others, ...states]
}

/** The folders in a kind's state each by itself, which is large and may be dropped; the files together, which stay. */
function stateEntries(path: string, kind: string): Entry[] {
  const names = namesIn(path).map((name) => join(path, name))
  const folders = names.filter((name) => statSync(name, { throwIfNoEntry: false })?.isDirectory())
  const kept = folders.map((folder) => ({ ...entry('kept', folder), kind }))
  const { bytes, used } = sizeOf(path)
  const files: Entry = {
    what: 'state',
    key: kind,
    kind,
    path,
    bytes: bytes - sum(kept),
    used,
  }
  return [files, ...kept]
}

/**
 * Removes what is due, then the least recently used until `maxBytes` hold. What a living process uses stays.
 * An artifact goes by one rename, so that a reader finds all of it or nothing.
 */
export async function collect(
  layout: Layout,
  claims: Claims,
  options: GcOptions,
): Promise<GcReport> {
  await sweep(layout, claims)
  await boundResults(layout)
  const entries = entriesOf(layout).sort((a, b) => rank(a) - rank(b) || a.used - b.used)
  const before = sum(entries)
  const quarantined = entries.filter((e) => e.what === 'quarantine')
  const due = new Set<Entry>(quarantined.slice(0, -KEEP.quarantined))
  for (const e of quarantined) if (age(e) > KEEP.quarantineDays * DAY) due.add(e)
  for (const e of entries) if (e.what === 'work' && options.allWork) due.add(e)
  const removed: Entry[] = []
  const inUse: Entry[] = []
  let left = before
  for (const e of entries) {
    const over = options.maxBytes !== undefined && left > options.maxBytes
    const spared = e.what === 'work' && options.spareWork && age(e) < KEEP.workDays * DAY
    if (e.what === 'state' || spared || !(over || due.has(e))) continue
    if (await evict(layout, claims, e)) {
      removed.push(e)
      left -= e.bytes
    } else inUse.push(e)
  }
  return { before, after: left, removed, inUse: sum(inUse) }
}

/**
 * The size of the store without looking at every file: an artifact's manifest begins with its bytes. Enough to
 * say whether a collection is worth its time.
 */
export function quickBytes(layout: Layout): number {
  const head = Buffer.alloc(160)
  const artifacts = artifactPaths(layout).map((path) => {
    const bytes = /"bytes":(\d+)/.exec(readHead(join(path, 'manifest.json'), head))?.[1]
    return bytes === undefined ? sizeOf(path).bytes : Number(bytes)
  })
  const others = [layout.work, layout.quarantine, layout.state].map((path) => sizeOf(path).bytes)
  return [...artifacts, ...others].reduce((a, b) => a + b, 0)
}

async function evict(layout: Layout, claims: Claims, e: Entry): Promise<boolean> {
  if (e.what === 'quarantine' || e.what === 'kept') {
    await discard(layout, e.path)
    return true
  }
  const claim = e.what === 'work' ? claims.tryRun(e.key) : claims.tryEvict(e.key)
  if (!claim || !('release' in claim)) return false
  try {
    await discard(layout, e.path)
    return true
  } finally {
    claim.release()
  }
}

/** Results are small and resolve chains whose artifacts are gone; only their number is bounded. */
async function boundResults(layout: Layout): Promise<void> {
  const paths = namesIn(layout.results).flatMap((kind) =>
    namesIn(join(layout.results, kind)).map((name) => join(layout.results, kind, name)),
  )
  if (paths.length <= KEEP.results) return
  const used = new Map(paths.map((path) => [path, mtimeOf(path)]))
  paths.sort((a, b) => used.get(a)! - used.get(b)!)
  for (const path of paths.slice(0, paths.length - KEEP.results)) rmSync(path, { force: true })
}

function artifactPaths(layout: Layout): string[] {
  return namesIn(layout.artifacts).flatMap((aa) =>
    namesIn(join(layout.artifacts, aa)).map((name) => join(layout.artifacts, aa, name)),
  )
}

function entry(what: Entry['what'], path: string): Entry {
  const key = basename(path).split('.')[0]!
  return { what, key, path, ...sizeOf(path) }
}

/** Bytes of all files below and the time of the newest; a tree that goes away meanwhile counts as far as seen. */
function sizeOf(path: string): { bytes: number; used: number } {
  let bytes = 0
  let used = mtimeOf(path)
  try {
    for (const file of listTree(path).files) {
      const stat = lstatSync(join(path, file), { throwIfNoEntry: false })
      bytes += stat?.size ?? 0
      used = Math.max(used, stat?.mtimeMs ?? 0)
    }
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error
  }
  return { bytes, used }
}

function mtimeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

function readHead(path: string, into: Buffer): string {
  try {
    const file = openSync(path, 'r')
    try {
      return into.toString('utf8', 0, readSync(file, into, 0, into.length, 0))
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return ''
    throw error
  }
}

/** Damaged things go first, then what is only kept in case more is wanted of it. */
function rank(e: Entry): number {
  return e.what === 'quarantine' ? 0 : e.what === 'kept' ? 1 : 2
}

function age({ used }: Entry): number {
  return Date.now() - used
}

function sum(entries: readonly Entry[]): number {
  return entries.reduce((total, e) => total + e.bytes, 0)
}
