import { GraphBuilder, layerGraph } from './graph-builder.ts'
import { failure } from '../util/diagnostic.ts'
import { sizeOf } from '../program/program.ts'
import type {
  Activation,
  InitializerConfig,
  Layer,
  LayerConfigs,
  LayerGraph,
} from './layer-graph.ts'

/** An initializer by name, or with arguments. */
type Initializer = string | InitializerConfig

/** One layer of the head as the pipeline file writes it: a name, or `{Name: settings}`. */
export type HeadLayer =
  | 'Flatten'
  | 'GlobalAveragePooling2D'
  | 'GlobalMaxPooling2D'
  | 'BatchNormalization'
  | { readonly Dense: DenseSettings }
  | { readonly Dropout: { readonly rate: number } }
  | { readonly BatchNormalization: Partial<LayerConfigs['BatchNormalization']> }
  | { readonly Activation: { readonly activation: Activation } }

export interface DenseSettings {
  /** `classes`: as many as there are classes. */
  readonly units: number | 'classes'
  readonly activation?: Activation | undefined
  readonly useBias?: boolean | undefined
  readonly kernelInitializer?: Initializer | undefined
  readonly biasInitializer?: Initializer | undefined
  readonly kernelRegularizer?: { readonly l1?: number; readonly l2?: number } | undefined
}

/**
 * The trunk with the head's layers behind it, named as Keras goes on naming behind a built trunk (`flatten`, `dense`,
 * `dense_1`, and `global_average_pooling2d_1` where the trunk has one). The trunk's layers come first, unchanged.
 * Throws WRONG_VALUE for a pooling layer on what is no image and for sizes out of range.
 */
export function addHead(
  trunk: LayerGraph,
  head: readonly HeadLayer[],
  classes: number,
): LayerGraph {
  const g = GraphBuilder.after(trunk)
  const output = head.reduce((x, layer) => put(g, x, layer, classes), trunk.output)
  return layerGraph(trunk.name, trunk.input, output)
}

/** The layers of a graph that stand behind the trunk's. */
export function headLayers(graph: LayerGraph, trunk: LayerGraph): readonly Layer[] {
  return graph.layers.slice(trunk.layers.length)
}

function put(g: GraphBuilder, x: Layer, layer: HeadLayer, classes: number): Layer {
  if (layer === 'Flatten') return g.layer('Flatten', x, {})
  if (layer === 'BatchNormalization') return g.layer('BatchNormalization', x, {})
  if (typeof layer === 'string') {
    requireImage(layer, x)
    return g.layer(layer, x, {})
  }
  if ('Dense' in layer) return putDense(g, x, layer.Dense, classes)
  if ('Dropout' in layer) {
    const { rate } = layer.Dropout
    if (!(rate >= 0 && rate < 1))
      throw failure('WRONG_VALUE', `Dropout rate ${rate} is not in [0, 1)`)
    return g.layer('Dropout', x, { rate })
  }
  if ('Activation' in layer) return g.layer('Activation', x, layer.Activation)
  return g.layer('BatchNormalization', x, defined(layer.BatchNormalization))
}

function putDense(g: GraphBuilder, x: Layer, dense: DenseSettings, classes: number): Layer {
  const units = dense.units === 'classes' ? classes : dense.units
  if (!(Number.isInteger(units) && units > 0)) {
    throw failure('WRONG_VALUE', `Dense units ${units} is not a positive whole number`)
  }
  const { activation, useBias, kernelRegularizer } = dense
  const kernelInitializer = initializer(dense.kernelInitializer)
  const biasInitializer = initializer(dense.biasInitializer)
  const settings = { activation, useBias, kernelInitializer, biasInitializer, kernelRegularizer }
  return g.layer('Dense', x, { units, ...defined(settings) })
}

function initializer(given: Initializer | undefined): InitializerConfig | undefined {
  return typeof given === 'string' ? { name: given } : given
}

function requireImage(kind: string, x: Layer): void {
  if (x.outputShape.length === 3) return
  throw failure('WRONG_VALUE', `${kind} on ${sizeOf(x.outputShape)} features of ${x.name}`, {
    hint: 'it takes rows, columns and channels: remove it',
  })
}

/** Without the keys that are undefined, so that defaults stand. */
function defined<T extends object>(settings: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> }
}
