import { existsSync } from 'node:fs'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Artifact, StageContext } from '../graph/stage.ts'
import type { Layer, WeightMap } from '../models/layer-graph.ts'
import { monitorParts } from '../training/callbacks.ts'
import type { EpochFigures } from '../training/loop-state.ts'
import type { WholeModel } from '../training/model.ts'
import { stableFigures } from '../util/figures.ts'
import type { JsonObject } from '../util/json.ts'
import { HISTORY_FILE, readHistory } from './history.ts'
import type { TrainParams } from './train.ts'
import {
  LAST_FILE,
  lastFileOf,
  loadStageWeights,
  MODEL_FILE,
  writeWeights,
} from './weight-files.ts'

/** A train artifact's file that says which epoch `MODEL_FILE` is, where `keepBest` chose it. */
const BEST_FILE = 'best.json'

/** The best epoch of all phases so far. */
export interface BestEpoch {
  readonly epoch: number
  readonly value: number
}

export async function readBest(model: Artifact | undefined): Promise<BestEpoch | undefined> {
  const path = model && join(model.path, BEST_FILE)
  if (path === undefined || !existsSync(path)) return undefined
  return JSON.parse(await readFile(path, 'utf8')) as BestEpoch
}

/** What a training came to. */
export interface Trained {
  readonly history: readonly EpochFigures[]
  /** The weights it ended with. */
  readonly last: WeightMap
  /** The best epoch, where one is to be used in place of the last; its weights where they are of this phase. */
  readonly best: { readonly epoch: number; readonly weights: WeightMap | undefined } | undefined
}

/**
 * The artifact: every weight that training has changed so far, in earlier phases too, as it is used and, where that
 * is another epoch's, as it ended; and a line an epoch.
 */
export async function publish(
  { inputs, out, params }: StageContext,
  model: WholeModel,
  { history, last, best }: Trained,
): Promise<void> {
  const { previous } = inputs
  const { phase, callbacks } = params as unknown as TrainParams
  const before: WeightMap = previous
    ? await loadStageWeights(undefined, previous, lastFileOf(previous))
    : new Map()
  const layers = layersOf(model, before)
  const unread = await unreadOf(layers, new Map([...before, ...last]), inputs['weights'])
  const write = (file: string, values: WeightMap) =>
    writeWeights(join(out, file), { layers }, new Map([...unread, ...before, ...values]))
  const lines = [
    ...(previous ? await readHistory(previous) : []),
    ...history.map((figures) => JSON.stringify(stable(figures, phase))),
  ]
  await writeFile(join(out, HISTORY_FILE), `${lines.join('\n')}\n`)
  if (!best) {
    await write(MODEL_FILE, last)
    return
  }
  if (best.weights) await write(MODEL_FILE, best.weights)
  else await copyFile(join(previous!.path, MODEL_FILE), join(out, MODEL_FILE))
  const { keepBest } = callbacks ?? {}
  // Early stopping ends with the best epoch's weights: nothing goes on from the others.
  if (keepBest === undefined) return
  await write(LAST_FILE, last)
  const { split, figure } = monitorParts(keepBest)
  const own = history.find(({ epoch }) => epoch === best.epoch)
  const chosen = own
    ? { epoch: best.epoch, value: own[split]![figure]! }
    : (await readBest(previous))!
  await writeFile(join(out, BEST_FILE), `${JSON.stringify(chosen)}\n`)
}

/** What a SavedModel has and no op reads (seeds, statistics of its preprocessing) is in no program, and stays what it was. */
async function unreadOf(
  layers: readonly Layer[],
  values: WeightMap,
  weights: Artifact | undefined,
): Promise<WeightMap> {
  const names = layers.flatMap((layer) => layer.weights.map(({ name }) => name))
  const isWhole = names.every((name) => values.has(name))
  return isWhole ? new Map() : loadStageWeights(weights, undefined)
}

function layersOf({ graph, trained }: WholeModel, before: WeightMap) {
  const names = new Set(trained.map((layer) => layer.name))
  return graph.layers.filter(
    ({ name, weights }) => names.has(name) || weights.some((w) => before.has(w.name)),
  )
}

function stable({ epoch, train: t, validation: v }: EpochFigures, phase: number): JsonObject {
  return {
    epoch,
    phase,
    train: stableFigures(t),
    ...(v ? { validation: stableFigures(v) } : {}),
  }
}
