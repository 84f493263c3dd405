import { mkdirSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Digest } from '../util/digest.ts'
import { isErrno, syncFolder } from '../util/files.ts'
import { ownName } from './claims.ts'

/**
 * Where things are in a store:
 *
 *     artifacts/<aa>/<digest>/     manifest.json, stat.json, files/     by the digest of the content
 *     results/<kind>/<fingerprint>.json    small: fingerprint -> digest, with the whole fingerprint document
 *     work/<fingerprint>/          of unfinished stages: checkpoints, partial downloads
 *     state/<kind>/                what a kind remembers of the world outside (stat index); may vanish
 *     state/<kind>/<folder>/       what it keeps in case more is wanted (a training's end); the first to be evicted
 *     claims/<mode>/               who computes, reads or evicts what (claims.ts)
 *     tmp/ trash/ quarantine/      unfinished, doomed, damaged
 *
 * Content, not fingerprint, names an artifact: equal outputs are kept once, a forced recomputation with another
 * result never takes files from under a reader, and an evicted artifact's results still resolve a chain.
 */
export interface Layout {
  readonly root: string
  readonly artifacts: string
  readonly results: string
  readonly work: string
  readonly state: string
  readonly tmp: string
  readonly trash: string
  readonly quarantine: string
  artifact(digest: Digest): string
  result(kind: string, fingerprint: Digest): string
  workOf(fingerprint: Digest): string
}

export function layoutOf(root: string): Layout {
  const folder = (name: string) => join(root, name)
  return {
    root,
    artifacts: folder('artifacts'),
    results: folder('results'),
    work: folder('work'),
    state: folder('state'),
    tmp: folder('tmp'),
    trash: folder('trash'),
    quarantine: folder('quarantine'),
    artifact: (digest) => join(root, 'artifacts', hexOf(digest).slice(0, 2), hexOf(digest)),
    result: (kind, fingerprint) => join(root, 'results', kind, `${hexOf(fingerprint)}.json`),
    workOf: (fingerprint) => join(root, 'work', hexOf(fingerprint)),
  }
}

export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length)
}

/** Makes the path unreachable at once (a rename), then removes it. A path that is not there is fine. */
export async function discard(layout: Layout, path: string): Promise<void> {
  const doomed = join(layout.trash, ownName())
  mkdirSync(layout.trash, { recursive: true })
  try {
    await rename(path, doomed)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return
    throw error
  }
  await removeTree(doomed)
}

/** Others may be removing the same tree; between all of them it goes. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTEMPTY')) throw error
  }
}

/** Writes a small file for good and whole: beside nothing that a listing of its folder could mistake for it. */
export async function writeWhole(layout: Layout, path: string, data: string): Promise<void> {
  const temporary = join(layout.tmp, ownName())
  mkdirSync(layout.tmp, { recursive: true })
  mkdirSync(dirname(path), { recursive: true })
  try {
    await writeSynced(temporary, data)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

export async function writeSynced(path: string, data: string): Promise<void> {
  const file = await open(path, 'w', 0o644)
  try {
    await file.writeFile(data)
    await file.sync()
  } finally {
    await file.close()
  }
}
