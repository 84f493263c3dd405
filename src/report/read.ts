import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Store } from '../graph/store.ts'
import type { Prediction } from '../prediction/predict-pictures.ts'
import { readMarks, tagsOf } from '../runs/marks.ts'
import { predictionsOf } from '../runs/predictions.ts'
import type { StoredRun } from '../runs/read.ts'
import { RUN_FILES, type RunRecord } from '../runs/record.ts'
import type { EvaluationFile } from '../stages/evaluate.ts'
import { PipelineError } from '../util/diagnostic.ts'
import { isErrno } from '../util/files.ts'
import { findNamedThumbnails, findThumbnails, type Thumbnails } from './pictures.ts'
import { leastSure, readScored, worstMistakes, type Scored } from './scored.ts'
import { sheetOf, type Thumbnail } from './thumbnail.ts'

/** What a page about a run is made of: all that its folder says. Of a run from git, some of it is not there. */
export interface RunReport {
  readonly record: RunRecord
  /** Those of the pipeline and those that were put on the run later. */
  readonly tags: readonly string[]
  readonly note: string | undefined
  /** Where a person has it: `runs/NAME/ID`. */
  readonly place: string
  /** Of the evaluated splits, the one that counts first: test, else the last. */
  readonly evaluations: readonly EvaluationFile[]
  /** Every picture that was evaluated; undefined where predictions.jsonl is not there. */
  readonly scored: readonly Scored[] | undefined
  /** Of a run without training, what its pictures were named. */
  readonly named: readonly Prediction[] | undefined
  /** Of those that are shown, as far as they are still here. */
  readonly thumbnails: Thumbnails
  /** freeze.json. */
  readonly frozen: readonly FrozenLayers[] | undefined
  /** The augmented contact sheet. */
  readonly sheet: Thumbnail | undefined
  /** resolved.yaml. */
  readonly resolved: string | undefined
}

/** The layers of one phase. */
export interface FrozenLayers {
  readonly phase: number
  readonly layers: readonly {
    readonly name: string
    readonly part?: string
    readonly parameters: number
    readonly frozen: boolean
    readonly batchNorm?: string
  }[]
}

/** Pictures of mistakes, and of predictions of a run without training, that a page shows. */
export const SHOWN = { mistakes: 24, leastSure: 12, named: 48 } as const

/** Reads a run folder, and pictures of what it is about. Files that git does not keep may be missing, and the store too. */
export async function readReport(run: StoredRun, store: Store | undefined): Promise<RunReport> {
  const { record, folder } = run
  const evaluations = await readEvaluations(run)
  const classes = evaluations[0]?.classes ?? record.classes
  const isNaming = record.predicted !== undefined
  const lines = join(folder, RUN_FILES.predictions)
  const scored = isNaming ? undefined : await readScored(lines, classes)
  const named = isNaming ? await readNamed(run) : undefined
  const sheet = await readBytes(join(folder, RUN_FILES.augmentation))
  const marks = readMarks(folder)
  const parents = [dirname(dirname(folder)), dirname(folder), folder]
  return {
    record,
    tags: tagsOf(record.tags, marks),
    note: (marks.note ?? record.notes)?.trim() || undefined,
    place: parents.map((path) => basename(path)).join('/'),
    evaluations,
    scored,
    named,
    thumbnails: named
      ? await findNamedThumbnails(
          run,
          named.slice(0, SHOWN.named).map(({ image }) => image),
        )
      : await findThumbnails(run, store, shownPictures(scored, evaluations[0]?.split)),
    frozen: await readJson<FrozenLayers[]>(join(folder, RUN_FILES.freeze)),
    sheet: sheet && (await sheetOf(sheet)),
    resolved: (await readBytes(join(folder, RUN_FILES.resolved)))?.toString(),
  }
}

/** The worst mistakes, or what was the least sure where there are none. */
export function shownPictures(
  scored: readonly Scored[] | undefined,
  split: string | undefined,
): Scored[] {
  if (!scored || split === undefined) return []
  const mistakes = worstMistakes(scored, split).slice(0, SHOWN.mistakes)
  return mistakes.length > 0 ? mistakes : leastSure(scored, split).slice(0, SHOWN.leastSure)
}

async function readEvaluations({ record, folder }: StoredRun): Promise<EvaluationFile[]> {
  const splits = Object.keys(record.metrics)
  const first = splits.includes('test') ? 'test' : splits.at(-1)
  const inOrder = splits.toSorted((a, b) => Number(b === first) - Number(a === first))
  const read = inOrder.map((split) =>
    readJson<EvaluationFile>(join(folder, `evaluation-${split}.json`)),
  )
  return (await Promise.all(read)).filter((one) => one !== undefined)
}

async function readNamed(run: StoredRun): Promise<readonly Prediction[] | undefined> {
  return predictionsOf(run).catch((error: unknown) => {
    if (error instanceof PipelineError) return undefined
    throw error
  })
}

async function readBytes(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  })
}

/** Undefined also for a file that is no JSON: then the page is without that part. */
async function readJson<T>(path: string): Promise<T | undefined> {
  const bytes = await readBytes(path)
  try {
    return bytes && (JSON.parse(bytes.toString()) as T)
  } catch {
    return undefined
  }
}
