import { closeSync, openSync, readSync } from 'node:fs'
import { crc32, inflateRawSync } from 'node:zlib'
import { fromFdPromise } from 'yauzl'
import { failure, PipelineError } from '../../util/diagnostic.ts'
import { unsafe } from './names.ts'
import { SMALL } from './target.ts'
import type { Entry, ZipFile } from 'yauzl'
import type { UnpackOptions } from './unpack.ts'
import type { Target } from './target.ts'

interface Planned {
  readonly entry: Entry
  readonly name: string
  readonly path: string
}

const FILE_TYPE = 0o170000
const REGULAR = 0o100000
const FOLDER = 0o040000
/** "Made by" systems whose external attributes hold a Unix mode: Unix and macOS. */
const UNIX: ReadonlySet<number> = new Set([3, 19])

/** Reads the whole directory first, so that an unsafe archive is refused before anything is written. */
export async function unpackZip(
  archive: string,
  target: Target,
  options: UnpackOptions,
): Promise<void> {
  const fd = openSync(archive, 'r')
  let zip: ZipFile
  try {
    zip = await fromFdPromise(fd, { autoClose: false, lazyEntries: true })
  } catch (error) {
    closeSync(fd)
    throw damaged(error)
  }
  try {
    const planned = await planEntries(zip, target, options.signal)
    await writeAll(zip, fd, target, planned, options)
  } finally {
    zip.close() // and with it the descriptor
  }
}

async function writeAll(
  zip: ZipFile,
  fd: number,
  target: Target,
  planned: readonly Planned[],
  options: UnpackOptions,
): Promise<void> {
  const total = planned.reduce((sum, { entry }) => sum + entry.compressedSize, 0)
  let done = 0
  for (const [i, plan] of planned.entries()) {
    if (i % 32 === 0) await new Promise((resolve) => setImmediate(resolve))
    options.signal.throwIfAborted()
    const { entry, name } = plan
    try {
      if (Math.max(entry.compressedSize, entry.uncompressedSize) <= SMALL) {
        target.smallFile(name, plan.path, readSmall(fd, entry))
      } else await writeLarge(zip, target, plan, options.signal)
    } catch (error) {
      options.signal.throwIfAborted()
      // zlib's errors have a code as those of the disk have, but no system call.
      if (error instanceof PipelineError || 'syscall' in Object(error)) throw error
      throw damaged(error, name)
    }
    done += entry.compressedSize
    options.progress?.(done, total)
  }
}

async function planEntries(zip: ZipFile, target: Target, signal: AbortSignal): Promise<Planned[]> {
  const planned: Planned[] = []
  for (;;) {
    signal.throwIfAborted()
    const entry = await nextEntry(zip)
    if (entry === undefined) return planned
    const name = entry.fileName
    const mode = UNIX.has(entry.versionMadeBy >>> 8) ? entry.externalFileAttributes >>> 16 : 0
    const type = mode & FILE_TYPE
    const folder = name.endsWith('/') || type === FOLDER
    if (type !== 0 && type !== REGULAR && type !== FOLDER) {
      throw unsafe(name, type === 0o120000 ? 'is a link' : 'is no file and no folder')
    }
    const path = target.admit(name, folder)
    if (path === undefined) continue
    if (folder) await target.folder(path)
    else if (!entry.canDecodeFileData()) throw damaged(undecodable(entry), name)
    else planned.push({ entry, name, path })
  }
}

/** Undefined after the last one. yauzl refuses bad names itself; what it says becomes UNSAFE_ARCHIVE. */
function nextEntry(zip: ZipFile): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      zip.removeAllListeners()
      act()
    }
    zip.once('entry', (entry: Entry) => settle(() => resolve(entry)))
    zip.once('end', () => settle(() => resolve(undefined)))
    zip.once('error', (error: Error) => settle(() => reject(nameError(error) ?? damaged(error))))
    zip.readEntry()
  })
}

function nameError(error: Error): PipelineError | undefined {
  const match =
    /^(invalid relative path|absolute path|invalid characters in fileName): (.*)$/s.exec(
      error.message,
    )
  if (match === null) return undefined
  const why = match[1] === 'absolute path' ? 'has an absolute path' : 'leads out of the archive'
  return unsafe(match[2]!, why)
}

function undecodable(entry: Entry): string {
  if (entry.isEncrypted()) return 'it is encrypted'
  return `its compression method ${entry.compressionMethod} is not supported`
}

/** The whole entry in memory: one read for its local header, one for its data. */
function readSmall(fd: number, entry: Entry): Buffer {
  const header = readAt(fd, entry.relativeOffsetOfLocalHeader, 30)
  if (header.readUInt32LE(0) !== 0x04034b50) throw new Error('its header is not where it should be')
  const start = entry.relativeOffsetOfLocalHeader + 30 + header.readUInt16LE(26)
  const packed = readAt(fd, start + header.readUInt16LE(28), entry.compressedSize)
  const size = entry.uncompressedSize
  // One byte more than announced is enough to know of a lie.
  const data =
    entry.compressionMethod === 0 ? packed : inflateRawSync(packed, { maxOutputLength: size + 1 })
  if (data.length !== size) throw new Error(`it holds ${data.length} bytes, not ${size} as it says`)
  if (crc32(data) !== entry.crc32) throw new Error('its checksum is wrong')
  return data
}

function readAt(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length)
  if (readSync(fd, buffer, 0, length, position) !== length)
    throw new Error('the archive ends in it')
  return buffer
}

/** yauzl compares the sizes. */
async function writeLarge(
  zip: ZipFile,
  target: Target,
  { entry, name, path }: Planned,
  signal: AbortSignal,
): Promise<void> {
  let crc = 0
  const read = async function* (): AsyncGenerator<Uint8Array> {
    const stream = await zip.openReadStreamPromise(entry)
    const stop = () => stream.destroy()
    signal.addEventListener('abort', stop, { once: true })
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        crc = crc32(chunk, crc)
        yield chunk
      }
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }
  await target.file(name, path, read())
  if (crc !== entry.crc32) throw new Error('its checksum is wrong')
}

function damaged(cause: unknown, entry?: string): PipelineError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const where = entry === undefined ? 'the zip archive' : `zip entry ${JSON.stringify(entry)}`
  return failure('BAD_ARCHIVE', `${where} cannot be read: ${why}`, {
    hint: 'get the archive again; an encrypted or unusually packed one must be packed anew',
    cause,
  })
}
