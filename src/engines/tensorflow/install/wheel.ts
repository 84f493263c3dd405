import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, mkdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { openPromise, type Entry, type ZipFile } from 'yauzl'
import { failure } from '../../../util/diagnostic.ts'
import { engineDiskError } from './disk.ts'

/** A Python wheel: a zip with a `*.dist-info` folder, whose RECORD has the sha256 of every file. */
export interface Wheel {
  readonly path: string
  /** As its METADATA has it: `tensorflow_cpu`. */
  readonly name: string
  readonly version: string
  /** Requirements under an extra, `nvidia-cublas-cu12<13.0,>=12.5`. */
  requirements(extra: string): string[]
  /** Sizes of the files, unpacked, by name. */
  readonly files: ReadonlyMap<string, number>
  /**
   * Writes the files that are wanted below `folder` and returns their sha256 by name. Throws DIGEST_MISMATCH where a file
   * is not what RECORD says, BAD_ARCHIVE where the zip is damaged, DISK_FULL, and what the signal says.
   */
  extract(options: ExtractOptions): Promise<Map<string, string>>
  close(): void
}

export interface ExtractOptions {
  readonly folder: string
  readonly wanted: (name: string) => boolean
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

/** Throws FILE_NOT_FOUND or BAD_ARCHIVE. */
export async function openWheel(path: string): Promise<Wheel> {
  let zip: ZipFile
  try {
    zip = await openPromise(path, { lazyEntries: true, autoClose: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw failure('FILE_NOT_FOUND', `no file ${path}`, {
        hint: 'give the path of a wheel that is there with --wheel FILE',
        cause: error,
      })
    }
    throw damaged(path, error)
  }
  try {
    return await readWheel(zip, path)
  } catch (error) {
    zip.close()
    throw error
  }
}

async function readWheel(zip: ZipFile, path: string): Promise<Wheel> {
  const entries = await listEntries(zip, path)
  const read = async (file: string): Promise<string> => {
    const name = [...entries.keys()].find((key) => DIST_INFO.test(key) && basename(key) === file)
    if (name === undefined) throw damaged(path, `no ${file} in it`)
    const chunks: Buffer[] = []
    for await (const chunk of await open(zip, entries.get(name)!, path))
      chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).toString()
  }
  const metadata = await read('METADATA')
  const digests = readRecord(await read('RECORD'))
  const field = (name: string) => new RegExp(`^${name}: *(.+)$`, 'm').exec(metadata)?.[1]?.trim()
  return {
    path,
    name: field('Name') ?? '',
    version: field('Version') ?? '',
    files: new Map([...entries].map(([name, entry]) => [name, entry.uncompressedSize])),
    requirements: (extra) => requirementsOf(metadata, extra),
    async extract({ folder, wanted, onBytes, signal }) {
      const written = new Map<string, string>()
      for (const [name, entry] of entries) {
        if (name.endsWith('/') || !wanted(name)) continue
        const expected = digests.get(name)
        if (expected === undefined) throw damaged(path, `its RECORD does not know ${name}`)
        const source = await open(zip, entry, path)
        const target = join(folder, name)
        const got = await write(source, target, { onBytes, signal }, path)
        if (got !== expected) {
          throw failure(
            'DIGEST_MISMATCH',
            `${name} in ${basename(path)} is not what its RECORD says`,
            {
              hint: 'the file is damaged: download it again',
            },
          )
        }
        // NVIDIA's packages have programs in them.
        if ((entry.externalFileAttributes >>> 16) & 0o100) await chmod(target, 0o755)
        written.set(name, got)
      }
      return written
    },
    close: () => zip.close(),
  }
}

const DIST_INFO = /^[^/]+\.dist-info\/[^/]+$/

async function listEntries(zip: ZipFile, path: string): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>()
  try {
    for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry)
  } catch (error) {
    throw damaged(path, error)
  }
  return entries
}

async function open(zip: ZipFile, entry: Entry, path: string): Promise<Readable> {
  try {
    return await zip.openReadStreamPromise(entry)
  } catch (error) {
    throw damaged(path, error)
  }
}

/** Streams to the file; returns the sha256 in hex. */
async function write(
  source: Readable,
  target: string,
  { onBytes, signal }: Pick<ExtractOptions, 'onBytes' | 'signal'>,
  wheel: string,
): Promise<string> {
  const hash = createHash('sha256')
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      onBytes(chunk.byteLength)
      done(null, chunk)
    },
  })
  let inFile = false
  const sink = await mkdir(dirname(target), { recursive: true }).then(() =>
    createWriteStream(target),
  )
  sink.on('error', () => (inFile = true))
  try {
    await pipeline(source, meter, sink, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw inFile ? engineDiskError(error, target) : damaged(wheel, error)
  }
  return hash.digest('hex')
}

/** `name,sha256=<base64url>,size` a line; names with commas are quoted (none that we take is). */
function readRecord(text: string): Map<string, string> {
  const digests = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const [, name, digest] = /^([^,]+),sha256=([A-Za-z0-9_-]+),/.exec(line) ?? []
    if (name && digest) digests.set(name, Buffer.from(digest, 'base64url').toString('hex'))
  }
  return digests
}

/** `Requires-Dist: nvidia-nccl-cu12<3.0,>=2.27; extra == "and-cuda"`. */
function requirementsOf(metadata: string, extra: string): string[] {
  const marker = new RegExp(`^Requires-Dist: *([^;\\n]+?) *;.*extra == ["']${extra}["']`, 'gm')
  return [...metadata.matchAll(marker)].map((match) => match[1]!)
}

function damaged(path: string, why: unknown) {
  const reason = why instanceof Error ? why.message : String(why)
  return failure('BAD_ARCHIVE', `${basename(path)} is not a whole Python wheel: ${reason}`, {
    hint: 'download it again',
    ...(why instanceof Error ? { cause: why } : {}),
  })
}

/** Of the whole file, in hex. */
export async function sha256Of(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) {
    hash.update(chunk as Buffer)
  }
  return hash.digest('hex')
}
