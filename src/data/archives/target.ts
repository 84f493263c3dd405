import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { diskError } from '../../util/files.ts'
import { guardNames, unsafe } from './names.ts'

export interface ArchiveLimits {
  readonly entries: number
  /** Bytes of all files together. */
  readonly bytes: number
  /** Bytes that come out for each byte of the archive; counted once `ratioFloor` bytes are out. */
  readonly ratio: number
  readonly ratioFloor: number
}

export const LIMITS: ArchiveLimits = {
  entries: 1e6,
  bytes: 200e9,
  ratio: 200,
  ratioFloor: 64 * 2 ** 20,
}

/** An entry of at most so many bytes may go through memory. */
export const SMALL = 2 ** 20

/** Where the entries of one archive go. Everything here throws UNSAFE_ARCHIVE, or a disk diagnostic. */
export interface Target {
  /** Where the entry will be written, or undefined when it is to be left out. */
  readonly admit: (entry: string, folder: boolean) => string | undefined
  readonly folder: (path: string) => Promise<void>
  readonly file: (entry: string, path: string, chunks: AsyncIterable<Uint8Array>) => Promise<void>
  /** The same for a file that is in memory; synchronous, which is several times cheaper for small ones. */
  readonly smallFile: (entry: string, path: string, data: Uint8Array) => void
  /** Refuses more bytes than the limits allow: of an uncompressed stream, for what lies between the files. */
  readonly check: (entry: string, total: number) => void
  readonly files: () => number
}

export function createTarget(
  folder: string,
  archiveBytes: number,
  limits: ArchiveLimits,
  strip: number,
): Target {
  const names = guardNames(strip)
  const made = new Set<string>()
  let entries = 0
  let bytes = 0
  let files = 0
  const most = Math.min(limits.bytes, Math.max(limits.ratioFloor, archiveBytes * limits.ratio))
  const check = (entry: string, total: number): void => {
    if (total > most) throw unsafe(entry, `makes more than ${most} bytes of ${archiveBytes}`)
  }
  const makeFolderSync = (path: string): void => {
    if (made.has(path)) return
    mkdirSync(path, { recursive: true })
    made.add(path)
  }
  const makeFolder = async (path: string): Promise<void> => {
    if (made.has(path)) return
    await mkdir(path, { recursive: true })
    made.add(path)
  }
  return {
    admit: (entry, isFolder) => {
      entries += 1
      if (entries > limits.entries) throw unsafe(entry, `is one of more than ${limits.entries}`)
      return names.admit(entry, isFolder)
    },
    folder: (path) => makeFolder(join(folder, path)),
    file: async (entry, path, chunks) => {
      const at = join(folder, path)
      try {
        await makeFolder(dirname(at))
        const file = await open(at, 'wx')
        try {
          for await (const chunk of chunks) {
            // What comes out counts, whatever size the archive claims.
            bytes += chunk.length
            check(entry, bytes)
            await file.writeFile(chunk)
          }
        } finally {
          await file.close()
        }
        files += 1
      } catch (error) {
        throw diskError(error, at)
      }
    },
    smallFile: (entry, path, data) => {
      const at = join(folder, path)
      bytes += data.length
      check(entry, bytes)
      try {
        makeFolderSync(dirname(at))
        writeFileSync(at, data, { flag: 'wx' })
        files += 1
      } catch (error) {
        throw diskError(error, at)
      }
    },
    check,
    files: () => files,
  }
}
