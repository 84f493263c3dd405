import { mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StageContext } from '../graph/stage.ts'
import { changesBetween } from '../graph/why.ts'
import {
  openCheckpoints,
  type Checkpoint,
  type Checkpoints,
  type KeptCheckpoint,
} from '../training/checkpoint.ts'
import type { LoopPlace, LoopState } from '../training/loop-state.ts'
import { digestOf } from '../util/digest.ts'
import { canonicalJson, stableJson, type Json, type JsonObject } from '../util/json.ts'
import type { TrainParams } from './train.ts'

/**
 * Trainings that differ in nothing but the number of epochs are one series: a longer one goes on from where a shorter one
 * ended. The end of the longest lies in the state folder of the kind, under the digest of everything else.
 */
interface Series {
  /** Everything but the number of epochs. */
  readonly document: JsonObject
  readonly folder: string
}

/** In a series' folder: what it is the series of, and for how many epochs that was trained. */
const SERIES_FILE = 'series.json'

function seriesOf({ stage, params, inputs, state }: StageContext, version: number): Series {
  const document: JsonObject = {
    version,
    params: { ...params, epochs: null },
    inputs: Object.fromEntries(Object.entries(inputs).map(([name, { digest }]) => [name, digest])),
    seed: stage.seed ?? 0,
    numerics: stage.numerics ?? {},
  }
  const digest = digestOf(canonicalJson(document as Json)).replace(/^sha256:/, '')
  return { document, folder: join(state, digest) }
}

/** What the folder of a series has been kept for; undefined where there is none that can be read. */
async function kept(folder: string): Promise<{ document: JsonObject; epochs: number } | undefined> {
  try {
    const text = await readFile(join(folder, SERIES_FILE), 'utf8')
    return JSON.parse(text) as { document: JsonObject; epochs: number }
  } catch {
    return undefined
  }
}

/**
 * The end of a shorter training, put into the work folder, where this one will save its own. It is a cache only: one that cannot be
 * read is as good as none. Where others were trained and none will do, a note says why.
 */
export async function fromShorter(
  context: StageContext,
  checkpoints: Checkpoints,
  { version, misfit }: { version: number; misfit: (found: Checkpoint) => string | undefined },
): Promise<KeptCheckpoint | undefined> {
  if (context.fresh) return undefined
  const { epochs } = context.params as unknown as TrainParams
  const series = seriesOf(context, version)
  const end = await readEnd(series.folder, misfit)
  if (!end || end.epochs > epochs) {
    const why = end
      ? `its kept end is that of ${end.epochs} epochs`
      : await otherSchedule(context, series)
    if (why !== undefined) note(context, `trains from the beginning: ${why}`)
    return undefined
  }
  for (const [epoch, weights] of end.bests) await checkpoints.saveBest(epoch, weights)
  await checkpoints.save(placeOf(end.checkpoint), end.checkpoint)
  return end.checkpoint
}

interface End {
  readonly checkpoint: KeptCheckpoint
  /** That were trained. */
  readonly epochs: number
  readonly bests: ReadonlyMap<number, Map<string, Float32Array>>
}

async function readEnd(
  folder: string,
  misfit: (found: Checkpoint) => string | undefined,
): Promise<End | undefined> {
  const series = openCheckpoints(folder, () => undefined)
  try {
    const checkpoint = await series.load(misfit)
    if (!checkpoint) return undefined
    const bests = new Map<number, Map<string, Float32Array>>()
    for (const epoch of checkpoint.bests) bests.set(epoch, await series.loadBest(epoch))
    // A collection drops what was used least recently.
    await utimes(folder, new Date(), new Date())
    return { checkpoint, epochs: placeOf(checkpoint).epoch - 1, bests }
  } catch {
    return undefined
  }
}

/** Of a shorter training that differs in its schedule only: what differs. */
async function otherSchedule(
  { params, state }: StageContext,
  { document }: Series,
): Promise<string | undefined> {
  const { epochs, optimizer } = params as unknown as TrainParams
  if (typeof optimizer.learningRate !== 'object') return undefined
  for (const name of await readdir(state).catch(() => [])) {
    const other = await kept(join(state, name))
    if (!other || other.epochs >= epochs) continue
    const changes = changesBetween(asDocument(other.document), asDocument(document))
    const prefix = 'params.optimizer.learningRate'
    if (!changes.every(({ path }) => path.startsWith(prefix))) continue
    const texts = changes.map(
      ({ path, old, now }) => `${path.slice('params.'.length)} ${text(old)} -> ${text(now)}`,
    )
    return `the schedule of the ${other.epochs} epochs trained before was another one from the first step on (${texts.join(', ')})`
  }
  return undefined
}

/** Puts the end of this training in the place of a shorter one's. That it cannot be kept fails nothing. */
export async function keepSeries(
  context: StageContext,
  checkpoints: Checkpoints,
  { version, end }: { readonly version: number; readonly end: KeptCheckpoint },
): Promise<void> {
  const { document, folder } = seriesOf(context, version)
  const place = placeOf(end)
  const epochs = place.epoch - 1
  const before = await kept(folder)
  if (before && before.epochs > epochs && !context.fresh) return
  // On the same disk, and swept with the rest of the work.
  const made = join(context.work, 'series')
  try {
    await rm(made, { recursive: true, force: true })
    await mkdir(made)
    const series = openCheckpoints(made, () => undefined)
    for (const epoch of end.bests) await series.saveBest(epoch, await checkpoints.loadBest(epoch))
    await series.save(place, end)
    await writeFile(join(made, SERIES_FILE), stableJson({ document, epochs }))
    await rm(folder, { recursive: true, force: true })
    await rename(made, folder)
  } catch (error) {
    // Another process may have put its own there meanwhile, which is as good.
    await rm(made, { recursive: true, force: true })
    const there = await kept(folder)
    if (there) return
    note(context, `more epochs could not go on from here: ${(error as Error).message}`)
  }
}

function placeOf({ state }: Checkpoint): LoopPlace {
  return state as unknown as LoopState
}

function asDocument(document: JsonObject) {
  return document as unknown as Parameters<typeof changesBetween>[0]
}

function text(value: Json | undefined): string {
  return value === undefined ? '(none)' : canonicalJson(value)
}

function note({ stage, emit }: StageContext, message: string): void {
  emit({ type: 'note', stage: stage.id, message })
}
