import { createHash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  fstatSync,
  fsync,
  lstatSync,
  openSync,
  read,
  readdirSync,
  readSync,
  type BigIntStats,
} from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { digestOf, type Digest } from '../util/digest.ts'
import { syncFolder } from '../util/files.ts'
import { byCodeUnit, canonicalJson } from '../util/json.ts'

export interface FileEntry {
  /** Relative to the artifact, with `/`. */
  readonly path: string
  readonly size: number
  /** 64 hex digits. */
  readonly sha256: string
}

/** Everything an artifact holds, sorted by path. */
export interface Manifest {
  readonly format: 1
  readonly digest: Digest
  readonly bytes: number
  readonly files: readonly FileEntry[]
}

/**
 * What the file system said of the files when they were last hashed: while it says the same, the content is
 * the same, and gigabytes need not be read again. `[size, mtimeNs, ino, ctimeNs]` of each file, in the
 * manifest's order.
 */
export interface StatRecord {
  /**
   * The file system's own clock just before the hashing began. A file not older than that is not trusted (the
   * "racily clean" rule of git): it may have been changed again within the same tick of that clock.
   */
  readonly clock: string
  readonly files: readonly (readonly [size: string, mtime: string, ino: string, ctime: string])[]
}

/** sha256 over the sorted (path, size, sha256): no time, no mode, no order of the disk. Empty folders do not count. */
export function contentDigest(files: readonly FileEntry[]): Digest {
  return digestOf(canonicalJson(files.map((f) => [f.path, f.size, f.sha256])))
}

/** The paths of all files below, sorted, with `/`; `odd` are those that are neither file nor folder. */
export function listTree(root: string): { files: string[]; folders: string[]; odd: string[] } {
  const tree = { files: [] as string[], folders: [''], odd: [] as string[] }
  for (let i = 0; i < tree.folders.length; i += 1) {
    const folder = tree.folders[i]!
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) tree.folders.push(path)
      else if (entry.isFile()) tree.files.push(path)
      else tree.odd.push(path)
    }
  }
  tree.files.sort(byCodeUnit)
  return tree
}

/**
 * Makes the files read-only, hashes them and puts them on the disk for good (fsync of every file and folder).
 * `scratch` is a path beside the tree, on the same file system, used to ask for its clock.
 * @throws Error for links, devices and files that are linked elsewhere: an artifact shares nothing
 */
export async function sealTree(
  root: string,
  scratch: string,
): Promise<{ manifest: Manifest; stats: StatRecord }> {
  const tree = listTree(root)
  const odd = tree.odd[0]
  if (odd !== undefined) throw new Error(`the output ${odd} is neither a file nor a folder`)
  for (const folder of tree.folders) {
    const { mode } = lstatSync(join(root, folder))
    if ((mode & 0o700) !== 0o700) chmodSync(join(root, folder), mode | 0o700)
  }
  let newest = 0n
  for (const path of tree.files) {
    const whole = `${root}/${path}`
    chmodSync(whole, 0o444)
    const stat = lstatSync(whole, { bigint: true })
    if (stat.nlink > 1n) throw new Error(`the output ${path} is linked to a file elsewhere`)
    newest = max(newest, max(stat.mtimeNs, stat.ctimeNs))
  }
  const clock = await clockAfter(newest, scratch)
  const files: FileEntry[] = []
  const stats: StatRecord['files'][number][] = []
  await eachOf(tree.files, async (path, i) => {
    const { sha256, stat } = await hashFile(`${root}/${path}`, true)
    files[i] = { path, size: Number(stat.size), sha256 }
    stats[i] = statText(stat)
  })
  for (const folder of tree.folders.reverse()) await syncFolder(join(root, folder))
  return { manifest: manifestOf(files), stats: { clock: String(clock), files: stats } }
}

/** The digests of the files at the top, by name; none for an artifact of many files. */
export function partsOf({ files }: Manifest): Record<string, Digest> | undefined {
  const top = files.filter((file) => !file.path.includes('/'))
  if (files.length > MOST_PARTS || top.length === 0) return undefined
  return Object.fromEntries(top.map((file) => [file.path, `sha256:${file.sha256}` as const]))
}

/** Results are read at every plan: they stay small. */
const MOST_PARTS = 32

export function manifestOf(files: readonly FileEntry[]): Manifest {
  const bytes = files.reduce((sum, file) => sum + file.size, 0)
  return { format: 1, digest: contentDigest(files), bytes, files }
}

/**
 * Compares the tree with its manifest. Files whose stat record can be trusted are not read, unless `thorough`.
 * `damage` says what is wrong; `stats` is there when files were hashed, to be recorded for the next time.
 * Without `scratch` (see `sealTree`) those say that nothing can be trusted.
 */
