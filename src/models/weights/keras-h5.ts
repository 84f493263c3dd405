import { access } from 'node:fs/promises'
import { failure } from '../../util/diagnostic.ts'
import type { NamedTensor } from '../../util/safetensors.ts'

/** One layer of a legacy Keras file, its weights in the file's order. */
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
export async function readKerasH5(path: string): Promise<FileLayer[]> {
  try {
    await access(path)
  } catch (error) {
    throw failure('BAD_WEIGHTS', `cannot read ${path}`, { cause: error })
  }
  const { default: h5wasm, File, Group, Dataset } = await import('h5wasm/node')
  // The library prints its errors on stderr unless they are made to throw.
  const library = await h5wasm.ready
  library.activate_throwing_error_handler()
  let file: InstanceType<typeof File> | undefined
  try {
    file = new File(path, 'r')
    const weights = file.get('model_weights')
    const root = weights instanceof Group ? weights : file
    const names = strings(root, 'layer_names')
    if (!names) {
      throw failure('BAD_WEIGHTS', `${path} is an HDF5 file but no legacy Keras weights file`, {
        hint: 'write it with model.save_weights("FILE.h5") of Keras 2, or model.save("FILE.h5")',
      })
    }
    return names.flatMap((name) => {
      const group = root.get(name)
      if (!(group instanceof Group)) throw failure('BAD_WEIGHTS', `${path} has no group ${name}`)
      const tensors = (strings(group, 'weight_names') ?? []).map((weight) => {
        const dataset = group.get(weight)
        if (!(dataset instanceof Dataset)) {
          throw failure('BAD_WEIGHTS', `${path} has no dataset ${name}/${weight}`)
        }
        return {
          name: weight,
          shape: dataset.shape ?? [],
          data: floats(dataset.value, weight, path),
        }
      })
      return expand({ name, weights: tensors })
    })
  } catch (error) {
    if (error instanceof Error && error.name === 'PipelineError') throw error
    throw failure('BAD_WEIGHTS', `${path} is not an HDF5 file, or a damaged one`, { cause: error })
  } finally {
    file?.close()
  }
}

type Attributes = { readonly attrs: Readonly<Record<string, { readonly value: unknown }>> }

/** A list of strings in one attribute, or in numbered chunks of it; undefined where there is neither. */
function strings(group: Attributes, name: string): string[] | undefined {
  const whole = group.attrs[name]?.value
  if (whole !== undefined) return list(whole)
  if (group.attrs[`${name}0`] === undefined) return undefined
  const parts: string[] = []
  for (let i = 0; group.attrs[`${name}${i}`] !== undefined; i += 1) {
    parts.push(...list(group.attrs[`${name}${i}`]!.value))
  }
  return parts
}

/** An empty list reads as a typed array of length 0, a single string as a string. */
function list(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.map((item) => String(item)) : []
}

function floats(value: unknown, name: string, path: string): Float32Array {
  if (value instanceof Float32Array) return value
  if (value instanceof Float64Array || value instanceof Int32Array) return Float32Array.from(value)
  if (value instanceof BigInt64Array) return Float32Array.from(value, Number)
  if (typeof value === 'number') return Float32Array.of(value)
  throw failure('BAD_WEIGHTS', `${path}: ${name} is of a type that cannot be read`, {
    hint: 'save the weights as float32',
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
