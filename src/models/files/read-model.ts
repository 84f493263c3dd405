import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { sizeOf } from '../../program/program.ts'
import { failure, type Diagnostic } from '../../util/diagnostic.ts'
import { openFile } from '../../util/files.ts'
import type { Json } from '../../util/json.ts'
import type { LayerGraph, WeightMap } from '../layer-graph.ts'
import { rebuildGraph, type StoredGraph } from '../stored-graph.ts'
import { withHdf5, type Hdf5Group } from '../weights/hdf5.ts'
import { withArchive } from './archive.ts'
import { closedShape, readConfig, type FileModel } from './config-graph.ts'
import { readValues } from './h5-values.ts'

/** A model with its own architecture. */
export interface ModelFile {
  readonly graph: StoredGraph
  readonly weights: WeightMap
  /** What the file says of training that is left out here. */
  readonly notes: readonly Diagnostic[]
}

/**
 * Reads a whole Keras model, a .h5 or .keras file, told apart by its first bytes. Throws BAD_WEIGHTS (unknown layers,
 * damaged files) and WEIGHTS_MISMATCH; `source` stands for the file in messages.
 */
export async function readModelFile(path: string, source = path): Promise<ModelFile> {
  if ((await formatOf(path, source)) === 'zip') {
    return withArchive(path, source, async ({ config, version, withWeights }) => {
      const model = readConfig(config, source, version)
      const graph = closedGraph(model.graph)
      return withWeights(mostBytes(graph), (h5) =>
        withHdf5(h5, source, (file) => modelFile(model, readValues(model, graph, file, source))),
      )
    })
  }
  return withHdf5(path, source, (file) => {
    const model = configIn(file, source)
    return modelFile(model, readValues(model, closedGraph(model.graph), file, source))
  })
}

/** The architecture alone, without a look at the values: quick. Throws what `readModelFile` does. */
export async function readModelGraph(path: string, source = path): Promise<StoredGraph> {
  return (await readArchitecture(path, source)).graph
}

/** The same, with what is left out of it. */
export async function readArchitecture(path: string, source = path): Promise<FileModel> {
  if ((await formatOf(path, source)) === 'hdf5') {
    return withHdf5(path, source, (file) => configIn(file, source))
  }
  return withArchive(path, source, ({ config, version }) =>
    Promise.resolve(readConfig(config, source, version)),
  )
}

function modelFile({ graph, notes }: FileModel, weights: WeightMap): ModelFile {
  return { graph, weights, notes }
}

function configIn(file: Hdf5Group, source: string): FileModel {
  const text = file.text('model_config')
  if (text === undefined) {
    throw failure('BAD_WEIGHTS', `${source} holds weights without an architecture`, {
      hint: 'give a whole model (model.save), or the weights to a model by name: baseModel: {name: NAME, weights: FILE}',
    })
  }
  let json: Json
  try {
    json = JSON.parse(text) as Json
  } catch (cause) {
    throw failure('BAD_WEIGHTS', `${source}: its model_config is no JSON`, { cause })
  }
  return readConfig(json, source, file.text('keras_version'))
}

/** The layers, on pictures of some size where the file leaves theirs open: for their weights. */
export function closedGraph(stored: StoredGraph): LayerGraph {
  const input = stored.layers.find(({ name }) => name === stored.input)
  const { shape } = input!.config as { shape: readonly number[] }
  return rebuildGraph(stored, { inputShape: closedShape(shape) })
}

/** Of an HDF5 file: values of 8 bytes, an optimizer's beside them, and what HDF5 needs itself. */
function mostBytes(graph: LayerGraph): number {
  const weights = graph.layers.flatMap((layer) => layer.weights)
  return 2 ** 26 + weights.reduce((sum, { shape }) => sum + 64 * sizeOf(shape) + 2 ** 14, 0)
}

async function formatOf(path: string, source: string): Promise<'hdf5' | 'zip'> {
  const start = Buffer.alloc(8)
  const file = await openFile(path).catch((cause: unknown) => {
    const hint = existsSync(join(path, 'saved_model.pb'))
      ? 'it is the folder of a SavedModel: use {savedModel: FOLDER}'
      : undefined
    throw failure('BAD_WEIGHTS', `cannot read ${source}`, { hint, cause })
  })
  try {
    await file.read(start, 0, 8, 0)
  } catch (cause) {
    throw failure('BAD_WEIGHTS', `cannot read ${source}`, { cause })
  } finally {
    await file.close()
  }
  if (start.equals(Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'))) return 'hdf5'
  if (start.readUInt32LE(0) === 0x04034b50) return 'zip'
  throw failure('BAD_WEIGHTS', `${source} is no model file that can be read here`, {
    hint: 'whole Keras models are read: .keras, and .h5 with model_config',
  })
}
