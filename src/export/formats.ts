import { join } from 'node:path'
import { readModelFile } from '../models/files/read-model.ts'
import { readTfjsModel } from '../models/files/tfjs.ts'
import type { JsonObject } from '../util/json.ts'
import { writeKeras } from './keras.ts'
import type { WholeGraph } from './front.ts'
import { rebuildGraph, type StoredGraph } from '../models/stored-graph.ts'
import { tfjsNetwork } from './tfjs-network.ts'
import { writeTfjs } from './tfjs.ts'

/** What `--format` takes. */
export type ExportFormat = 'keras' | 'tfjs'

interface Format {
  /** In one line, for help. */
  readonly says: string
  /**
   * Finds out whether the format can hold the network, before a file is made, and returns what writes it into a folder.
   * `metadata` goes into formats that have a place for it. Throws WRONG_VALUE with every layer that it cannot hold.
   */
  readonly prepare: (model: WholeGraph, metadata: JsonObject) => (folder: string) => Promise<void>
  /** What was written, read back. */
  readonly read: (folder: string) => Promise<WholeGraph>
}

export const FORMATS: { readonly [Name in ExportFormat]: Format } = {
  keras: {
    says: 'model.keras, for Keras 3',
    prepare: (model) => (folder) => writeKeras(join(folder, 'model.keras'), model),
    read: async (folder) => whole(await readModelFile(join(folder, 'model.keras'))),
  },
  tfjs: {
    says: 'model.json and its weights, for TensorFlow.js in browsers and Node',
    prepare: (model, metadata) => {
      const network = tfjsNetwork(model)
      return (folder) => writeTfjs(folder, network, metadata)
    },
    read: async (folder) => whole(await readTfjsModel(join(folder, 'model.json'))),
  },
}

function whole({
  graph,
  weights,
}: {
  graph: StoredGraph
  weights: WholeGraph['weights']
}): WholeGraph {
  return { graph: rebuildGraph(graph), weights }
}
