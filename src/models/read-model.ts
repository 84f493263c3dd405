import type { WeightMap } from './layer-graph.ts'
import type { SavedModelOptions } from './saved-model/read.ts'
import type { StoredGraph } from './stored-graph.ts'

/** Where a model stands that brings its own layers; paths are absolute. */
export type ModelPlace =
  | { readonly format: 'keras'; readonly path: string }
  | { readonly format: 'tfjs'; readonly path: string }
  | ({ readonly format: 'savedModel'; readonly path: string } & SavedModelOptions)

/** Layers and values of a model file. Throws BAD_WEIGHTS and WEIGHTS_MISMATCH. */
export async function readModel(
  place: ModelPlace,
): Promise<{ readonly graph: StoredGraph; readonly weights: WeightMap }> {
  if (place.format === 'keras') {
    const { readModelFile } = await import('./files/read-model.ts')
    return readModelFile(place.path)
  }
  if (place.format === 'tfjs') {
    const { readTfjsModel } = await import('./files/tfjs.ts')
    return readTfjsModel(place.path)
  }
  const { readSavedModel } = await import('./saved-model/read.ts')
  return readSavedModel(place.path, place)
}

/** Its layers alone, as far as they can be read without the values. */
export async function readModelGraph(place: ModelPlace): Promise<StoredGraph> {
  if (place.format === 'keras') {
    const { readModelGraph: read } = await import('./files/read-model.ts')
    return read(place.path)
  }
  if (place.format === 'tfjs') {
    const { readTfjsGraph } = await import('./files/tfjs.ts')
    return readTfjsGraph(place.path)
  }
  return (await readModel(place)).graph
}
