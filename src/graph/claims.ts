import { randomBytes } from 'node:crypto'
import { mkdirSync, openSync, closeSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { diskError } from '../util/files.ts'
import { HEARTBEAT_MS, isAlive, ownerText, parseOwner, self, type Owner } from './owner.ts'

/**
 * `run`: computes the fingerprint, alone. `use`: reads the artifact, with others. `evict`: wants to remove it,
 * and may only while nobody uses it.
 */
export type ClaimMode = 'run' | 'use' | 'evict'

export interface Claim {
  readonly path: string
  release(): void
}

/**
 * Locks between processes, without a lock that must be broken.
 *
 * A claim is an empty file `claims/<mode>/<key>.<machine>.<pid>.<start>.<token>`, made with O_EXCL, so it is
 * there with all it says or not at all. Whoever wants something first writes the own claim and then lists the
 * others': of two at the same time at least the later one sees the other and steps back. Since no name is
 * ever used twice, removing the claim of a dead process can never hit a living one, however many remove it.
 */
export interface Claims {
  /** The claim, or the living process that computes the key already. */
  tryRun(key: string): Claim | Owner
  /** Resolves once no eviction of the key is under way. What it protects may be gone by then: look afterwards. */
  use(key: string): Promise<Claim>
  /** Undefined while anybody uses the key. */
  tryEvict(key: string): Claim | undefined
  isUsed(mode: ClaimMode, key: string): boolean
  /** Adds a path (a temporary folder) whose name carries this process to those kept fresh for other machines. */
  hold(path: string): () => void
  /** Removes the claims of dead processes. */
  sweep(): void
  close(): void
}

const MODES: readonly ClaimMode[] = ['run', 'use', 'evict']

export function openClaims(root: string): Claims {
  const held = new Set<string>()
  const heart = setInterval(() => held.forEach(touch), HEARTBEAT_MS).unref()

  const folder = (mode: ClaimMode) => join(root, 'claims', mode)
  const hold = (path: string) => {
    held.add(path)
    return () => void held.delete(path)
  }
  const claim = (mode: ClaimMode, key: string): Claim => {
    const path = join(folder(mode), `${key}.${ownerText(self())}.${token()}`)
    createFile(path)
    const drop = hold(path)
    return {
      path,
      release: () => {
        drop()
        rmSync(path, { force: true })
      },
    }
  }
  const others = (mode: ClaimMode, key: string, mine?: Claim): Owner[] =>
    list(folder(mode))
      .filter((name) => name.startsWith(`${key}.`))
      .map((name) => join(folder(mode), name))
      .filter((path) => path !== mine?.path)
      .flatMap((path) => livingOwner(path) ?? [])

  return {
    tryRun: (key) => {
      const before = others('run', key)[0]
      if (before) return before
      const mine = claim('run', key)
      const rival = others('run', key, mine)[0]
      if (!rival) return mine
      mine.release()
      return rival
    },
    use: async (key) => {
      const mine = claim('use', key)
      while (others('evict', key).length > 0) await sleep(2)
      return mine
    },
    tryEvict: (key) => {
      const mine = claim('evict', key)
      if (others('use', key).length === 0) return mine
      mine.release()
      return undefined
    },
    isUsed: (mode, key) => others(mode, key).length > 0,
    hold,
    sweep: () => {
      for (const mode of MODES) {
        for (const name of list(folder(mode))) {
          const path = join(folder(mode), name)
          if (!livingOwner(path)) rmSync(path, { force: true })
        }
      }
    },
    close: () => {
      clearInterval(heart)
      for (const path of held) if (path.includes(`${root}/claims/`)) rmSync(path, { force: true })
      held.clear()
    },
  }
}

/** A name that carries this process, for folders that are swept once it is gone. */
export function ownName(): string {
  return `${ownerText(self())}.${token()}`
}

/** The living process whose name the last four parts of the file name carry (owner and token). */
export function livingOwner(path: string): Owner | undefined {
  const owner = parseOwner(basename(path).split('.').slice(-4, -1))
  if (!owner) return undefined
  const touched = () => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
  return isAlive(owner, touched) ? owner : undefined
}

function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw diskError(error, path)
    // Somebody removed the whole store while it was in use; it is a cache, so that is allowed.
    mkdirSync(dirname(path), { recursive: true })
    closeSync(openSync(path, 'wx'))
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // Released between two beats.
  }
}

function token(): string {
  return randomBytes(5).toString('hex')
}
