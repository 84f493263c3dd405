import { mkdirSync, readFileSync, statSync, utimesSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '../util/digest.ts'
import { diskError, isErrno, syncFolder } from '../util/files.ts'
import { ownName } from './claims.ts'
import { hexOf, writeWhole, type Layout } from './layout.ts'
import { checkTree, contentDigest, type Manifest, type StatRecord } from './manifest.ts'
import type { Warn } from './results.ts'

/** Moves the sealed folder to where its content belongs, unless the same content is there already and whole. */
export async function place(
  layout: Layout,
  folder: string,
  digest: Digest,
  existing: () => Promise<unknown>,
): Promise<void> {
  const target = layout.artifact(digest)
  for (;;) {
    if (await existing()) return
    mkdirSync(join(target, '..'), { recursive: true })
    try {
      await rename(folder, target)
      break
    } catch (error) {
      // Another process was quicker, or a collection took the parent away.
      if (!isErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error
    }
  }
  await syncFolder(join(target, '..'))
  await syncFolder(layout.artifacts)
}

/** The modification time of the manifest is when the artifact was last used. False: there is none. */
export function touchArtifact(layout: Layout, digest: Digest, readOnly: boolean): boolean {
  const path = join(layout.artifact(digest), 'manifest.json')
  try {
    if (readOnly) statSync(path)
    else utimesSync(path, new Date(), new Date())
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false
    throw diskError(error, path)
  }
}

/** Whether the artifact holds what its manifest says, and the manifest what its name says. */
export async function check(
  layout: Layout,
  digest: Digest,
  readOnly: boolean,
  thorough: boolean,
): Promise<{ bytes: number } | { damage: string }> {
  const folder = layout.artifact(digest)
  const manifest = readJson<Manifest>(join(folder, 'manifest.json'))
  if (manifest?.digest !== digest || contentDigest(manifest.files) !== digest) {
    return { damage: 'its manifest is not whole' }
  }
  const record = readJson<StatRecord>(join(folder, 'stat.json'))
  const scratch = readOnly ? undefined : join(layout.tmp, ownName())
  try {
    const { damage, stats } = await checkTree(
      join(folder, 'files'),
      manifest,
      record,
      scratch,
      thorough,
    )
    if (damage !== undefined) return { damage }
    if (stats && !readOnly)
      await writeWhole(layout, join(folder, 'stat.json'), JSON.stringify(stats))
    return { bytes: manifest.bytes }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EIO')) return { damage: String(error) }
    throw diskError(error, folder)
  } finally {
    if (scratch !== undefined) await rm(scratch, { force: true })
  }
}

export async function quarantine(
  layout: Layout,
  digest: Digest,
  damage: string,
  warn: Warn,
): Promise<void> {
  const path = layout.artifact(digest)
  const aside = join(layout.quarantine, `${hexOf(digest)}.${Date.now()}`)
  try {
    await rename(path, aside)
  } catch (error) {
    // Gone, or moved by another process that saw the same.
    if (isErrno(error, 'ENOENT')) return
    throw diskError(error, path)
  }
  warn({
    code: 'STORE_DAMAGED',
    message: `an artifact in the store was damaged (${damage}); it is computed again, and the damaged one kept in ${aside}`,
    severity: 'warning',
  })
}

/** One file a line, so that people can look; the numbers come first, so that a collection reads the head only. */
export function manifestText(manifest: Manifest): string {
  const { format, digest, bytes, files } = manifest
  const lines = files.map((file) => JSON.stringify(file)).join(',\n')
  return `{"format":${format},"digest":"${digest}","bytes":${bytes},"files":[\n${lines}\n]}\n`
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch (error) {
    if (error instanceof SyntaxError || isErrno(error, 'ENOENT', 'EIO', 'EISDIR')) return undefined
    throw error
  }
}
