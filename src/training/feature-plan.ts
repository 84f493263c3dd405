import { multiplyAdds } from '../models/cost.ts'
import { cheapestCut } from '../models/frontier.ts'
import type { HeadLayer } from '../models/head.ts'
import type { Layer } from '../models/layer-graph.ts'
import { sizeOf } from '../program/program.ts'
import { wholeModel, type ModelOptions } from './model.ts'
import { tailOf, type TailLayer } from './tail.ts'

/** What of a partly frozen model can be computed once and kept for every picture. */
export interface FeaturePlan {
  /** The layers whose outputs are kept, in the graph's order. */
  readonly ends: readonly string[]
  /** As much of the head as belongs to the frozen pass. */
  readonly tail: readonly TailLayer[]
  /** Numbers kept of a picture. */
  readonly numbers: number
  /** Multiply-adds of a picture's frozen pass. */
  readonly once: number
  /** Multiply-adds of a picture's frozen layers that each step runs again all the same. */
  readonly again: number
  /** Whether the whole trunk is frozen. */
  readonly wholeTrunk: boolean
}

/** Undefined where nothing is frozen that would be worth keeping. */
export function featurePlan(options: Omit<ModelOptions, 'classes'>): FeaturePlan | undefined {
  // The number of classes has no say in what stands before the head's first weights.
  const { graph, trunk, frozen } = wholeModel({ ...options, classes: 2 })
  if (frozen.size === 0) return undefined
  const wholeTrunk = frozen.size === trunk.layers.length
  const cut = cheapestCut(graph, frozen, { recompute: !wholeTrunk })
  if (cut.length === 0 || cut.includes(graph.input)) return undefined
  const before = layersUpTo(cut)
  const passed = trunk.layers.filter((layer) => frozen.has(layer.name))
  return {
    ends: cut.map((layer) => layer.name),
    tail: tailWithin(options.head, graph.layers.slice(trunk.layers.length), cut),
    numbers: cut.reduce((sum, layer) => sum + sizeOf(layer.outputShape), 0),
    once: multiplyAdds({ layers: [...before] }),
    again: multiplyAdds({ layers: passed.filter((layer) => !before.has(layer)) }),
    wholeTrunk,
  }
}

/** What an engine does in a second, roughly: multiply-adds of one core. */
export type Rate = number

/** Bytes a second: of a disk that is written to, and of what is read back and fed. */
const WRITTEN = 0.5e9
const READ = 1.5e9

/**
 * Seconds a picture of frozen layers over so many epochs: kept once and read at each, or run at each. The trained
 * layers' share is the same in both.
 */
export function frozenSeconds(
  { numbers, once, again }: FeaturePlan,
  epochs: number,
  { rate, bytes }: { readonly rate: Rate; readonly bytes: number },
): { readonly kept: number; readonly run: number } {
  const stored = numbers * bytes
  return {
    kept: once / rate + stored / WRITTEN + epochs * (again / rate + stored / READ),
    run: (epochs * (once + again)) / rate,
  }
}

/** These and all that stands before them. */
export function layersUpTo(layers: readonly Layer[]): Set<Layer> {
  const seen = new Set<Layer>()
  const stack = [...layers]
  for (let layer = stack.pop(); layer; layer = stack.pop()) {
    if (seen.has(layer)) continue
    seen.add(layer)
    stack.push(...layer.inputs)
  }
  return seen
}

function tailWithin(
  head: readonly HeadLayer[],
  layers: readonly Layer[],
  cut: readonly Layer[],
): TailLayer[] {
  const last = layers.findLastIndex((layer) => cut.includes(layer))
  return tailOf(head).slice(0, last + 1)
}
