import { Misfit } from '../../program/shapes.ts'
import { failure, PipelineError, type Diagnostic } from '../../util/diagnostic.ts'
import type { Json } from '../../util/json.ts'
import { GraphBuilder } from '../graph-builder.ts'
import { fromKeras, type KindConfig } from '../keras-config/keras-config.ts'
import type { Layer } from '../layer-graph.ts'
import type { StoredGraph, StoredLayer } from '../stored-graph.ts'
import { LayerNames, type Path } from './layer-names.ts'
import { isOperation, operationFrom, operationName } from './operations.ts'
import { refused, refuseUnknown, settingProblem, some } from './refuse.ts'
import { readTopology, type Topology, type TopologyLayer } from './topology.ts'

/** A whole model's architecture, as read from its JSON. */
export interface FileModel {
  readonly graph: StoredGraph
  readonly topology: Topology
  /** What the file's layers are called in the graph; those that it has no use for (a nested model's input) are not in it. */
  readonly names: ReadonlyMap<TopologyLayer, string>
  /** What the file says of training that is left out here. */
  readonly notes: readonly Diagnostic[]
}

/** A size that the file leaves open, for working out the others: every network of keras.applications takes it. */
const OPEN_SIZE = 299
/** The kinds that take several tensors. */
const MERGES: ReadonlySet<string> = new Set([
  ...['Add', 'Subtract', 'Multiply', 'Average', 'Maximum', 'Minimum', 'Concatenate'],
  'CustomScaleLayer',
])

/**
 * The layers of a model file from its JSON (Keras 3, Keras 2, tfjs). Nested models are laid out flat: their layers stand
 * where the model stood, with their own names, or `model/layer` where that name is taken; for counting they are one, as in
 * Keras' `model.layers`. Sizes that the file leaves open are -1 in the InputLayer's shape. `version`: Keras', where the JSON
 * does not tell it. Throws BAD_WEIGHTS, with all that is not known or not done here at once.
 */
export function readConfig(json: Json, source: string, version?: string): FileModel {
  const topology = readTopology(json, source, version)
  refuseUnknown(topology, source)
  const flat = new Flattening(topology, source)
  const output = flat.model(topology, undefined, [])
  flat.throwProblems()
  if (output === undefined || flat.input === undefined) throw nothing(source)
  const { layers, names, input } = flat
  const graph = { name: topology.name, layers, input, output }
  return { graph, topology, names, notes: flat.notes() }
}

class Flattening {
  readonly layers: StoredLayer[] = []
  readonly names = new Map<TopologyLayer, string>()
  input: string | undefined
  readonly #source: string
  readonly #problems: string[] = []
  /** What is left out, by what it is, with the layers concerned. */
  readonly #untrained = new Map<string, string[]>()
  readonly #names: LayerNames
  readonly #g = new GraphBuilder()
  readonly #built = new Map<string, Layer>()

  constructor(topology: Topology, source: string) {
    this.#source = source
    this.#names = new LayerNames(topology)
  }

  /** Lays out a model behind the layer `input` (undefined: it brings its own) and gives its last layer's name. */
  model(topology: Topology, input: string | undefined, path: Path): string | undefined {
    return topology.sequential
      ? this.#sequence(topology, input, path)
      : this.#network(topology, input, path)
  }

  throwProblems(): void {
    if (this.#problems.length > 0) throw refused(this.#source, this.#problems)
  }

  notes(): Diagnostic[] {
    return [...this.#untrained].map(([what, names]) => {
      const message = `${this.#source}: ${what} of ${some(names)} is left out; only training would feel it`
      return { code: 'NOTE', message, severity: 'warning' }
    })
  }

