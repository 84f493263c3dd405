import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What tells one state of a file from another: times in milliseconds, bytes, inode. */
type State = readonly [mtime: number, ctime: number, size: number, inode: number]
/** One file of a run folder, and what was read of it. */
export type Entry<T> = readonly [name: string, id: string, ...State, value: T]

/** How what is kept of one kind of file is read, and how it is written. */
export interface KeptFile<T> {
  /** Below `runs/.index/`. */
  readonly cache: string
  /** Raised when what is kept changes: a cache of another one is as good as none. */
  readonly format: number
  /** In a run folder. */
  readonly source: string
  /** Undefined for what is not such a file. */
  readonly read: (path: string) => T | undefined
  readonly encode: (entries: readonly Entry<T>[]) => unknown
  readonly decode: (data: unknown) => readonly Entry<T>[]
}

/**
 * What was read of a file of many runs, so that a list need not read them all again. It is a cache: it may be deleted at
 * any time, of two that are written at once one wins, and one that is torn or cannot be written is as good as none.
 */
export interface Kept<T> {
  /** What the file holds: as kept where it is still that file, else read. Undefined where there is none. */
  get(name: string, id: string): T | undefined
  /** Writes the cache where enough is new. */
  save(isThere: (name: string, id: string) => boolean): void
}

/** Fewer files that were read anew are not worth a new cache: each takes a tenth of a millisecond. */
const WORTH = 32

/**
 * Files younger than this when they are read, by the file system's own clock, are not kept: a second change within the
 * same tick of it would not show (git calls such entries racily clean).
 */
const RACY_MS = 2000

export function openKept<T>(root: string, file: KeptFile<T>): Kept<T> {
  const path = join(root, '.index', file.cache)
  const known = load(path, file)
  const used: Entry<T>[] = []
  const fresh: Entry<T>[] = []
  const seen = new Set<Entry<T>>()
  const opened = performance.now()
  return {
    get: (name, id) => {
      const source = `${root}/${name}/${id}/${file.source}`
      // Looked at before it is read: after a change in between, the entry does not fit.
      const stat = statSync(source, { throwIfNoEntry: false })
      if (!stat) return undefined
      const { mtimeMs, ctimeMs, size, ino } = stat
      const entry = known.get(name)?.get(id)
      if (entry) seen.add(entry)
      if (
        entry &&
        entry[2] === mtimeMs &&
        entry[3] === ctimeMs &&
        entry[4] === size &&
        entry[5] === ino
      ) {
        used.push(entry)
        return entry[6]
      }
      const value = file.read(source)
      if (value !== undefined) fresh.push([name, id, mtimeMs, ctimeMs, size, ino, value])
      return value
    },
    save: (isThere) => {
      if (fresh.length < WORTH) return
      const others = [...known.values()].flatMap((entries) => [...entries.values()])
      const unasked = others.filter((entry) => !seen.has(entry) && isThere(entry[0], entry[1]))
      write(path, (now) => {
        const latest = now - (performance.now() - opened) - RACY_MS
        const old = fresh.filter(([, , mtime, ctime]) => mtime < latest && ctime < latest)
        if (old.length < WORTH) return undefined
        return JSON.stringify([file.format, file.encode([...used, ...unasked, ...old])])
      })
    },
  }
}

function load<T>(path: string, file: KeptFile<T>): Map<string, Map<string, Entry<T>>> {
  const known = new Map<string, Map<string, Entry<T>>>()
  try {
    const [format, data] = JSON.parse(readFileSync(path, 'utf8')) as [unknown, unknown]
    if (format !== file.format) return known
    for (const entry of file.decode(data)) {
      const [name, id] = entry
      const runs = known.get(name) ?? new Map<string, Entry<T>>()
      if (runs.size === 0) known.set(name, runs)
      runs.set(id, entry)
    }
    return known
  } catch {
    return new Map()
  }
}

/**
 * Whole or not at all; without fsync, since a lost cache is only read anew. `textAt` gets the time in milliseconds by the
 * clock of the file system, and may decide that there is nothing to write.
 */
function write(path: string, textAt: (now: number) => string | undefined): void {
  const temporary = join(dirname(path), `${randomBytes(6).toString('hex')}.tmp`)
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(temporary, '', { flag: 'wx' })
    const text = textAt(statSync(temporary).mtimeMs)
    if (text === undefined) rmSync(temporary)
    else {
      writeFileSync(temporary, text)
      renameSync(temporary, path)
    }
  } catch {
    try {
      rmSync(temporary, { force: true })
    } catch {
      // A folder that is only read: the list works without.
    }
  }
}
