import { free } from '../models/graph-builder.ts'
import { toKeras } from '../models/keras-config/keras-config.ts'
import type { Layer, WeightMap } from '../models/layer-graph.ts'
import { PipelineError, type Diagnostic } from '../util/diagnostic.ts'
import type { JsonObject } from '../util/json.ts'
import type { WholeGraph } from './front.ts'
import { WRITERS, type TfjsLayer, type TfjsWeight, type Writing } from './tfjs-layers.ts'

/** A network of layers that tfjs-layers 4.22 has, each after its inputs. */
export interface TfjsNetwork {
  readonly name: string
  readonly layers: readonly TfjsLayer[]
  readonly input: string
  readonly output: string
}

/**
 * The network in layers of tfjs-layers 4.22: what tfjs lacks is put together from what it has, to equal numbers. Throws
 * WRONG_VALUE for every layer with which that cannot be done.
 */
export function tfjsNetwork({ graph, weights, frozen }: WholeGraph): TfjsNetwork {
  const layers: TfjsLayer[] = []
  const problems: Diagnostic[] = []
  const taken = new Set(graph.layers.map(({ name }) => name))
  /** Which layer of the network gives what a layer of the graph does. */
  const outputs = new Map<string, string>()
  for (const layer of graph.layers) {
    const { kind } = layer
    const inputs = layer.inputs.map(({ name }) => outputs.get(name)!)
    const refuse = (why: string) => {
      const message = `tfjs cannot have the layer ${layer.name} (${kind}): ${why}`
      problems.push({ code: 'WRONG_VALUE', message, hint: 'export it with --format keras' })
      return layer.name
    }
    const put: Writing['put'] = ({ name: wanted, ...more }) => {
      const name = wanted === layer.name ? wanted : free(wanted, taken)
      const config = { ...more.config, ...(frozen?.has(layer.name) ? { trainable: false } : {}) }
      layers.push({ name, inputs, weights: [], ...more, config })
      return name
    }
    const write = WRITERS[kind] as ((writing: Writing) => string) | undefined
    const output = write
      ? write({ layer, ...written(layer, weights), inputs, put, refuse })
      : refuse('there is nothing like it')
    outputs.set(layer.name, output)
  }
  if (problems.length > 0) throw new PipelineError(problems)
  const output = outputs.get(graph.output.name)!
  return { name: graph.name, layers, input: graph.input.name, output }
}

/**
 * Settings and weights under Keras' names. How values were first drawn is left out: tfjs does not know every initializer,
 * and the values are in the file.
 */
function written(layer: Layer, weights: WeightMap): Pick<Writing, 'config' | 'weights'> {
  const entries = Object.entries(toKeras(layer, 'keras2').config)
  const config: JsonObject = Object.fromEntries(
    entries.filter(([key]) => key !== 'name' && !key.endsWith('_initializer')),
  )
  const named = layer.weights.map(({ name, shape }): TfjsWeight => {
    return { name: name.slice(layer.name.length + 1), shape, data: weights.get(name)! }
  })
  return { config, weights: named }
}
