import { createReadStream, existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { IndexRow } from '../data/index-table.ts'
import { openPack } from '../data/pack.ts'
import type { Store } from '../graph/store.ts'
import { imagePlaces } from '../pipeline/prediction-stages.ts'
import type { StoredRun } from '../runs/read.ts'
import { RUN_FILES } from '../runs/record.ts'
import { digestOf } from '../util/digest.ts'
import { settingsOf, type Settings } from './settings.ts'
import { thumbnail, thumbnailOfPixels, type Thumbnail } from './thumbnail.ts'

/** A picture as a run names it. */
export interface Wanted {
  readonly split: string
  readonly image: string
}

/** Pictures by `pictureKey`; those that could not be found are not in it. */
export type Thumbnails = ReadonlyMap<string, Thumbnail>

export function pictureKey({ split, image }: Wanted): string {
  return JSON.stringify([split, image])
}

/**
 * Small pictures of a run: of the files that it was made from where they are still here with the same bytes (in the
 * folder that the pipeline names, or unpacked in the store), else of the pixels that the store keeps.
 */
export async function findThumbnails(
  run: StoredRun,
  store: Store | undefined,
  wanted: readonly Wanted[],
): Promise<Thumbnails> {
  const rows = await indexRows(join(run.folder, RUN_FILES.index), wanted)
  const folders = await pictureFolders(run, store)
  const found = new Map<string, Thumbnail>()
  const missing: PackRow[] = []
  for (const one of wanted) {
    const known = rows.get(pictureKey(one))
    if (!known) continue
    const made = await fromFolders(folders, known.row)
    if (made) found.set(pictureKey(one), made)
    else missing.push({ ...one, at: known.at })
  }
  for (const [key, made] of await fromPacks(run, store, missing)) found.set(key, made)
  return found
}

/** Pictures that a run without training named, as they are now. */
export async function findNamedThumbnails(
  { folder }: StoredRun,
  images: readonly string[],
): Promise<Thumbnails> {
  const { images: places } = await readSettings(folder)
  if (places.length === 0) return new Map()
  const named = imagePlaces(places.map((place) => resolve(folder, place)))
  const found = new Map<string, Thumbnail>()
  for (const image of images) {
    const made = await thumbnailOfFile(join(named.folder, image))
    if (made) found.set(pictureKey({ split: '', image }), made)
  }
  return found
}

interface KnownRow {
  readonly row: IndexRow
  /** Its row in the pack of its split. */
  readonly at: number
}

/** The rows of index.jsonl that are wanted. */
async function indexRows(path: string, wanted: readonly Wanted[]): Promise<Map<string, KnownRow>> {
  const keys = new Set(wanted.map(pictureKey))
  const counts = new Map<string, number>()
  const rows = new Map<string, KnownRow>()
  if (keys.size === 0 || !existsSync(path)) return rows
  for await (const line of createInterface({
    input: createReadStream(path),
    crlfDelay: Infinity,
  })) {
    if (!line.endsWith('}')) continue
    const row = JSON.parse(line) as IndexRow
    const at = counts.get(row.split) ?? 0
    counts.set(row.split, at + 1)
    const key = pictureKey({ split: row.split, image: row.path })
    if (keys.has(key)) rows.set(key, { row, at })
  }
  return rows
}

async function readSettings(folder: string): Promise<Settings> {
  const text = await readFile(join(folder, RUN_FILES.resolved), 'utf8').catch(() => undefined)
  return settingsOf(text)
}

/** Where the pictures of a run may be. */
async function pictureFolders(
  { folder, record }: StoredRun,
  store: Store | undefined,
): Promise<string[]> {
  const { pictures } = await readSettings(folder)
  const unpacked = record.stages.find(({ id }) => id === 'unpack:data')
  const inStore = store && unpacked && store.exists(unpacked.digest)
  return [
    ...(pictures === undefined ? [] : [resolve(folder, pictures)]),
    ...(inStore ? [join(store.pathOf(unpacked.digest), 'files')] : []),
  ]
}

async function fromFolders(
  folders: readonly string[],
  row: IndexRow,
): Promise<Thumbnail | undefined> {
  for (const folder of folders) {
    const made = await thumbnailOfFile(join(folder, row.path), row.sha256)
    if (made) return made
  }
  return undefined
}

/** Undefined for what is gone, is no picture, or has other bytes than it had. */
async function thumbnailOfFile(path: string, sha256?: string): Promise<Thumbnail | undefined> {
  try {
    const bytes = await readFile(path)
    if (sha256 !== undefined && digestOf(bytes) !== `sha256:${sha256}`) return undefined
    return await thumbnail(bytes)
  } catch {
    return undefined
  }
}

type PackRow = Wanted & { readonly at: number }

/** Pictures as the network got them: resized, and of the shape of its input. */
async function fromPacks(
  { record }: StoredRun,
  store: Store | undefined,
  missing: readonly PackRow[],
): Promise<Map<string, Thumbnail>> {
  const found = new Map<string, Thumbnail>()
  for (const split of new Set(missing.map((one) => one.split))) {
    const stage = record.stages.find(({ id }) => id === `pixels:${split}`)
    if (!store || !stage || !store.exists(stage.digest)) continue
    const rows = missing.filter((one) => one.split === split)
    for (const [key, made] of await ofPack(join(store.pathOf(stage.digest), split), rows)) {
      found.set(key, made)
    }
  }
  return found
}

async function ofPack(path: string, rows: readonly PackRow[]): Promise<[string, Thumbnail][]> {
  // Damaged, or closed to whoever looks: then there are names alone.
  const pack = await openPack(path).catch(() => undefined)
  if (!pack) return []
  try {
    const [, height = 0, width = 0, channels = 0] = pack.index.shape
    const found: [string, Thumbnail][] = []
    for (const one of rows.filter(({ at }) => at < pack.count)) {
      const pixels = await pack.rows(one.at, 1)
      if (!(pixels instanceof Uint8Array)) break
      found.push([pictureKey(one), await thumbnailOfPixels(pixels, { height, width, channels })])
    }
    return found
  } finally {
    await pack.close()
  }
}
