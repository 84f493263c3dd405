import { Builder, reach } from '../../../program/builder.ts'
import type { Tensor } from '../../../program/program.ts'
import { Misfit } from '../../../program/shapes.ts'
import { failure } from '../../../util/diagnostic.ts'
import { free, GraphBuilder, snakeCase } from '../../graph-builder.ts'
import { valueOf } from '../../fold.ts'
import type { Layer, LayerGraph, WeightMap } from '../../layer-graph.ts'
import { rebuildGraph, storeGraph, type StoredLayer } from '../../stored-graph.ts'
import { inline } from '../inline.ts'
import { listed, type Problem } from '../problems.ts'
import { Known, sameShape } from './known.ts'
import { BATCH, type Raised, type RaisedLayer } from './raised.ts'
import { raise } from './rules.ts'

export interface Network {
  readonly graph: LayerGraph
  readonly weights: WeightMap
  /** Names of layers that no training changed. */
  readonly frozen: ReadonlySet<string>
}

/**
 * The network with every SavedModel in it as ordinary layers of Keras, which give what its inference function gives and are
 * called as its weights are. Throws WRONG_VALUE that lists every op for which there is no layer, with its nodes.
 */
export function raiseSavedModels({ graph, weights, frozen }: Network): Network {
  const stored = storeGraph(graph)
  const values = new Map(weights)
  const still = new Set(frozen)
  const taken = new Set(graph.layers.map(({ name }) => name))
  /** Which layer gives now what a SavedModel gave. */
  const instead = new Map<string, string>()
  const now = (name: string) => instead.get(name) ?? name
  const layers = stored.layers.flatMap((old, i): readonly StoredLayer[] => {
    const own = graph.layers[i]!
    if (own.kind !== 'SavedModel') return [{ ...old, inputs: old.inputs.map(now) }]
    const inputs = own.inputs.map((input) => ({ ...input, name: now(input.name) }))
    const made = new Making({ ...(own as Layer<'SavedModel'>), inputs }, weights, taken).make()
    for (const { name } of own.weights) values.delete(name)
    for (const [name, data] of made.weights) values.set(name, data)
    for (const { name } of frozen.has(own.name) ? made.layers : made.fixed) still.add(name)
    instead.set(own.name, made.output)
    return made.layers
  })
  const raised = { ...stored, layers, output: now(stored.output) }
  return { graph: rebuildGraph(raised), weights: values, frozen: still }
}

/** One SavedModel as layers. */
class Making {
  readonly #own: Layer<'SavedModel'>
  readonly #weights: Map<string, Float32Array>
  readonly #taken: Set<string>
  readonly #g = new GraphBuilder()
  readonly #problems: Problem[] = []
  readonly #layers: StoredLayer[] = []
  readonly #fixed: StoredLayer[] = []
  readonly #values = new Map<string, Float32Array>()
  /** What gives each tensor that is wanted. */
  readonly #made = new Map<Tensor, Layer>()

  constructor(own: Layer<'SavedModel'>, weights: WeightMap, taken: Set<string>) {
    const { name, weights: specs } = own
    this.#own = own
    this.#taken = taken
    this.#weights = new Map(
      specs.map((spec) => [spec.name.slice(name.length + 1), valueOf(weights, spec.name)]),
    )
  }

  make() {
    const output = this.#trace()
    const plan = this.#plan(output)
    for (const [t, raised] of [...plan].toReversed()) {
      if (this.#problems.length === 0) this.#put(t, raised)
    }
    const { name } = this.#own
    if (this.#problems.length > 0) {
      const list = listed(this.#problems.toReversed())
      throw failure('WRONG_VALUE', `${name}, a SavedModel, does what no layer does: ${list}`, {
        hint: 'nothing was written. All else that it does can be exported as layers of Keras',
      })
    }
    const last = this.#made.get(output)
    if (!last) throw failure('WRONG_VALUE', `${name}, a SavedModel, reads no picture`)
    return { layers: this.#layers, fixed: this.#fixed, weights: this.#values, output: last.name }
  }

  /** The inference function as ops, of two pictures: an axis of length 1 is none of theirs. */
  #trace(): Tensor {
    const { config, inputs } = this.#own
    const shapes = new Map(config.weights.map((weight) => [weight.name, weight.shape]))
    const b = new Builder()
    const given = inputs.map((layer, i) => {
      const t = b.input(`input ${i}`, [BATCH, ...layer.outputShape])
      this.#made.set(t, layer)
      return t
    })
    const weight = (name: string) => b.variable(name, shapes.get(name)!, this.#weights.get(name)!)
    return inline(config.inference, { b, config, inputs: given, weight, labelled: true })
  }

  /** What gives each tensor that is needed for the output, the last first. */
  #plan(output: Tensor): Map<Tensor, Raised> {
    const nodes = [...reach([output])].sort((a, b) => a.id - b.id)
    const known = new Known(nodes, this.#weights)
    const takers = new Map<Tensor, number>()
    for (const t of nodes.flatMap(({ inputs }) => inputs)) takers.set(t, (takers.get(t) ?? 0) + 1)
    const alone = (t: Tensor) => t !== output && takers.get(t) === 1
    const wanted = new Set([output])
    const plan = new Map<Tensor, Raised>()
    for (const node of nodes.toReversed()) {
      for (const t of node.outputs) {
        if (!wanted.has(t) || known.has(t) || this.#made.has(t)) continue
        const raised = t.index === 0 ? raise(t, { known, alone }) : 'by the batch'
        if (typeof raised === 'object') plan.set(t, raised)
        else this.#refuse(t, raised ?? '')
        const sources = typeof raised === 'object' ? raised.sources : known.unknown(node)
        for (const source of sources) wanted.add(source)
      }
    }
    return plan
  }

  #refuse({ node: { op, layer } }: Tensor, why: string): void {
    const [name, ...path] = (layer ?? op).split(' ')
    this.#problems.push({ op: name!, why, node: path.join(' ') })
  }

  #put(t: Tensor, { sources, layers }: Raised): void {
    const inputs = sources.map((source) => this.#made.get(source)!)
    try {
      const last = layers.reduce<readonly Layer[]>(
        (from, layer) => [this.#layer(layer, from)],
        inputs,
      )
      if (!sameShape(last[0]!.outputShape, t.shape.slice(1))) throw new Misfit('another shape')
      this.#made.set(t, last[0]!)
    } catch (error) {
      // what a layer does not take
      if (!(error instanceof Misfit)) throw error
      this.#refuse(t, `that gives [${t.shape.slice(1).join(', ')}]`)
    }
  }

  #layer(raised: RaisedLayer, inputs: readonly Layer[]): Layer {
    const { kind, settings, name: wanted, weights, fixed } = raised
    const name = free(wanted ?? snakeCase(kind), this.#taken)
    const layer = this.#g.layer(kind, inputs, settings as never, name)
    for (const spec of layer.weights) {
      this.#values.set(spec.name, weights[spec.name.slice(name.length + 1)]!)
    }
    const { config } = layer
    const stored = { name, kind, config, inputs: inputs.map((input) => input.name) }
    this.#layers.push(stored)
    if (fixed) this.#fixed.push(stored)
    return layer
  }
}
