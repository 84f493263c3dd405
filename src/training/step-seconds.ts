import type { EngineInfo } from '../engines/engine.ts'
import { multiplyAdds } from '../models/cost.ts'
import { stillLayers } from '../models/frontier.ts'
import type { Layer } from '../models/layer-graph.ts'
import { sizeOf } from '../program/program.ts'
import { layersUpTo, type FeaturePlan } from './feature-plan.ts'
import type { WholeModel } from './model.ts'

/**
 * Nanoseconds of one core for a multiply-add, and for a number of a layer's output: in frozen layers, in layers that are
 * trained (forward and back), and in those when they only score.
 */
interface Pace {
  readonly frozen: readonly [number, number]
  readonly trained: readonly [number, number]
  readonly scored: readonly [number, number]
  /** Whether a step uses one core only; frozen passes use all on every engine. */
  readonly isSingle: boolean
}

/**
 * Fitted to processor times of MobileNetV2 (alpha 1 and 0.35) at four freeze policies, 224 x 224: within 15 per cent of
 * those and of EfficientNetLite0's, 30 per cent below NASNetMobile's, which has many small layers.
 */
const PACES: Partial<Record<EngineInfo['name'], Pace>> = {
  tensorflow: {
    frozen: [0.0123, 0.139],
    trained: [0.0403, 1.78],
    scored: [0.0123, 0.41],
    isSingle: false,
  },
  wasm: { frozen: [0.0616, 0.156], trained: [0.256, 6.9], scored: [0.0616, 1.1], isSingle: true },
}

/** About how many seconds a picture takes. */
export interface PictureSeconds {
  /** Of the frozen pass, where what comes out is kept. */
  readonly once: number
  /** A training step's share, with kept features and without. */
  readonly step: { readonly kept: number; readonly run: number }
  /** The same for scoring. */
  readonly score: { readonly kept: number; readonly run: number }
}

/** Undefined for devices that nobody has measured yet. */
export function pictureSeconds(
  { graph, frozen }: WholeModel,
  plan: FeaturePlan | undefined,
  engine: EngineInfo,
  cores: number,
): PictureSeconds | undefined {
  const pace = engine.device === 'cpu' ? PACES[engine.name] : undefined
  if (!pace) return undefined
  const still = stillLayers(graph, frozen)
  const ends = graph.layers.filter(({ name }) => plan?.ends.includes(name))
  const before = layersUpTo(ends)
  const passed = graph.layers.filter((layer) => before.has(layer))
  const again = graph.layers.filter((layer) => still.has(layer) && !before.has(layer))
  const moving = graph.layers.filter((layer) => !still.has(layer))
  const seconds = (
    layers: readonly Layer[],
    [ofMultiplyAdd, ofNumber]: readonly [number, number],
  ) => {
    const numbers = layers.reduce((sum, { outputShape }) => sum + sizeOf(outputShape), 0)
    return 1e-9 * (ofMultiplyAdd * multiplyAdds({ layers }) + ofNumber * numbers)
  }
  const once = seconds(passed, pace.frozen)
  const rest = seconds(again, pace.frozen)
  const both = (own: number, used: number) => ({
    kept: (rest + own) / used,
    run: (once + rest + own) / used,
  })
  return {
    once: once / cores,
    step: both(seconds(moving, pace.trained), pace.isSingle ? 1 : cores),
    score: both(seconds(moving, pace.scored), pace.isSingle ? 1 : cores),
  }
}
