import { join } from 'node:path'
import { digestOf } from '../util/digest.ts'
import { buildIndex } from '../data/index-build.ts'
import { findSplits } from '../data/index-find.ts'
import { listFolders } from '../data/index-folder.ts'
import { writeIndex } from '../data/index-table.ts'
import { scanDigest, scanFiles } from '../data/scan.ts'
import type { Digest } from '../util/digest.ts'
import type { BadImages } from '../data/index-build.ts'
import type { Listing } from '../data/index-source.ts'
import type { SplitSpecs } from '../data/splits.ts'
import type { Stage, StageContext, StageKind } from '../graph/stage.ts'

/** The keys of `dataset` that decide the index. */
export interface IndexParams {
  readonly root?: string | undefined
  readonly layout?: 'folders' | undefined
  readonly splits?: SplitSpecs | undefined
  readonly classes?: readonly string[] | undefined
  readonly badImages?: BadImages | undefined
}

export interface IndexHints {
  /** A local folder of pictures, absolute; without it the pictures are those of the input `files` (an unpack artifact). */
  readonly path?: string | undefined
}

/**
 * Lists and checks every picture, gives it class and split. Needs: `files`, or `hints.path`. Of a local folder
 * the probe looks at every picture each time (only stat calls when nothing changed), so that an edit is seen.
 */
export const INDEX: StageKind = {
  kind: 'index',
  version: 1,
  describe: 'list, check and split the pictures',
  probe: async (stage, { state, signal }) => {
    const hints = (stage.hints ?? {}) as IndexHints
    if (hints.path === undefined) return digestOf('')
    return (await scan(stage, hints.path, { state, signal, memory: true })).digest
  },
  run: async (context) => {
    const { stage, signal, state } = context
    const hints = context.hints as IndexHints
    const local = hints.path !== undefined
    const source = hints.path ?? join(context.inputs['files']!.path, 'files')
    const progress = (done: number, total: number) => {
      context.emit({ type: 'stageProgress', stage: stage.id, done, total, unit: 'pictures' })
    }
    const seen = await scan(stage, source, { state, signal, memory: local, progress })
    const params = stage.params as unknown as IndexParams
    const { listing, splits, scanned } = seen
    const index = buildIndex(listing, scanned, splits, params.badImages ?? 'fail')
    await writeIndex(context.out, index.rows, index.classes, index.summary)
    for (const diagnostic of index.summary.warnings) {
      context.emit({ type: 'warning', stage: stage.id, diagnostic })
    }
    noteIgnored(context, listing)
  },
}

interface ScanContext {
  readonly state: string
  readonly signal: AbortSignal
  /** Whether to remember the files' stamps: those of an artifact are read once only. */
  readonly memory: boolean
  readonly progress?: (done: number, total: number) => void
}

async function scan(stage: Stage, source: string, context: ScanContext) {
  const params = stage.params as unknown as IndexParams
  const root = params.root ?? ''
  const splits = params.splits ?? findSplits(source, root)
  const folders: Record<string, string> = {}
  for (const [name, spec] of Object.entries(splits)) {
    if (typeof spec === 'string') folders[name] = spec
  }
  const listing = listFolders({ source, root, splits: folders, classes: params.classes })
  const paths = [...new Set(listing.candidates.map((c) => c.path))]
  const name = digestOf(JSON.stringify([source, root, folders])).slice(7, 39)
  const files = await scanFiles(source, paths, {
    signal: context.signal,
    progress: context.progress,
    memory: context.memory ? join(context.state, `${name}.scan`) : undefined,
  })
  const digest: Digest = scanDigest(files, JSON.stringify(listing.classes))
  return { listing, splits, digest, scanned: new Map(files.map((file) => [file.path, file])) }
}

/** Said, not stored: it must not change the artifact. */
function noteIgnored(context: StageContext, { ignored }: Listing): void {
  const kinds = Object.entries(ignored).sort(([a], [b]) => (a < b ? -1 : 1))
  if (kinds.length === 0) return
  const total = kinds.reduce((sum, [, n]) => sum + n, 0)
  const text = kinds.map(([extension, n]) => `${n} ${extension}`).join(', ')
  const message = `${total} files that are no pictures were left aside: ${text}`
  context.emit({ type: 'note', stage: context.stage.id, message })
}
