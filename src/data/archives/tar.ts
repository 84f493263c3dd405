import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { Parser } from 'tar'
import { failure, PipelineError } from '../../util/diagnostic.ts'
import { unsafe } from './names.ts'
import { SMALL } from './target.ts'
import type { ReadEntry } from 'tar'
import type { UnpackOptions } from './unpack.ts'
import type { Target } from './target.ts'

const FILES: ReadonlySet<string> = new Set(['File', 'OldFile', 'ContiguousFile'])
const LINKS: ReadonlySet<string> = new Set(['SymbolicLink', 'Link'])

/** A tar, plain or gzipped, in one pass. What comes out of gzip is counted too: headers can be a bomb as well. */
export async function unpackTar(
  archive: string,
  target: Target,
  options: UnpackOptions & { readonly gzip: boolean; readonly size: number },
): Promise<void> {
  const source = createReadStream(archive, { highWaterMark: 1 << 18, signal: options.signal })
  const bytes = options.gzip ? source.pipe(createGunzip()) : source
  source.once('error', (error) => bytes.destroy(error))
  const parser = new Parser({ strict: true })
  let failed: unknown
  let current: ReadEntry | undefined
  let total = 0
  let last: Promise<void> = Promise.resolve()
  const failing = new Promise<never>((_, reject) => {
    const fail = (error: unknown) => {
      failed ??= error
      reject(error as Error)
    }
    parser.on('entry', (entry: ReadEntry) => {
      current = entry
      const written = writeEntry(entry, target).catch(fail)
      last = Promise.all([last, written]).then(() => undefined)
    })
    parser.on('ignoredEntry', (entry: ReadEntry) => fail(refused(entry)))
    parser.on('error', (error: Error) => fail(damaged(error)))
  })
  failing.catch(() => undefined)
  try {
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      if (failed !== undefined) throw failed
      total += chunk.length
      target.check(current?.path ?? '', total)
      if (!parser.write(chunk)) await Promise.race([once(parser, 'drain'), failing])
      options.progress?.(source.bytesRead, options.size)
    }
    const ended = once(parser, 'end')
    parser.end()
    await Promise.race([ended, failing])
    await last
    if (failed !== undefined) throw failed
  } catch (error) {
    options.signal.throwIfAborted()
    throw error instanceof PipelineError || 'syscall' in Object(error) ? error : damaged(error)
  } finally {
    source.destroy()
    bytes.destroy()
    // An entry that will get no more bytes would wait for ever, its file open.
    current?.on('error', () => undefined)
    current?.destroy(new Error('the archive was given up'))
    await last
  }
}

async function writeEntry(entry: ReadEntry, target: Target): Promise<void> {
  const folder = entry.type === 'Directory'
  if (!folder && !FILES.has(entry.type)) throw refused(entry)
  const path = target.admit(entry.path, folder)
  if (path === undefined || folder) {
    entry.resume()
    if (path !== undefined) await target.folder(path)
  } else if (entry.size <= SMALL) target.smallFile(entry.path, path, await entry.concat())
  else await target.file(entry.path, path, entry)
}

function refused(entry: ReadEntry): PipelineError {
  const link = LINKS.has(entry.type)
  return unsafe(entry.path, link ? 'is a link' : `is no file and no folder (${entry.type})`)
}

function damaged(cause: unknown): PipelineError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return failure('BAD_ARCHIVE', `the tar archive cannot be read: ${why}`, {
    hint: 'get the archive again; it may have come only in part',
    cause,
  })
}