export async function checkTree(
  root: string,
  manifest: Manifest,
  record: StatRecord | undefined,
  scratch: string | undefined,
  thorough = false,
): Promise<{ damage?: string; stats?: StatRecord }> {
  const tree = listTree(root)
  const expected = new Set(manifest.files.map((file) => file.path))
  const extra = [...tree.files.filter((path) => !expected.has(path)), ...tree.odd][0]
  if (extra !== undefined) return { damage: `${extra} does not belong to it` }
  if (tree.files.length !== manifest.files.length) {
    const there = new Set(tree.files)
    return { damage: `${manifest.files.find((f) => !there.has(f.path))?.path} is missing` }
  }
  const now = manifest.files.map((file) => lstatSync(`${root}/${file.path}`, { bigint: true }))
  const then = record?.files.length === now.length && !thorough ? record : undefined
  const clockThen = BigInt(then?.clock ?? 0)
  const doubtful = [...now.keys()].filter(
    (i) => !then || !isTrusted(now[i]!, then.files[i]!, clockThen),
  )
  if (doubtful.length === 0) return {}
  const newest = now.reduce((t, stat) => max(t, max(stat.mtimeNs, stat.ctimeNs)), 0n)
  const clock = scratch === undefined ? 0n : await clockAfter(newest, scratch)
  const stats = now.map(statText)
  let damage: string | undefined
  await eachOf(doubtful, async (i) => {
    const file = manifest.files[i]!
    if (damage !== undefined) return
    const { sha256, stat } = await hashFile(`${root}/${file.path}`, false)
    if (sha256 !== file.sha256) damage = `${file.path} has other bytes than were written`
    stats[i] = statText(stat)
  })
  return damage === undefined ? { stats: { clock: String(clock), files: stats } } : { damage }
}

/** `clock` is the record's, parsed once. */
function isTrusted(stat: BigIntStats, then: StatRecord['files'][number], clock: bigint): boolean {
  return (
    stat.mtimeNs < clock &&
    stat.ctimeNs < clock &&
    String(stat.size) === then[0] &&
    String(stat.mtimeNs) === then[1] &&
    String(stat.ino) === then[2] &&
    String(stat.ctimeNs) === then[3]
  )
}

/**
 * The file system's time, a tick later than `newest` if that takes a moment only: then what is hashed now can
 * be trusted from now on. Where the ticks are long (seconds, on old file systems) the files are hashed once more.
 */
async function clockAfter(newest: bigint, scratch: string): Promise<bigint> {
  for (let attempt = 0; ; attempt += 1) {
    await writeFile(scratch, '')
    const now = lstatSync(scratch, { bigint: true }).mtimeNs
    if (now > newest || attempt === 8) return now
    await sleep(3)
  }
}

/**
 * Hashes the file and, with `sync`, waits until it is on the disk. Small files are read at once: asking the system
 * for one takes microseconds, handing it to another thread several times that.
 */
async function hashFile(
  path: string,
  sync: boolean,
): Promise<{ sha256: string; stat: BigIntStats }> {
  const file = openSync(path, 'r')
  try {
    const stat = fstatSync(file, { bigint: true })
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafe(Math.min(1 << 20, Number(stat.size) + 1))
    const isSmall = stat.size <= SMALL
    let bytes = 0
    for (;;) {
      const count = isSmall
        ? readSync(file, buffer, 0, buffer.length, null)
        : await readSome(file, buffer)
      if (count === 0) break
      hash.update(buffer.subarray(0, count))
      bytes += count
    }
    if (bytes !== Number(stat.size)) throw new Error(`${path} changed while it was read`)
    if (sync) await syncFile(file)
    return { sha256: hash.digest('hex'), stat }
  } finally {
    closeSync(file)
  }
}

const SMALL = 1 << 16
const syncFile = promisify(fsync)

function readSome(file: number, buffer: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    read(file, buffer, 0, buffer.length, null, (error, count) =>
      error ? reject(error) : resolve(count),
    )
  })
}

/** Sixteen at a time: small files then share the disk's journal commits. */
async function eachOf<T>(items: readonly T[], body: (item: T, i: number) => Promise<void>) {
  let next = 0
  let paused = performance.now()
  const lane = async () => {
    while (next < items.length) {
      const i = next
      next += 1
      // Bodies that never wait must not hold up everything else.
      if (performance.now() - paused > 20) {
        await setImmediate()
        paused = performance.now()
      }
      try {
        await body(items[i]!, i)
      } catch (error) {
        next = items.length
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(16, items.length) }, lane))
}

function statText(stat: BigIntStats): [string, string, string, string] {
  return [stat.size, stat.mtimeNs, stat.ino, stat.ctimeNs].map(String) as never
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
