import type { Builder } from '../program/builder.ts'
import type { Shape, Tensor, Update } from '../program/program.ts'
import { affineOf, foldable, scaledKernel, shiftedBias, valueOf, type Folding } from './fold.ts'
import type { Layer, LayerGraph, WeightMap, WeightSpec } from './layer-graph.ts'
import { ACTIVATIONS } from './layers/activations.ts'
import type { LayerDefinition, Lowering } from './layers/definition.ts'
import { definitionOf } from './layers/table.ts'

export interface LowerOptions {
  /** The values of every weight met, by name: of constants, and the initial ones of variables. */
  readonly weights: WeightMap
  /**
   * Tensors [batch, ...outputShape], float32, that stand for layers' outputs, by layer name: the input layer's, or
   * those of a frontier. Nothing before them is built.
   */
  readonly start: Readonly<Record<string, Tensor>>
  /** The layers whose outputs are wanted, by name; default the graph's output. */
  readonly ends?: readonly string[] | undefined
  /** Layers whose weights become variables; all others are frozen: constants, in inference mode. Default none. */
  readonly trainable?: ((layer: Layer) => boolean) | undefined
  /** Trainable layers run in training mode: batch statistics, dropout. Default false. */
  readonly training?: boolean | undefined
  /** The mask of a trainable layer's dropout, 0 or 1 / (1 - rate), of the shape given [batch, ...]; needed in training. */
  readonly mask?: ((layer: Layer, shape: Shape, rate: number) => Tensor) | undefined
  /** Draws on [0, 1) that a trainable layer asks for by `key`, of the shape given [batch, ...]; needed in training. */
  readonly uniform?: ((layer: Layer, key: string, shape: Shape) => Tensor) | undefined
}

export interface Lowered {
  /** Of the last of `ends`. */
  readonly output: Tensor
  /** What the output layer's softmax or sigmoid was applied to; undefined where it ends in neither. */
  readonly logits:
    { readonly activation: 'softmax' | 'sigmoid'; readonly tensor: Tensor } | undefined
  /** The outputs of `ends`, by layer name. */
  readonly outputs: Readonly<Record<string, Tensor>>
  /** Moving averages, in training. */
  readonly updates: readonly Update[]
  /** The weights that gradients may change, in the graph's order, with the variables read. */
  readonly trainable: readonly { readonly spec: WeightSpec; readonly variable: Tensor }[]
}

/**
 * A graph, or the part of it between `start` and `ends`, as ops. Frozen batch normalizations are folded into the
 * frozen convolution before them. Entries of one Builder that are lowered from the same WeightMap share constants and
 * variables, whatever their batch size.
 */
export function lower(b: Builder, graph: LayerGraph, options: LowerOptions): Lowered {
  const ends = options.ends ?? [graph.output.name]
  const pass = new Pass(b, graph, options, ends)
  const layers = new Map(graph.layers.map((layer) => [layer.name, layer]))
  const wanted = neededFor(
    ends.map((name) => known(layers, name)),
    options.start,
  )
  const tensors = new Map(Object.entries(options.start))
  for (const layer of graph.layers) {
    if (!wanted.has(layer) || tensors.has(layer.name)) continue
    tensors.set(layer.name, pass.layer(layer, tensors))
  }
  const last = ends.at(-1)!
  return {
    output: tensors.get(last)!,
    logits: pass.logits.get(last),
    outputs: Object.fromEntries(ends.map((name) => [name, tensors.get(name)!])),
    updates: pass.updates,
    trainable: pass.trainable,
  }
}

/** The layers that must be computed for `ends`, given `start`. */
function neededFor(ends: readonly Layer[], start: Readonly<Record<string, Tensor>>): Set<Layer> {
  const needed = new Set<Layer>()
  const stack = [...ends]
  for (let layer = stack.pop(); layer; layer = stack.pop()) {
    if (needed.has(layer) || layer.name in start) continue
    needed.add(layer)
    stack.push(...layer.inputs)
  }
  return needed
}

function known(layers: ReadonlyMap<string, Layer>, name: string): Layer {
  const layer = layers.get(name)
  if (!layer) throw new TypeError(`no layer ${name}`)
  return layer
}

/** Constants of a Builder by the values they stem from, so that entries share them. */
const constants = new WeakMap<Builder, WeakMap<WeightMap, Map<string, Tensor>>>()

class Pass {
  readonly logits = new Map<string, NonNullable<Lowered['logits']>>()
  readonly updates: Update[] = []
  readonly trainable: { spec: WeightSpec; variable: Tensor }[] = []
  readonly #b: Builder
  readonly #options: LowerOptions
  /** Batch normalizations that live on in the layers before them, by those layers' names. */
  readonly #folded: Map<string, Folding>
  readonly #gone: Set<string>
  readonly #constants: Map<string, Tensor>
  /** Layers without weights, by what they do to what: NASNet applies the same relu up to five times. */
  readonly #shared = new Map<string, Tensor>()

