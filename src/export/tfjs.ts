import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Json, JsonObject } from '../util/json.ts'
import type { TfjsLayer } from './tfjs-layers.ts'
import type { TfjsNetwork } from './tfjs-network.ts'

/** Bytes of a file of weights, as tensorflowjs' converter cuts them: browsers keep files of this size in their cache. */
const SHARD_BYTES = 4 * 1024 * 1024

/**
 * Writes a network as `tf.loadLayersModel` of tfjs-layers 4.22 takes it: model.json, with Keras 2's JSON of the topology, and
 * the weights in files of 4 MiB beside it. `metadata` is the model's `getUserDefinedMetadata()`.
 */
export async function writeTfjs(
  folder: string,
  network: TfjsNetwork,
  metadata: JsonObject,
): Promise<void> {
  const weights = network.layers.flatMap((layer) =>
    layer.weights.map(({ name, ...weight }) => ({ ...weight, name: `${layer.name}/${name}` })),
  )
  const bytes = weights.reduce((sum, { data }) => sum + data.byteLength, 0)
  const count = Math.max(1, Math.ceil(bytes / SHARD_BYTES))
  const paths = Array.from({ length: count }, (_, i) => `group1-shard${i + 1}of${count}.bin`)
  await writeShards(
    paths.map((path) => join(folder, path)),
    weights.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  )
  const manifest = weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' }))
  const model = {
    format: 'layers-model',
    generatedBy: 'graft',
    convertedBy: null,
    modelTopology: {
      keras_version: '2.15.0',
      backend: 'tensorflow',
      model_config: functional(network),
    },
    weightsManifest: [{ paths, weights: manifest }],
    userDefinedMetadata: metadata,
  }
  await writeFile(join(folder, 'model.json'), JSON.stringify(model))
}

/** As `model.to_json()` of Keras 2 writes a Functional model. */
function functional({ name, layers, input, output }: TfjsNetwork): Json {
  return {
    class_name: 'Functional',
    config: {
      name,
      layers: layers.map(layerJson),
      input_layers: [[input, 0, 0]],
      output_layers: [[output, 0, 0]],
    },
  }
}

function layerJson({ name, className, config, inputs }: TfjsLayer): Json {
  return {
    class_name: className,
    config: { ...config, name },
    name,
    inbound_nodes: inputs.length === 0 ? [] : [inputs.map((from) => [from, 0, 0, {}])],
  }
}

/** The pieces one after the other, cut into files of SHARD_BYTES. */
async function writeShards(paths: readonly string[], pieces: readonly Uint8Array[]): Promise<void> {
  const rest = [...pieces]
  for (const path of paths) {
    const file = await open(path, 'w')
    try {
      for (let room = SHARD_BYTES; room > 0 && rest.length > 0;) {
        const part = rest[0]!.subarray(0, room)
        if (part.length === rest[0]!.length) rest.shift()
        else rest[0] = rest[0]!.subarray(part.length)
        await file.writeFile(part)
        room -= part.length
      }
    } finally {
      await file.close()
    }
  }
}
