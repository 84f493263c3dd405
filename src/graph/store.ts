import { accessSync, constants, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { failure } from '../util/diagnostic.ts'
import type { Digest } from '../util/digest.ts'
import { diskError, isErrno, syncFolder } from '../util/files.ts'
import { check, manifestText, place, quarantine, touchArtifact } from './artifacts.ts'
import type { JsonObject } from '../util/json.ts'
import { openClaims, ownName, type Claim, type Claims } from './claims.ts'
import { collect, quickBytes, sweep, type GcOptions, type GcReport } from './gc.ts'
import { discard, hexOf, layoutOf, writeSynced, type Layout } from './layout.ts'
import { partsOf, sealTree } from './manifest.ts'
import {
  ensureFolder,
  readResult,
  openHistory,
  writeResult,
  type Result,
  type Warn,
} from './results.ts'
import type { Artifact, FingerprintDocument } from './stage.ts'

/** Each change of the disk while an artifact is published, in order. */
export type StoreStep = 'draft' | 'seal' | 'manifest' | 'stat' | 'place' | 'result' | 'work'

export interface StoreOptions {
  /** Bound on the whole store; default a tenth of the disk, at most 100 GB. */
  readonly maxBytes?: number | undefined
  /** Nothing is made, touched, swept or moved: for looking into a store that may not be written. */
  readonly readOnly?: boolean | undefined
  /** Called before each step; tests throw disk errors or kill the process here. */
  readonly onStep?: ((step: StoreStep) => void) | undefined
}

/** A place for a stage's output that is swept once this process is gone. */
export interface Draft {
  /** Becomes the artifact. */
  readonly out: string
  discard(): Promise<void>
}

/** Facts of a finished computation that the files do not say. */
export interface Computed {
  readonly stage: string
  readonly document: FingerprintDocument
  readonly fingerprint: Digest
  readonly seconds: number
  readonly facts?: JsonObject | undefined
}

export interface Store {
  readonly root: string
  readonly layout: Layout
  readonly claims: Claims
  readonly readOnly: boolean
  maxBytes(): Promise<number>
  /** The result of the fingerprint, whether or not its artifact is still there. */
  find(kind: string, fingerprint: Digest, warn: Warn): Result | undefined
  /** The newest results of the kind, newest first. */
  history(kind: string): readonly Result[]
  /** Whether an artifact of that content is there, unchecked; marks it as used now. */
  has(digest: Digest): boolean
  /** The same without the mark. */
  exists(digest: Digest): boolean
  /** Where the files of such an artifact are, if it is there. */
  pathOf(digest: Digest): string
  /**
   * The artifact, checked the first time it is opened in this process, and safe from eviction until `close`.
   * Undefined: not there, or damaged (it is then moved to quarantine/ and `warn` is called).
   */
  open(digest: Digest, fingerprint: Digest, warn: Warn): Promise<Artifact | undefined>
  draft(): Draft
  /** Turns the draft into an artifact and records the result; the work folder of the fingerprint goes. */
  publish(draft: Draft, computed: Computed, warn: Warn): Promise<Artifact>
  /** The folder for what survives a crash of this fingerprint's computation; `fresh` empties it. */
  work(fingerprint: Digest, fresh: boolean): Promise<string>
  state(kind: string): string
  /** Evicts down to the bound if it is exceeded: called at the end of a run that published something. */
  trim(): Promise<GcReport | undefined>
  gc(options?: GcOptions): Promise<GcReport>
  /** Checks every byte of one artifact; what is damaged is moved to quarantine/. Undefined: whole. */
  verify(digest: Digest): Promise<string | undefined>
  /** Lets go of all artifacts opened here. */
  close(): void
}

export async function openStore(root: string, options: StoreOptions = {}): Promise<Store> {
  const layout = layoutOf(root)
  const readOnly = options.readOnly ?? false
  const step = options.onStep ?? (() => undefined)
  if (!readOnly) prepare(layout)
  const claims = openClaims(root)
  if (!readOnly) {
    // In a store that several people share, what another one's dead process left is left to that one.
    const ours = (error: unknown) => {
      if (!isErrno(error, 'EACCES', 'EPERM')) throw diskError(error, root)
    }
    await sweep(layout, claims).catch(ours)
  }
  const opened = new Map<Digest, Promise<Artifact | undefined>>()
  const pins: Claim[] = []
  let bound: number | undefined = options.maxBytes

  const filesOf = (digest: Digest) => join(layout.artifact(digest), 'files')
  const maxBytes = async () => (bound ??= await defaultBound(root))
  const has = (digest: Digest) => touchArtifact(layout, digest, readOnly)
  const load = async (digest: Digest, warn: Warn, thorough: boolean) => {
    const pin = readOnly ? undefined : await claims.use(hexOf(digest))
    const found = has(digest) ? await check(layout, digest, readOnly, thorough) : undefined
    if (found && 'bytes' in found) {
      if (pin) pins.push(pin)
      return found.bytes
    }
    pin?.release()
    if (found && !readOnly) await quarantine(layout, digest, found.damage, warn)
    return undefined
  }
  const open = async (digest: Digest, fingerprint: Digest, warn: Warn, thorough = false) => {
    const pending = thorough ? undefined : opened.get(digest)
    const known = pending && (await pending)
    if (known) return { ...known, fingerprint }
    const path = filesOf(digest)
    const loading = load(digest, warn, thorough).then((bytes) =>
      bytes === undefined ? undefined : { fingerprint, digest, path, bytes },
    )
    opened.set(digest, loading)
    const artifact = await loading
    if (!artifact) opened.delete(digest)
    return artifact
  }

  const publish = async (draft: Draft, computed: Computed, warn: Warn): Promise<Artifact> => {
    const folder = join(draft.out, '..')
    step('seal')
    const { manifest, stats } = await sealTree(draft.out, join(folder, 'stat.json'))
    step('manifest')
    await writeSynced(join(folder, 'manifest.json'), manifestText(manifest))
    step('stat')
    await writeSynced(join(folder, 'stat.json'), JSON.stringify(stats))
    await syncFolder(folder)
    const { digest, bytes } = manifest
    const parts = partsOf(manifest)
    const { fingerprint } = computed
    const pin = await claims.use(hexOf(digest))
    pins.push(pin)
    step('place')
    await place(layout, folder, digest, () => open(digest, fingerprint, warn, true))
    await draft.discard()
    step('result')
    const created = new Date().toISOString()
    await writeResult(layout, {
      format: 1,
      ...computed,
      digest,
      ...(parts ? { parts } : {}),
      bytes,
      created,
    })
    step('work')
    await discard(layout, layout.workOf(fingerprint))
    const artifact = { fingerprint, digest, path: filesOf(digest), bytes, parts }
    opened.set(digest, Promise.resolve(artifact))
    return artifact
  }

  return {
    root,
    layout,
    claims,
    readOnly,
    maxBytes,
    find: (kind, fingerprint, warn) => readResult(layout, kind, fingerprint, readOnly, warn),
    history: openHistory(layout),
    has,
    exists: (digest) => touchArtifact(layout, digest, true),
    pathOf: filesOf,
    open: (digest, fingerprint, warn) => open(digest, fingerprint, warn),
    draft: () => {
      step('draft')
      return newDraft(layout, claims)
    },
    publish: (draft, computed, warn) => guarded(root, () => publish(draft, computed, warn)),
    work: async (fingerprint, fresh) => {
      const path = layout.workOf(fingerprint)
      if (fresh) await discard(layout, path)
      return ensureFolder(path)
    },
    state: (kind) => {
      const path = join(layout.state, kind)
      return readOnly ? path : ensureFolder(path)
    },
    trim: async () => {
      const max = await maxBytes()
      if (quickBytes(layout) <= max) return undefined
      // Some room, so that the next small artifact does not start another collection.
      // The checkpoints of a run that was just ended are not to go because what it reads is large and still in use.
      return await collect(layout, claims, { maxBytes: Math.floor(max * 0.9), spareWork: true })
    },
    gc: async (gcOptions = {}) =>
      collect(layout, claims, { ...gcOptions, maxBytes: gcOptions.maxBytes ?? (await maxBytes()) }),
    verify: async (digest) => {
      const found = await check(layout, digest, readOnly, true)
      if ('bytes' in found) return undefined
      if (!readOnly) await quarantine(layout, digest, found.damage, () => undefined)
      return found.damage
    },
    close: () => {
      for (const pin of pins.splice(0)) pin.release()
      opened.clear()
      claims.close()
    },
  }
}

const FOLDERS = ['artifacts', 'results', 'work', 'state', 'tmp', 'trash', 'quarantine', 'claims']

/** Makes the folders and finds out now, not after an hour's work, whether they can be written. */
function prepare(layout: Layout): void {
  const { root } = layout
  try {
    for (const name of FOLDERS) {
      mkdirSync(join(root, name), { recursive: true })
      accessSync(join(root, name), constants.W_OK | constants.X_OK)
    }
    for (const mode of ['run', 'use', 'evict']) {
      mkdirSync(join(root, 'claims', mode), { recursive: true })
    }
    const tag = join(root, 'CACHEDIR.TAG')
    if (!statSync(tag, { throwIfNoEntry: false })) writeFileSync(tag, CACHE_TAG)
  } catch (error) {
    if (!isErrno(error, 'ENOTDIR', 'EEXIST')) throw diskError(error, root)
    const message = `the store ${root} cannot be used: a file stands where a folder should be`
    const hint = 'choose another place with --store DIR'
    throw failure('NOT_WRITABLE', message, { hint, cause: error })
  }
}

/** Backup programs leave a folder with this file alone (the Cache Directory Tagging Specification). */
const CACHE_TAG =
  'Signature: 8a477f597d28d172789f06886806bc55\n# Kept by graft. Everything here can be computed again.\n'

async function guarded<T>(path: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body()
  } catch (error) {
    throw diskError(error, path)
  }
}

async function defaultBound(root: string): Promise<number> {
  const disk = await statfs(nearestFolder(root))
  return Math.min(Math.floor((disk.blocks * disk.bsize) / 10), 100e9)
}

/** The folder itself or, while it is not there, the one that it would be made in. */
function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path))
}

function newDraft(layout: Layout, claims: Claims): Draft {
  const folder = join(layout.tmp, ownName())
  try {
    mkdirSync(join(folder, 'files'), { recursive: true })
  } catch (error) {
    throw diskError(error, folder)
  }
  const drop = claims.hold(folder)
  return {
    out: join(folder, 'files'),
    discard: async () => {
      drop()
      await discard(layout, folder)
    },
  }
}
