import { randomBytes } from 'node:crypto'
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { StageContext } from '../graph/stage.ts'
import { openCheckpoints, type Checkpoint, type Checkpoints } from '../training/checkpoint.ts'
import type { LoopState } from '../training/fit.ts'
import type { Diagnostic } from '../util/diagnostic.ts'
import { digestOf } from '../util/digest.ts'
import { isErrno } from '../util/files.ts'
import { canonicalJson, type Json, type JsonObject } from '../util/json.ts'
import type { TrainParams } from './train.ts'

/**
 * Trainings that differ in nothing but the number of epochs are one series: a longer one goes on from where a shorter one
 * ended. Its last checkpoint lies in the state folder of the kind, under the digest of everything else.
 */
function seriesOf({ stage, params, inputs, state }: StageContext): string {
  const document: JsonObject = {
    params: { ...params, epochs: null },
    inputs: Object.fromEntries(Object.entries(inputs).map(([name, { digest }]) => [name, digest])),
    seed: stage.seed ?? 0,
    numerics: stage.numerics ?? {},
  }
  return join(state, digestOf(canonicalJson(document as Json)).replace(/^sha256:/, ''))
}

/** The checkpoint to go on from: this training's own, or the end of a shorter one. Undefined: from the beginning. */
export async function goOn(
  context: StageContext,
  checkpoints: Checkpoints,
  options: {
    readonly params: TrainParams
    readonly stamp: JsonObject
    readonly warn: (diagnostic: Diagnostic) => void
  },
): Promise<Checkpoint | undefined> {
  const found = (await checkpoints.load()) ?? (await shorter(context, options.params))
  if (!found) return undefined
  const { epoch, batch, stamp } = found.state as unknown as LoopState
  const where = batch > 0 ? `epoch ${epoch}, batch ${batch + 1}` : `epoch ${epoch}`
  context.emit({ type: 'note', stage: context.stage.id, message: `goes on at ${where}` })
  if (stamp['threads'] !== options.stamp['threads']) {
    options.warn({
      code: 'NOTE',
      severity: 'warning',
      message: `the checkpoint was written with ${Number(stamp['threads'])} threads and this is ${Number(options.stamp['threads'])}: the last digits may differ from an undisturbed run's`,
      hint: 'write engine.threads to fix their number, or run with --restart',
    })
  }
  return found
}

/** Copied into the work folder, where this training will save its own. */
async function shorter(
  context: StageContext,
  { epochs }: TrainParams,
): Promise<Checkpoint | undefined> {
  if (context.fresh) return undefined
  const folder = seriesOf(context)
  const files = await readdir(folder).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  })
  if (files.length === 0) return undefined
  // A cache only: one that cannot be read is as good as none.
  const silent = openCheckpoints(folder, () => undefined)
  const found = await silent.load().catch(() => undefined)
  if (!found || (found.state as unknown as LoopState).epoch - 1 > epochs) return undefined
  for (const file of files) await cp(join(folder, file), join(context.work, file))
  return found
}

/** Puts the end of this training in the place of a shorter one's. */
export async function keepSeries(
  context: StageContext,
  end: Checkpoint,
  best: { readonly epoch: number; readonly weights: ReadonlyMap<string, Float32Array> } | undefined,
): Promise<void> {
  const folder = seriesOf(context)
  const made = `${folder}.${randomBytes(4).toString('hex')}.tmp`
  await mkdir(made, { recursive: true })
  const { step } = end.state as unknown as LoopState
  const kept = openCheckpoints(made, () => undefined)
  if (best) await kept.saveBest(best.epoch, best.weights)
  await kept.save(step, { ...end, bests: best ? [best.epoch] : [] })
  await rm(folder, { recursive: true, force: true })
  // Another process may have put its own there meanwhile, which is as good.
  await rename(made, folder).catch(() => rm(made, { recursive: true, force: true }))
}
