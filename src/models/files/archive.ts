import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { openPromise, type Entry, type ZipFile } from 'yauzl'
import { failure, PipelineError } from '../../util/diagnostic.ts'
import { diskError } from '../../util/files.ts'
import type { Json } from '../../util/json.ts'

/** Above any network's JSON: that of the largest of keras.applications has 1.5 MB. */
const MOST_JSON = 64 * 2 ** 20

/** A .keras file: a zip of metadata.json, config.json and model.weights.h5 (keras/src/saving/saving_lib.py). */
export interface KerasArchive {
  readonly config: Json
  readonly version: string | undefined
  /** Unpacks the weights, `most` bytes of them, for as long as `use` takes. Throws BAD_WEIGHTS. */
  withWeights<T>(most: number, use: (path: string) => Promise<T>): Promise<T>
}

/** Opens a .keras file for as long as `use` takes. Throws BAD_WEIGHTS. */
export async function withArchive<T>(
  path: string,
  source: string,
  use: (archive: KerasArchive) => Promise<T>,
): Promise<T> {
  const damaged = (cause: unknown) =>
    failure('BAD_WEIGHTS', `${source} is not a .keras file, or a damaged one`, { cause })
  let zip: ZipFile | undefined
  try {
    zip = await openPromise(path, { autoClose: false, lazyEntries: true })
    const entries = await entriesOf(zip)
    const config = await json(zip, entries.get('config.json'))
    const metadata = await json(zip, entries.get('metadata.json'))
    if (config === undefined) throw damaged(new Error('it has no config.json'))
    return await use({
      config,
      version: versionIn(metadata),
      withWeights: (most, read) => unpacked(zip!, entries, { most, source }, read),
    })
  } catch (error) {
    throw error instanceof PipelineError ? error : damaged(error)
  } finally {
    zip?.close()
  }
}

/** Whether a zip is a .keras file rather than one of PyTorch's. */
export async function isKerasArchive(path: string): Promise<boolean> {
  let zip: ZipFile | undefined
  try {
    zip = await openPromise(path, { autoClose: false, lazyEntries: true })
    return (await entriesOf(zip)).has('config.json')
  } catch {
    return false
  } finally {
    zip?.close()
  }
}

type Entries = ReadonlyMap<string, Entry>
const MOST_ENTRIES = 10_000

async function entriesOf(zip: ZipFile): Promise<Entries> {
  const entries = new Map<string, Entry>()
  if (zip.entryCount > MOST_ENTRIES) throw new Error(`it has ${zip.entryCount} entries`)
  for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry)
  return entries
}

async function json(zip: ZipFile, entry: Entry | undefined): Promise<Json | undefined> {
  if (!entry) return undefined
  if (entry.uncompressedSize > MOST_JSON) {
    throw new Error(`${entry.fileName} has ${entry.uncompressedSize} bytes`)
  }
  // yauzl holds an entry to the size that it states.
  return JSON.parse(await text(await zip.openReadStreamPromise(entry))) as Json
}

function versionIn(metadata: Json | undefined): string | undefined {
  const version = metadata && Object(metadata)['keras_version']
  return typeof version === 'string' ? version : undefined
}

async function unpacked<T>(
  zip: ZipFile,
  entries: Entries,
  { most, source }: { most: number; source: string },
  use: (path: string) => Promise<T>,
): Promise<T> {
  const entry = entries.get('model.weights.h5')
  if (!entry) {
    const hint = entries.has('model.weights.json') ? 'save it without max_shard_size' : undefined
    throw failure('BAD_WEIGHTS', `${source} has no model.weights.h5`, { hint })
  }
  if (entry.uncompressedSize > most) {
    throw failure(
      'BAD_WEIGHTS',
      `${source}: model.weights.h5 has ${entry.uncompressedSize} bytes, more than its model can need`,
    )
  }
  const full = (error: unknown) => {
    const told = diskError(error, tmpdir())
    if (told instanceof PipelineError || !('syscall' in Object(error))) return told
    return failure('NOT_WRITABLE', `cannot write below ${tmpdir()}`, { cause: error })
  }
  const folder = await mkdtemp(join(tmpdir(), 'graft-keras-')).catch((error: unknown) => {
    throw full(error)
  })
  try {
    const path = join(folder, 'model.weights.h5')
    const packed = await zip.openReadStreamPromise(entry)
    await pipeline(packed, createWriteStream(path, { flags: 'wx' })).catch((error: unknown) => {
      throw full(error)
    })
    return await use(path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
