import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { failure } from '../util/diagnostic.ts'
import { digestOf } from '../util/digest.ts'
import { findSplits } from '../data/index-find.ts'
import { joinPosix, listFolders } from '../data/index-folder.ts'
import { scanFiles } from '../data/scan.ts'
import type { Digest } from '../util/digest.ts'
import type { Json, JsonObject } from '../util/json.ts'
import type { BadImages } from '../data/index-build.ts'
import type { CsvColumns, CsvListing } from '../data/index-csv.ts'
import type { Listing } from '../data/index-source.ts'
import type { Scanned } from '../data/scan.ts'
import type { SplitSpecs } from '../data/splits.ts'
import type { Stage, StageContext, StageKind } from '../graph/stage.ts'

/** The keys of `dataset` that decide the index. */
export interface IndexParams {
  readonly root?: string | undefined
  /** The table's own path is a hint: what stands in it is what counts. */
  readonly layout?: 'folders' | { readonly csv: CsvColumns } | undefined
  readonly splits?: SplitSpecs | undefined
  readonly classes?: readonly string[] | undefined
  readonly badImages?: BadImages | undefined
}

export interface IndexHints {
  /** A local folder of pictures, absolute; without it the pictures are those of the input `files` (an unpack artifact). */
  readonly path?: string | undefined
  /** The table of layout csv, absolute. */
  readonly table?: string | undefined
}

/**
 * Lists and checks every picture, gives it class and split. Needs: `files`, or `hints.path`. Of a local folder
 * the probe looks at every picture each time (only stat calls when nothing changed), so that an edit is seen;
 * of a table it reads the content.
 */
export const INDEX: StageKind = {
  kind: 'index',
  version: 1,
  describe: 'list, check and split the pictures',
  probe: async (stage, { state, signal }) => {
    const hints = (stage.hints ?? {}) as IndexHints
    if (hints.path === undefined) return digestOf(await readTable(hints))
    return (await scan(stage, hints, hints.path, { state, signal, memory: true })).digest
  },
  run: async (context) => {
    const { stage, signal, state } = context
    const hints = context.hints as IndexHints
    const local = hints.path !== undefined
    const source = hints.path ?? join(context.inputs['files']!.path, 'files')
    const progress = (done: number, total: number) => {
      context.emit({ type: 'stageProgress', stage: stage.id, done, total, unit: 'pictures' })
    }
    const seen = await scan(stage, hints, source, { state, signal, memory: local, progress })
    const params = stage.params as unknown as IndexParams
    const { listing, splits, scanned } = seen
    const { buildIndex } = await import('../data/index-build.ts')
    const { indexWarnings, writeIndex } = await import('../data/index-table.ts')
    const index = buildIndex(listing, scanned(), splits, params.badImages ?? 'fail')
    await writeIndex(context.out, index.rows, index.classes, index.summary)
    const counts = Object.entries(index.summary.splits).map(([name, { count }]) => [name, count])
    // A plan wants to know them when the index itself has been evicted.
    context.remember({ pictures: Object.fromEntries(counts) as JsonObject })
    for (const diagnostic of indexWarnings(index.summary)) {
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

interface Seen {
  readonly listing: Listing
  readonly splits: SplitSpecs
  readonly scanned: () => ReadonlyMap<string, Scanned>
  /** Of all that the index depends on beyond its params. */
  readonly digest: Digest
}

async function scan(
  stage: Stage,
  hints: IndexHints,
  source: string,
  context: ScanContext,
): Promise<Seen> {
  const params = stage.params as unknown as IndexParams
  const root = joinPosix(params.root ?? '')
  const table = await readTable(hints)
  const { listing, splits, scope } =
    hints.table === undefined
      ? listFrom(source, root, params)
      : await listBy(hints.table, table, params)
  const paths = [...new Set(listing.candidates.map((c) => c.path))]
  const name = digestOf(JSON.stringify([source, root, scope])).slice(7, 39)
  const seen = await scanFiles(source, paths, {
    signal: context.signal,
    progress: context.progress,
    memory: context.memory ? join(context.state, `${name}.scan`) : undefined,
  })
  const scanned = () => new Map(seen.files().map((file) => [file.path, file]))
  if ('positions' in listing) {
    const { refuseMissing } = await import('../data/index-csv.ts')
    refuseMissing(listing, scanned())
  }
  const digest = digestOf([seen.digest, JSON.stringify(listing.classes), digestOf(table)].join())
  return { listing, splits, scanned, digest }
}

interface Listed {
  readonly listing: Listing | CsvListing
  readonly splits: SplitSpecs
  /** Names what is looked at, so that each has its own memory. */
  readonly scope: Json
}

function listFrom(source: string, root: string, params: IndexParams): Listed {
  const splits = params.splits ?? findSplits(source, root)
  const folders: Record<string, string> = {}
  for (const [name, spec] of Object.entries(splits)) {
    if (typeof spec === 'string') folders[name] = spec
  }
  const listing = listFolders({ source, root, splits: folders, classes: params.classes })
  return { listing, splits, scope: folders }
}

async function listBy(file: string, text: string, params: IndexParams): Promise<Listed> {
  const { listTable } = await import('../data/index-csv.ts')
  const { layout, splits, classes } = params
  const columns = typeof layout === 'object' ? layout.csv : {}
  const root = joinPosix(params.root ?? '')
  const listing = listTable({ file, text, columns, root, splits, classes })
  return { listing, splits: listing.splits, scope: ['csv', file] }
}

/** '' when the layout needs no table. */
async function readTable({ table }: IndexHints): Promise<string> {
  if (table === undefined) return ''
  try {
    return await readFile(table, 'utf8')
  } catch (error) {
    throw failure('BAD_TABLE', `cannot read the table ${table}`, {
      hint: 'dataset.layout.csv.file is relative to the pipeline file',
      cause: error,
    })
  }
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
