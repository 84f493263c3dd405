import { sizeOf } from '../program/program.ts'
import { resolveFreeze, type FreezePolicy } from './freeze.ts'
import { frontierOf } from './frontier.ts'
import { headLayers } from './head.ts'
import type { Layer, LayerGraph, LayerKind } from './layer-graph.ts'
import { kerasPositions } from './listing.ts'

export interface FreezeReport {
  readonly layers: readonly LayerReport[]
  /** Weight values of the whole graph, moving averages included, and those that gradients change. */
  readonly parameters: { readonly total: number; readonly trainable: number }
  /** The same as tensors. */
  readonly tensors: { readonly total: number; readonly trainable: number }
  readonly frontier: readonly {
    readonly layer: string
    readonly shape: readonly number[]
    readonly bytes: number
  }[]
  /** Of the frontier, float32, for one picture. */
  readonly frontierBytes: number
}

export interface LayerReport {
  /** Position in Keras' `model.layers`, from 0; undefined: Keras makes no layer of it. */
  readonly index: number | undefined
  readonly name: string
  readonly kind: LayerKind
  readonly shape: readonly number[]
  readonly parameters: number
  readonly part: 'trunk' | 'head'
  readonly frozen: boolean
  /** Of a batch normalization: frozen ones keep their averages and use them, others use the batch's and move them. */
  readonly batchNorm?: 'inference' | 'training'
}

/**
 * What a freeze policy means for a trunk, or for a graph that has a head behind `trunk`. Throws what `resolveFreeze`
 * does.
 */
export function freezeReport(
  graph: LayerGraph,
  policy: FreezePolicy,
  trunk: LayerGraph = graph,
): FreezeReport {
  const head = new Set(headLayers(graph, trunk))
  const frozen = resolveFreeze(
    policy,
    trunk,
    [...head].map((layer) => layer.name),
  )
  const trained = graph.layers
    .filter((layer) => !frozen.has(layer.name))
    .flatMap((layer) => layer.weights.filter((weight) => weight.trainable))
  const all = graph.layers.flatMap((layer) => layer.weights)
  const positions = kerasPositions(graph)
  const values = (weights: typeof all) => weights.reduce((sum, w) => sum + sizeOf(w.shape), 0)
  const frontier = frontierOf(graph, frozen).map((layer) => ({
    layer: layer.name,
    shape: layer.outputShape,
    bytes: sizeOf(layer.outputShape) * Float32Array.BYTES_PER_ELEMENT,
  }))
  return {
    layers: graph.layers.map((layer, i) =>
      layerReport(layer, positions[i], head.has(layer) ? 'head' : 'trunk', frozen.has(layer.name)),
    ),
    parameters: { total: values(all), trainable: values(trained) },
    tensors: { total: all.length, trainable: trained.length },
    frontier,
    frontierBytes: frontier.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

/** How many these are in Keras' `model.layers`: a nested model is one. */
export function countLayers(layers: readonly LayerReport[]): number {
  return new Set(layers.flatMap(({ index }) => index ?? [])).size
}

function layerReport(
  { name, kind, outputShape, weights }: Layer,
  index: number | undefined,
  part: 'trunk' | 'head',
  frozen: boolean,
): LayerReport {
  const parameters = weights.reduce((sum, weight) => sum + sizeOf(weight.shape), 0)
  const report = { index, name, kind, shape: outputShape, parameters, part, frozen }
  if (kind !== 'BatchNormalization') return report
  return { ...report, batchNorm: frozen ? 'inference' : 'training' }
}
