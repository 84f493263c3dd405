import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestFile, digestOf } from '../util/digest.ts'
import { failure } from '../util/diagnostic.ts'
import { writeFileAtomic } from '../util/files.ts'
import type { Digest } from '../util/digest.ts'

/** As in scan.ts: a file that changed so shortly before it was read may change again unseen. */
const RACY_MS = 2000

/**
 * The sha256 of one local file of any size, for probes: when device, inode, size and times are those that
 * `state` remembers, the file is not opened. Throws NO_SUCH_FOLDER when there is no such file.
 */
export async function rememberedDigest(path: string, state: string): Promise<Digest> {
  const memory = join(state, `${digestOf(path).slice(7, 39)}.file.json`)
  const { stamp, changed } = stampOf(path)
  try {
    const known = JSON.parse(await readFile(memory, 'utf8')) as { stamp: string; digest: Digest }
    if (known.stamp === stamp) return known.digest
  } catch {
    // Nothing remembered, or nothing readable: the file is read.
  }
  const started = Date.now()
  const digest = await digestFile(path)
  if (changed < started - RACY_MS && stampOf(path).stamp === stamp) {
    await writeFileAtomic(memory, JSON.stringify({ stamp, digest })).catch(() => undefined)
  }
  return digest
}

function stampOf(path: string): { stamp: string; changed: number } {
  let stat
  try {
    stat = statSync(path, { bigint: true })
  } catch (error) {
    throw failure('NO_SUCH_FOLDER', `there is no file ${path}`, {
      hint: 'check the path; it is relative to the pipeline file',
      cause: error,
    })
  }
  const { dev, ino, size, mtimeNs, ctimeNs, mtimeMs, ctimeMs } = stat
  const changed = Number(mtimeMs > ctimeMs ? mtimeMs : ctimeMs)
  return { stamp: [dev, ino, size, mtimeNs, ctimeNs].join(), changed }
}