  #sequence(topology: Topology, input: string | undefined, path: Path): string | undefined {
    let last = input
    for (const layer of topology.layers) {
      if (layer.model) last = this.model(layer.model, last, [...path, layer.name])
      else if (layer.layer.class_name === 'InputLayer') {
        last ??= this.#place(layer, [], path, { listed: 'nowhere' })
      } else {
        last ??= this.#ownInput(topology, layer)
        if (last !== undefined) last = this.#place(layer, [last], path)
      }
      if (last === undefined) return undefined
    }
    return last
  }

  /** The input that a Sequential without InputLayer was built on. */
  #ownInput(topology: Topology, first: TopologyLayer): string | undefined {
    const { config } = first.layer
    const batch_shape = config['batch_shape'] ?? config['batch_input_shape'] ?? topology.builtOn
    if (batch_shape === undefined || batch_shape === null) {
      this.#problems.push(
        `${topology.name} was never built: nothing tells the size of its pictures`,
      )
      return undefined
    }
    const name = topology.format === 'keras2' ? `${first.name}_input` : 'input_layer'
    const layer = { class_name: 'InputLayer', config: { name, batch_shape } }
    const made = { name, layer, model: undefined, format: topology.format, calls: [] }
    return this.#place(made, [], [], { listed: 'nowhere' })
  }

  #network(topology: Topology, input: string | undefined, path: Path): string | undefined {
    const end = this.#end(topology, 'inputs')
    const out = this.#end(topology, 'outputs')
    if (!end || !out) return undefined
    const known = new Map(topology.layers.map((layer) => [layer.name, layer]))
    const tensors = new Map<string, string>()
    const first = known.get(end.layer)
    const start = input ?? (first && !first.model ? this.#place(first, [], path) : undefined)
    if (start === undefined) {
      this.#problems.push(`${topology.name} has no layer "${end.layer}", its input`)
      return undefined
    }
    tensors.set(`${end.layer} 0`, start)
    const keyOf = ({ layer, call }: { layer: string; call: number }) =>
      // Models count their own making as their first call, or not, by the version.
      `${layer} ${(known.get(layer)?.calls.length ?? 0) > 1 ? call : 0}`
    this.#callAll(topology, path, tensors, keyOf)
    return tensors.get(keyOf(out))
  }

  /** Calls whatever has its inputs at hand until nothing is left; layers of odd files may stand before their inputs. */
  #callAll(
    topology: Topology,
    path: Path,
    tensors: Map<string, string>,
    keyOf: (reference: { layer: string; call: number }) => string,
  ): void {
    let waiting = topology.layers.flatMap((layer) =>
      layer.calls.map((call, index) => ({ layer, call, index })),
    )
    for (let before = -1; waiting.length > 0 && waiting.length !== before;) {
      before = waiting.length
      waiting = waiting.filter(({ layer, call, index }) => {
        const references = call.operands.filter((operand) => 'layer' in operand)
        const inputs = references.map((reference) => tensors.get(keyOf(reference)))
        if (!inputs.every((name) => name !== undefined)) return true
        const output = this.#call(layer, index, inputs, path)
        if (output !== undefined) tensors.set(`${layer.name} ${index}`, output)
        return false
      })
    }
    if (waiting.length > 0 && this.#problems.length === 0) {
      const names = waiting.slice(0, 5).map(({ layer }) => `"${layer.name}"`)
      this.#problems.push(`nothing leads to ${names.join(', ')}`)
    }
  }

  #call(
    layer: TopologyLayer,
    index: number,
    inputs: readonly string[],
    path: Path,
  ): string | undefined {
    const { inference } = layer.calls[index]!
    if (inference) this.#leaveOut('the call with training=False', layer.name)
    if (!layer.model) {
      return index === 0
        ? this.#place(layer, inputs, path)
        : this.#place(layer, inputs, path, { listed: 'nowhere' }, index)
    }
    if (index > 0) {
      this.#problems.push(`model "${layer.name}" is called more than once`)
      return undefined
    }
    if (inputs.length !== 1) {
      this.#problems.push(`model "${layer.name}" takes ${inputs.length} tensors, not one`)
      return undefined
    }
    return this.model(layer.model, inputs[0], [...path, layer.name])
  }

  /** The one input or output of a model. */
  #end(topology: Topology, which: 'inputs' | 'outputs') {
    const ends = topology[which]
    if (ends.length === 1) return ends[0]
    const names = ends.map(({ layer }) => layer).join(', ')
    const text = ends.length === 0 ? `no ${which}` : `${ends.length} ${which} (${names})`
    this.#problems.push(`${topology.name} has ${text}; only models with one can be read`)
    return undefined
  }

  /** Adds one layer to the graph; undefined where that cannot be done, which is noted. */
  #place(
    leaf: TopologyLayer,
    inputs: readonly string[],
    path: Path,
    more: Pick<StoredLayer, 'listed'> = {},
    call = 0,
  ): string | undefined {
    const sources = inputs.map((name) => this.#built.get(name)!)
    const read = this.#read(leaf, call, sources[0])
    if (!read) return undefined
    const listed = more.listed ?? listedOf(leaf, path)
    const { kind, config } = read
    const taken = kind === 'InputLayer' ? 0 : MERGES.has(kind) ? Math.max(1, inputs.length) : 1
    if (inputs.length !== taken) {
      this.#problems.push(settingProblem(leaf, `called on ${inputs.length} tensors, not ${taken}`))
      return undefined
    }
    const name = this.#names.take(leaf.name, path, call)
    if (kind === 'InputLayer') this.input ??= name
    const layer = this.#build(leaf, read, sources, name)
    if (!layer) return undefined
    if (call > 0 && layer.weights.length > 0) {
      this.#problems.push(
        `layer "${leaf.name}" is called more than once, and its weights are not shared here`,
      )
    }
    this.#built.set(name, layer)
    this.layers.push({ name, kind, config, inputs, ...(listed ? { listed } : {}) })
    if (call === 0) this.names.set(leaf, name)
    return name
  }

  #read(leaf: TopologyLayer, call: number, input: Layer | undefined): KindConfig | undefined {
    if (isOperation(leaf)) {
      const read = operationFrom(leaf, leaf.calls[call]?.operands ?? [])
      if (!read)
        this.#problems.push(
          `"${leaf.name}" is the function ${operationName(leaf)}, which is not known here as it is called`,
        )
      return read
    }
    const axes = input && input.outputShape.length + 1
    const read = fromKeras(leaf.layer, leaf.format, axes)
    const { problems = [], untrained = [] } = read ?? {}
    for (const problem of problems) this.#problems.push(settingProblem(leaf, problem))
    for (const what of untrained) this.#leaveOut(what, leaf.name)
    return problems.length > 0 ? undefined : read
  }

  #leaveOut(what: string, layer: string): void {
    const layers = this.#untrained.get(what)
    if (!layers) this.#untrained.set(what, [layer])
    else if (!layers.includes(layer)) layers.push(layer)
  }

  #build(
    leaf: TopologyLayer,
    { kind, config }: KindConfig,
    sources: readonly Layer[],
    name: string,
  ): Layer | undefined {
    const settings = kind === 'InputLayer' ? { shape: closedShape(config.shape) } : config
    try {
      return this.#g.layer(kind, sources, settings as never, name)
    } catch (error) {
      if (!(error instanceof Misfit)) throw error
      this.#problems.push(settingProblem(leaf, error.message))
      return undefined
    }
  }
}

/** Where Keras lists it: with the outermost model that it is in, or, a function of Keras 3, nowhere. */
function listedOf(leaf: TopologyLayer, path: Path): StoredLayer['listed'] {
  if (isOperation(leaf) && leaf.layer.class_name !== 'TFOpLambda') return 'nowhere'
  return path[0] === undefined ? undefined : { within: path[0] }
}

/** Some size for each one that is open (-1). */
export function closedShape(shape: readonly number[]): readonly number[] {
  return shape.map((size) => (size < 0 ? OPEN_SIZE : size))
}

function nothing(source: string): PipelineError {
  return failure('BAD_WEIGHTS', `${source} holds a model without layers, or without an input`)
}