  constructor(b: Builder, graph: LayerGraph, options: LowerOptions, ends: readonly string[]) {
    this.#b = b
    this.#options = options
    const seen = new Set([...ends, ...Object.keys(options.start)])
    this.#folded = foldable(graph, (layer) => !this.#trains(layer), seen)
    this.#gone = new Set([...this.#folded.values()].map(({ normalization: { name } }) => name))
    const ofBuilder = constants.get(b) ?? new WeakMap<WeightMap, Map<string, Tensor>>()
    constants.set(b, ofBuilder)
    this.#constants = ofBuilder.get(options.weights) ?? new Map<string, Tensor>()
    ofBuilder.set(options.weights, this.#constants)
  }

  layer(layer: Layer, tensors: ReadonlyMap<string, Tensor>): Tensor {
    const inputs = layer.inputs.map((input) => tensors.get(input.name)!)
    if (this.#gone.has(layer.name)) return inputs[0]!
    const definition = definitionOf(layer.kind)
    const build = () => this.#b.inLayer(layer.name, () => this.#build(layer, definition, inputs))
    if (layer.weights.length > 0 || definition.random) return build()
    const from = inputs.map((x) => `${x.node.id}:${x.index}`).join()
    const key = `${layer.kind} ${JSON.stringify(layer.config)} ${from}`
    const same = this.#shared.get(key)
    const output = same ?? build()
    this.#shared.set(key, output)
    return output
  }

  #trains(layer: Layer): boolean {
    if (definitionOf(layer.kind).fixed) return false
    return this.#options.trainable?.(layer) ?? false
  }

  #build(layer: Layer, definition: LayerDefinition<Layer['kind']>, inputs: readonly Tensor[]) {
    const b = this.#b
    const trains = this.#trains(layer)
    if (layer.kind === 'BatchNormalization' && !trains) return this.#affine(layer, inputs[0]!)
    const weights = trains ? this.#variables(layer) : this.#frozen(layer, definition.foldsInto)
    const weight = (name: string): Tensor => {
      const tensor = weights.get(name)
      if (!tensor) throw new TypeError(`${layer.name} has no weight ${name}`)
      return tensor
    }
    const lowering: Lowering<Layer['kind']> = {
      b,
      config: layer.config,
      inputs,
      training: trains && (this.#options.training ?? false),
      weight,
      bias: () => weights.get('bias'),
      activate: (activation, x) => {
        if (activation === 'softmax' || activation === 'sigmoid') {
          this.logits.set(layer.name, { activation, tensor: x })
        }
        return ACTIVATIONS[activation](b, x)
      },
      value: (name) => this.#value(`${layer.name}/${name}`),
      mask: (shape, rate) => {
        if (!this.#options.mask) throw new TypeError(`no mask for ${layer.name} in training`)
        return this.#options.mask(layer, shape, rate)
      },
      uniform: (key, shape) => {
        if (!this.#options.uniform) throw new TypeError(`no draws for ${layer.name} in training`)
        return this.#options.uniform(layer, key, shape)
      },
      assign: (name, value) =>
        this.updates.push({ kind: 'assign', variable: `${layer.name}/${name}`, value }),
    }
    return definition.lower(lowering)
  }

  #variables(layer: Layer): Map<string, Tensor> {
    return new Map(
      layer.weights.map((spec) => {
        const variable = this.#b.variable(spec.name, spec.shape, this.#value(spec.name))
        if (spec.trainable) this.trainable.push({ spec, variable })
        return [shortName(layer, spec), variable]
      }),
    )
  }

  #frozen(layer: Layer, foldsInto: string | undefined): Map<string, Tensor> {
    const weights = new Map<string, Tensor>()
    const folding = this.#folded.get(layer.name)
    const affine =
      folding && affineOf(folding.normalization, this.#options.weights, folding.from, folding.to)
    for (const spec of layer.weights) {
      const short = shortName(layer, spec)
      if (short === 'bias' && affine) continue
      const data = () => this.#value(spec.name)
      const tensor =
        affine && short === foldsInto
          ? this.#constant(`${spec.name} folded`, spec.shape, () => scaledKernel(data(), affine))
          : this.#constant(spec.name, spec.shape, data)
      weights.set(short, tensor)
    }
    if (affine) {
      const own = this.#options.weights.get(`${layer.name}/bias`)
      const shape = [affine.shift.length]
      const bias = this.#constant(`${layer.name}/bias folded`, shape, () =>
        shiftedBias(own, affine),
      )
      weights.set('bias', bias)
    }
    return weights
  }

  /** A frozen batch normalization that could not be folded. */
  #affine(layer: Layer, x: Tensor): Tensor {
    const normalization = layer as Layer<'BatchNormalization'>
    const { scale, shift } = affineOf(normalization, this.#options.weights)
    const constant = (part: string, data: Float32Array) =>
      this.#constant(`${layer.name}/${part}`, [data.length], () => data)
    const scaled = this.#b.multiply(x, constant('scale', scale))
    return this.#b.biasAdd(scaled, constant('shift', shift))
  }

  #constant(key: string, shape: Shape, data: () => Float32Array): Tensor {
    const found = this.#constants.get(key)
    if (found) return found
    const tensor = this.#b.constant(data(), shape)
    this.#constants.set(key, tensor)
    return tensor
  }

  #value(name: string): Float32Array {
    return valueOf(this.#options.weights, name)
  }
}

function shortName(layer: Layer, spec: WeightSpec): string {
  return spec.name.slice(layer.name.length + 1)
}
