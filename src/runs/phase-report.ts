import { countLayers, freezeReport } from '../models/freeze-report.ts'
import { describeFreeze } from '../models/freeze.ts'
import type { HeadLayer } from '../models/head.ts'
import { namedModel } from '../pipeline/base-model.ts'
import { bytesOfNumber, keepable, type Kept } from '../pipeline/keep.ts'
import type { Phase } from '../pipeline/phases.ts'
import type { SplitName } from '../pipeline/pipeline.ts'
import { splitsOf } from '../pipeline/stages.ts'
import { sizeOf } from '../program/program.ts'
import type { FrozenRecord } from '../stages/frozen-check.ts'
import { wholeModel } from '../training/model.ts'
import type { Prepared } from './prepare.ts'

type Resolved = Pick<Prepared, 'pipeline' | 'phases'> & Partial<Pick<Prepared, 'model'>>

/** What a phase freezes and what is kept of it: part of run.json, and what `plan` tells in words. */
export interface PhaseReport {
  readonly phase: number
  readonly stage: string
  /** First and last, counted over all phases. */
  readonly epochs: readonly [number, number]
  /** As a person writes it: `{first: 100}`. */
  readonly freeze: string
  /** Of the trunk. */
  readonly layers: { readonly total: number; readonly frozen: number }
  /** Weight values of the trunk, moving averages included, and those that gradients change. */
  readonly parameters: { readonly total: number; readonly trained: number }
  /** The same as tensors. */
  readonly tensors: { readonly total: number; readonly trained: number }
  /** Batch normalizations that use their averages and keep them, and those that use the batch's statistics and move them. */
  readonly batchNorm: { readonly inference: number; readonly training: number }
  /** What crosses from frozen to trained layers; bytes of a picture, float32. */
  readonly frontier: readonly KeptTensor[]
  readonly features: {
    readonly kept: Kept
    /** What is kept, or would be; bytes of a picture, as stored. */
    readonly tensors: readonly KeptTensor[]
    /** The splits of which it is. */
    readonly splits: readonly SplitName[]
    /** Of all their pictures; undefined where their number is not known. */
    readonly bytes?: number | undefined
  }
  /** After training: the frozen weights that it ran, which are bit for bit what they were. */
  readonly unchanged?: FrozenRecord | undefined
}

export interface KeptTensor {
  readonly layer: string
  readonly shape: readonly number[]
  readonly bytes: number
}

/** One for each phase of a pipeline. */
export function phaseReports(resolved: Resolved): PhaseReport[] {
  return resolved.phases.map((phase) => phaseReport(resolved, phase))
}

function phaseReport(resolved: Resolved, phase: Phase): PhaseReport {
  const { pipeline } = resolved
  const { whole: report, trunk } = freezeReports(resolved, phase)
  const { kept, plan, bytes } = phase.keeping
  const shapes = new Map(report.layers.map(({ name, shape }) => [name, shape]))
  const tensors = (plan?.ends ?? []).map((layer) => {
    const shape = shapes.get(layer)!
    return { layer, shape, bytes: sizeOf(shape) * bytesOfNumber(pipeline) }
  })
  const splits =
    phase.features.size > 0 ? [...phase.features.keys()] : keepable(pipeline, splitsOf(pipeline))
  const modes = report.layers.flatMap(({ batchNorm }) => batchNorm ?? [])
  const inference = modes.filter((mode) => mode === 'inference').length
  return {
    phase: phase.number,
    stage: phase.id,
    epochs: [phase.firstEpoch, phase.lastEpoch],
    freeze: describeFreeze(phase.freeze),
    layers: {
      total: countLayers(trunk.layers),
      frozen: countLayers(trunk.layers.filter((layer) => layer.frozen)),
    },
    parameters: { total: trunk.parameters.total, trained: trunk.parameters.trainable },
    tensors: { total: trunk.tensors.total, trained: trunk.tensors.trainable },
    batchNorm: { inference, training: modes.length - inference },
    frontier: report.frontier,
    features: { kept, tensors, splits, ...(bytes === undefined ? {} : { bytes }) },
  }
}

/** freeze.json of a run: every layer of each phase, a line each. */
export function freezeJson(resolved: Resolved, classes: number): string {
  const parts = resolved.phases.map((phase) => {
    const { layers } = freezeReports(resolved, phase, classes).whole
    const lines = layers.map(({ name, part, parameters, frozen, batchNorm }) =>
      JSON.stringify({
        name,
        ...(part === 'head' ? { part } : {}),
        parameters,
        frozen,
        ...(batchNorm ? { batchNorm } : {}),
      }),
    )
    const head = `"phase": ${phase.number},\n"freeze": ${JSON.stringify(phase.freeze)},\n`
    return `{${head}"layers": [\n${lines.join(',\n')}\n]}`
  })
  return `[${parts.join(',\n')}]\n`
}

/** Of the trunk with its head, and of the trunk alone. The number of classes has a say in the head only. */
function freezeReports(
  { pipeline, model = namedModel(pipeline) }: Resolved,
  { freeze }: Phase,
  classes = 2,
) {
  const head = pipeline.head as readonly HeadLayer[]
  const { graph, trunk } = wholeModel({ model, head, freeze, classes })
  return { whole: freezeReport(graph, freeze, trunk), trunk: freezeReport(trunk, freeze) }
}
