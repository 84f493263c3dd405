import { failure } from '../../util/diagnostic.ts'
import type { NamedTensor } from '../../util/safetensors.ts'
import { withHdf5, type Hdf5Group } from './hdf5.ts'

/** One layer of a Keras file, its weights in the file's order. */
export interface FileLayer {
  readonly name: string
  readonly weights: readonly (NamedTensor & { readonly name: string })[]
}

/**
 * Reads a legacy Keras .h5: a weights file, or a whole model's file (weights under `model_weights`). Attributes that
 * Keras split over several (`layer_names0`, `layer_names1`, ...) are joined. A nested model, which Keras writes as one
 * layer with all trainable weights first and the moving averages last, comes back as its own layers in order of first
 * appearance. Source of the layout: keras/src/legacy/saving/legacy_h5_format.py. Throws BAD_WEIGHTS.
 */
export function readKerasH5(path: string, name = path): Promise<FileLayer[]> {
  return withHdf5(path, name, (file) => legacyFile(file, name))
}

/** The same from an open file. */
export function legacyFile(file: Hdf5Group, name: string): FileLayer[] {
  const root = file.group('model_weights') ?? file
  const layers = root.texts('layer_names')
  if (!layers) {
    throw failure('BAD_WEIGHTS', `${name} is an HDF5 file but no legacy Keras weights file`, {
      hint: 'write it with model.save_weights("FILE.h5") of Keras 2, or model.save("FILE.h5")',
    })
  }
  return layers.flatMap((layer) => {
    const group = root.group(layer)
    if (!group) throw failure('BAD_WEIGHTS', `${name} has no group ${layer}`)
    const weights = (group.texts('weight_names') ?? []).map((weight) => {
      const tensor = group.tensor(weight)
      if (!tensor) throw failure('BAD_WEIGHTS', `${name} has no dataset ${layer}/${weight}`)
      return { name: weight, ...tensor }
    })
    return expand({ name: layer, weights })
  })
}

/** Splits a nested model's weights back into layers, by the part of their names before the last slash. */
function expand(layer: FileLayer): FileLayer[] {
  const groups = new Map<string, FileLayer['weights'][number][]>()
  for (const weight of layer.weights) {
    const owner = weight.name.slice(0, Math.max(0, weight.name.lastIndexOf('/')))
    const group = groups.get(owner)
    if (group) group.push(weight)
    else groups.set(owner, [weight])
  }
  if (groups.size <= 1) return [layer]
  return [...groups].map(([owner, weights]) => ({
    name: owner.slice(owner.lastIndexOf('/') + 1),
    weights,
  }))
}
