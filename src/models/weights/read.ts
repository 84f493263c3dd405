import { failure } from '../../util/diagnostic.ts'
import { openFile } from '../../util/files.ts'
import { readSafetensors } from '../../util/safetensors.ts'
import { isKerasArchive } from '../files/archive.ts'
import { varsFolder } from '../files/h5-values.ts'
import { readTfjsWeights } from '../files/tfjs.ts'
import { readArchiveWeights, readVarsWeights } from '../files/named-weights.ts'
import type { LayerGraph, WeightMap } from '../layer-graph.ts'
import { assignByName, assignByOrder, assignFromState } from './assign.ts'
import { withHdf5 } from './hdf5.ts'
import { legacyFile } from './keras-h5.ts'
import { readPytorch } from './pytorch.ts'

/**
 * Reads a weights file into a layer graph, whatever its format: legacy Keras .h5 and .keras (by order), .weights.h5 of
 * Keras 3 (by the classes of layers), a model.json of tfjs (by name or order), safetensors with Keras' names (by name), a
 * PyTorch state dict (by the names that `module` gives; only base models with such a mapping). The format is told from the
 * file's first bytes. Throws BAD_WEIGHTS and WEIGHTS_MISMATCH; `name` stands for the file in messages.
 */
export async function readWeights(
  path: string,
  graph: LayerGraph,
  module: ((layer: string) => string) | undefined,
  name = path,
): Promise<WeightMap> {
  switch (await formatOf(path)) {
    case 'hdf5':
      return withHdf5(path, name, (file) =>
        varsFolder(file) && file.texts('layer_names') === undefined
          ? readVarsWeights(file, graph, name)
          : assignByOrder(graph, legacyFile(file, name), name),
      )
    case 'keras':
      return readArchiveWeights(path, graph, name)
    case 'tfjs':
      return readTfjsWeights(path, graph, name)
    case 'safetensors':
      return assignByName(graph, await readSafetensors(path), name)
    case 'pytorch':
      if (module) return assignFromState(graph, await readPytorch(path), module, name)
      throw failure(
        'BAD_WEIGHTS',
        `${name} is a PyTorch file, and ${graph.name} has no mapping for one`,
        {
          hint: 'use a Keras .h5 file of this model',
        },
      )
    case undefined:
      throw failure('BAD_WEIGHTS', `${name} is no weights file that can be read here`, {
        hint: "Keras' .h5, .weights.h5 and .keras, model.json of tfjs, safetensors with Keras' names and PyTorch state dicts are read",
      })
  }
}

type Format = 'hdf5' | 'keras' | 'tfjs' | 'safetensors' | 'pytorch'

async function formatOf(path: string): Promise<Format | undefined> {
  const start = Buffer.alloc(16)
  const file = await openFile(path).catch((error: unknown) => {
    throw failure('BAD_WEIGHTS', `cannot read ${path}`, { cause: error })
  })
  try {
    await file.read(start, 0, 16, 0)
  } finally {
    await file.close()
  }
  if (start.subarray(0, 8).equals(Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'))) return 'hdf5'
  const zip = start.readUInt32LE(0) === 0x04034b50
  if (zip && (await isKerasArchive(path))) return 'keras'
  if (zip || start[0] === 0x80) return 'pytorch'
  // A length of eight bytes has zeros at its end, JSON none.
  if (start[0] === 0x7b && !start.includes(0)) return 'tfjs'
  // A length of eight bytes, then JSON.
  return start[8] === 0x7b ? 'safetensors' : undefined
}
