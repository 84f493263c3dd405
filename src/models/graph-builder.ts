import type { Shape } from '../program/program.ts'
import type { Layer, LayerConfigs, LayerGraph, LayerKind } from './layer-graph.ts'
import { definitionOf, type LayerSettings } from './layers/table.ts'

/**
 * Builds a LayerGraph as Keras' functional API does: `layer(kind, inputs, settings, name)` is one call of one layer.
 * A layer without a name gets Keras' automatic one: the class name in snake case, the second `conv2d_1`; a given
 * name is not counted (keras/src/utils/naming.py).
 */
export class GraphBuilder {
  readonly #counts = new Map<string, number>()
  readonly #names = new Set<string>()
  #nested: string | undefined

  /** Goes on naming where Keras would after having built `graph`. */
  static after(graph: LayerGraph): GraphBuilder {
    const builder = new GraphBuilder()
    for (const { kind, name } of graph.layers) {
      builder.#names.add(name)
      const prefix = snakeCase(kind)
      if (!name.startsWith(prefix)) continue
      const number = /^(?:|_(\d+))$/.exec(name.slice(prefix.length))
      if (!number) continue
      const count = Number(number[1] ?? 0) + 1
      builder.#counts.set(prefix, Math.max(count, builder.#counts.get(prefix) ?? 0))
    }
    return builder
  }

  input(shape: Shape): Layer {
    return this.layer('InputLayer', [], { shape })
  }

  /** The layers built inside are those of a nested model of that name. */
  within<T>(nested: string, build: () => T): T {
    this.#nested = nested
    try {
      return build()
    } finally {
      this.#nested = undefined
    }
  }

  /** A layer that stands for an operation on tensors, `x + 3` or `x + y`, of which Keras makes no layer. */
  operation<Kind extends LayerKind>(
    kind: Kind,
    inputs: Layer | readonly Layer[],
    settings: LayerSettings<Kind>,
    name: string,
  ): Layer {
    return { ...this.layer(kind, inputs, settings, name), listed: 'nowhere' }
  }

  layer<Kind extends LayerKind>(
    kind: Kind,
    inputs: Layer | readonly Layer[],
    settings: LayerSettings<Kind>,
    name?: string,
  ): Layer {
    const definition = definitionOf(kind)
    const config = { ...definition.defaults, ...settings } as LayerConfigs[Kind]
    const sources: readonly Layer[] = 'kind' in inputs ? [inputs] : inputs
    const shapes = sources.map((source) => source.outputShape)
    const own = this.#unique(name ?? this.#automatic(kind))
    const weights = definition.weights?.(config, shapes) ?? []
    return {
      name: own,
      kind,
      config,
      inputs: sources,
      outputShape: definition.outputShape(config, shapes),
      weights: weights.map((weight) => ({ ...weight, name: `${own}/${weight.name}` })),
      ...(this.#nested === undefined ? {} : { listed: { within: this.#nested } }),
    }
  }

  #automatic(kind: LayerKind): string {
    const prefix = snakeCase(kind)
    const count = this.#counts.get(prefix) ?? 0
    this.#counts.set(prefix, count + 1)
    return count === 0 ? prefix : `${prefix}_${count}`
  }

  #unique(name: string): string {
    if (this.#names.has(name)) throw new TypeError(`two layers named ${name}`)
    this.#names.add(name)
    return name
  }
}

/** The graph between two layers, its layers in Keras' order. */
export function layerGraph(name: string, input: Layer, output: Layer): LayerGraph {
  return { name, layers: inKerasOrder(output), input, output }
}

/**
 * The order of a Functional model's `layers` (keras/src/ops/function.py): by decreasing depth, which is the longest way
 * to the output; within one depth in the order in which a walk from the output backwards first meets them, inputs
 * in their order, a layer before its inputs.
 */
function inKerasOrder(output: Layer): Layer[] {
  const met = new Map<Layer, number>()
  const finished: Layer[] = []
  const visit = (layer: Layer): void => {
    if (met.has(layer)) return
    met.set(layer, met.size)
    layer.inputs.forEach(visit)
    finished.push(layer)
  }
  visit(output)
  const depths = new Map<Layer, number>()
  for (const layer of finished.toReversed()) {
    const depth = depths.get(layer) ?? 0
    depths.set(layer, depth)
    for (const input of layer.inputs) {
      depths.set(input, Math.max(depth + 1, depths.get(input) ?? 0))
    }
  }
  return finished.toSorted((a, b) => depths.get(b)! - depths.get(a)! || met.get(a)! - met.get(b)!)
}

/** Keras' `to_snake_case`: GlobalAveragePooling2D -> global_average_pooling2d, ReLU -> re_lu. */
export function snakeCase(name: string): string {
  return name
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
}

/** The name, with a number behind it where it is taken; it is taken from now on. */
export function free(name: string, taken: Set<string>): string {
  let own = name
  for (let n = 1; taken.has(own); n += 1) own = `${name}_${n}`
  taken.add(own)
  return own
}
