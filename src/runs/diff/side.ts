import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { layoutOf } from '../../graph/layout.ts'
import { parseResult } from '../../graph/results.ts'
import type { FingerprintDocument } from '../../graph/stage.ts'
import { parse } from '../../pipeline/parse.ts'
import { absolutePaths, relativePaths } from '../../pipeline/paths.ts'
import type { Node, Path } from '../../pipeline/tree.ts'
import { placeOf } from '../../pipeline/tree.ts'
import { expandVariables } from '../../pipeline/variables.ts'
import type { Digest } from '../../util/digest.ts'
import type { StoredRun } from '../read.ts'
import { repeatsOf } from './repeats.ts'
import { RUN_FILES, type RunRecord, type StageRecord } from '../record.ts'

/** One of the two things that are compared: a run, or a pipeline file that has no results. */
export interface Side {
  /** `fruits 20261124-101500-8f2c1a`, or the file as it was named. */
  readonly title: string
  readonly record?: RunRecord | undefined
  /** Of a run; absolute. */
  readonly folder?: string | undefined
  /** Of a run: what the same pipeline came to with other seeds, itself among them. */
  readonly repeats?: readonly RunRecord[] | undefined
  /** Resolved values; undefined where the run lacks the file. */
  readonly config: ConfigSide | undefined
  /** Undefined: of a file whose stages this machine cannot plan. */
  readonly stages: readonly StageSide[] | undefined
  /** index.jsonl and predictions.jsonl, where they are. */
  readonly index?: string | undefined
  readonly predictions?: string | undefined
  /** Stages that are yet to run, of a file. */
  readonly open?: readonly string[] | undefined
  /** What could not be found out, and why. */
  readonly notes: readonly string[]
}

export interface ConfigSide {
  /** Every default written out, paths as seen from the current directory. */
  readonly tree: Node
  /** Where a value is said: `runs/fruits/…/resolved.yaml:31`, `default`. */
  readonly place: (path: Path) => string | undefined
}

export interface StageSide extends Partial<Pick<StageRecord, 'fingerprint' | 'digest'>> {
  readonly id: string
  readonly kind: string
  /** What the fingerprint is made of, where the store still knows. */
  readonly document?: FingerprintDocument | undefined
  /** Of a stage that is planned: what of its fingerprint is known before anything ahead of it has run. */
  readonly settings?: Settings | undefined
  /** Ids of the stages ahead of it. */
  readonly needs?: readonly string[] | undefined
}

export type Settings = Pick<FingerprintDocument, 'params' | 'seed' | 'numerics'>

/**
 * A run as one side. Of the store only results are read, if there is one; without it nothing is said of what stages were made
 * of. Places are named as seen from `cwd`.
 */
export function sideOfRun(
  run: StoredRun,
  { store, cwd }: { readonly store?: string; readonly cwd: string },
): Side {
  const { record, folder } = run
  const file = (name: string) => {
    const path = join(folder, name)
    return existsSync(path) ? path : undefined
  }
  const resolved = file(RUN_FILES.resolved)
  const predictions = file(RUN_FILES.predictions)
  const notes = resolved ? [] : [`it has no ${RUN_FILES.resolved}: its values are not known`]
  return {
    title: `${record.name} ${record.id}`,
    record,
    folder,
    repeats: repeatsOf(run),
    config: resolved === undefined ? undefined : configOf(resolved, folder, cwd),
    stages: record.stages.map((stage) => ({ ...stage, document: documentOf(store, stage) })),
    index: file(RUN_FILES.index),
    predictions,
    notes,
  }
}

/** The values of resolved.yaml with their lines. */
function configOf(path: string, folder: string, cwd: string): ConfigSide {
  const shown = relative(cwd, path)
  // Its dollar signs are doubled and it has no variables.
  const written = expandVariables(parse(readFileSync(path, 'utf8'), shown), {}, () => undefined)
  const tree = relativePaths(absolutePaths(written, folder), cwd)
  const place = (where: Path) => {
    const at = placeOf(tree, where)
    return at && `${at.file}:${at.line}`
  }
  return { tree, place }
}

function documentOf(
  store: string | undefined,
  { kind, fingerprint }: StageRecord,
): FingerprintDocument | undefined {
  if (store === undefined) return undefined
  const result = parseResult(layoutOf(store).result(kind, fingerprint as Digest))
  return typeof result === 'object' ? result.document : undefined
}
