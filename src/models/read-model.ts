import type { Diagnostic } from '../util/diagnostic.ts'
import type { WeightMap } from './layer-graph.ts'
import type { SavedModelOptions } from './saved-model/read.ts'
import type { StoredGraph } from './stored-graph.ts'

/** Where a model stands that brings its own layers; paths are absolute. */
export type ModelPlace =
  | { readonly format: 'keras' | 'tfjs'; readonly path: string }
  | ({ readonly format: 'savedModel'; readonly path: string } & SavedModelOptions)

/** Layers and values of a model file. Throws BAD_WEIGHTS and WEIGHTS_MISMATCH. */
export async function readModel(
  place: ModelPlace,
): Promise<{ readonly graph: StoredGraph; readonly weights: WeightMap }> {
  switch (place.format) {
    case 'keras': {
      const { readModelFile } = await import('./files/read-model.ts')
      return readModelFile(place.path)
    }
    case 'tfjs': {
      const { readTfjsModel } = await import('./files/tfjs.ts')
      return readTfjsModel(place.path)
    }
    case 'savedModel': {
      const { readSavedModel } = await import('./saved-model/read.ts')
      return readSavedModel(place.path, place)
    }
  }
}

/** Its layers alone, as far as they can be read without the values, and what the file says that is left out. */
export async function readModelGraph(
  place: ModelPlace,
): Promise<{ readonly graph: StoredGraph; readonly notes: readonly Diagnostic[] }> {
  switch (place.format) {
    case 'keras': {
      const { readArchitecture } = await import('./files/read-model.ts')
      return readArchitecture(place.path)
    }
    case 'tfjs': {
      const { readTfjsArchitecture } = await import('./files/tfjs.ts')
      return readTfjsArchitecture(place.path)
    }
    case 'savedModel': {
      const { readSavedModelGraph } = await import('./saved-model/read.ts')
      return { graph: await readSavedModelGraph(place.path, place), notes: [] }
    }
  }
}
