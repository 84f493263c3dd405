import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import yazl from 'yazl'
import { snakeCase } from '../models/graph-builder.ts'
import { toKeras } from '../models/keras-config/keras-config.ts'
import type { Layer, LayerGraph, WeightMap } from '../models/layer-graph.ts'
import type { Shape } from '../program/program.ts'
import type { Json } from '../util/json.ts'
import type { WholeGraph } from './front.ts'

/** The version whose format is written; Keras reads its own older ones. */
const KERAS_VERSION = '3.15.1'

/**
 * Writes a model as Keras 3 does (keras/src/saving/saving_lib.py): a zip, nothing in it compressed, of metadata.json,
 * config.json and model.weights.h5. `keras.saving.load_model` takes it without custom objects.
 */
export async function writeKeras(
  path: string,
  { graph, weights, frozen = new Set() }: WholeGraph,
): Promise<void> {
  const h5 = join(dirname(path), 'model.weights.h5')
  try {
    await writeWeightsH5(h5, graph, weights)
    const zip = new yazl.ZipFile()
    const options = { compress: false, mtime: EPOCH, mode: 0o100644 }
    const add = (name: string, json: Json) =>
      zip.addBuffer(Buffer.from(JSON.stringify(json)), name, options)
    add('metadata.json', { keras_version: KERAS_VERSION })
    add('config.json', functionalConfig(graph, frozen))
    zip.addFile(h5, 'model.weights.h5', options)
    zip.end()
    await pipeline(zip.outputStream, createWriteStream(path))
  } finally {
    await rm(h5, { force: true })
  }
}

/** The first moment that a zip can name, so that equal models give equal archives. */
const EPOCH = new Date(1980, 0, 1)

/** config.json: the Functional model as `keras.saving.serialize_keras_object` writes it. */
function functionalConfig(
  { name, layers, input, output }: LayerGraph,
  frozen: ReadonlySet<string>,
): Json {
  return {
    module: 'keras.src.models.functional',
    class_name: 'Functional',
    config: {
      name,
      trainable: true,
      layers: layers.map((layer) => layerConfig(layer, frozen.has(layer.name))),
      input_layers: [input.name, 0, 0],
      output_layers: [output.name, 0, 0],
    },
    registered_name: 'Functional',
    build_config: { input_shape: null },
  } as unknown as Json
}

function layerConfig(layer: Layer, isFrozen: boolean): Json {
  const { config, ...written } = toKeras(layer, 'keras3')
  return {
    ...written,
    config: isFrozen ? { ...config, trainable: false } : config,
    name: layer.name,
    inbound_nodes: layer.inputs.length === 0 ? [] : [callOf(layer)],
  }
}

/** A call of a layer; one that merges several takes a list. */
function callOf({ inputs }: Layer): Json {
  const tensors = inputs.map(({ name, outputShape }) => ({
    class_name: '__keras_tensor__',
    config: { shape: withBatch(outputShape), dtype: 'float32', keras_history: [name, 0, 0] },
  }))
  return { args: [tensors.length === 1 ? tensors[0]! : tensors], kwargs: {} }
}

function withBatch(shape: Shape): readonly (number | null)[] {
  return [null, ...shape]
}

/**
 * model.weights.h5: `layers/<class in snake case>[_n]/vars/<i>`, n counting the layers of a class in the model's order,
 * i a layer's weights in theirs.
 */
async function writeWeightsH5(path: string, { name, layers }: LayerGraph, values: WeightMap) {
  const { default: h5wasm, File } = await import('h5wasm/node')
  // The library prints its errors on stderr unless they are made to throw.
  const library = await h5wasm.ready
  library.activate_throwing_error_handler()
  const file = new File(path, 'w')
  try {
    file.create_group('vars').create_attribute('name', name)
    const groups = file.create_group('layers')
    const counts = new Map<string, number>()
    for (const layer of layers) {
      const kind = snakeCase(layer.kind)
      const count = counts.get(kind) ?? 0
      counts.set(kind, count + 1)
      const group = groups.create_group(count === 0 ? kind : `${kind}_${count}`)
      const vars = group.create_group('vars')
      vars.create_attribute('name', layer.name)
      for (const [i, { name: weight, shape }] of layer.weights.entries()) {
        vars.create_dataset({ name: String(i), data: values.get(weight)!, shape: [...shape] })
      }
    }
  } finally {
    file.close()
  }
}
