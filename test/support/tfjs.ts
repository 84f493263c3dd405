import { createRequire } from 'node:module'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type * as Core from '@tensorflow/tfjs-core'
import type * as Layers from '@tensorflow/tfjs-layers'

export interface Tfjs {
  readonly core: typeof Core
  readonly layers: typeof Layers
}

/** tfjs-layers itself, on tfjs' wasm backend. */
export async function loadTfjs(): Promise<Tfjs> {
  // One module instance for all three: tfjs keeps its backends in its core.
  const require = createRequire(import.meta.url)
  const core = require('@tensorflow/tfjs-core') as typeof Core
  const layers = require('@tensorflow/tfjs-layers') as typeof Layers
  require('@tensorflow/tfjs-backend-wasm')
  await core.setBackend('wasm')
  return { core, layers }
}

/** What the model.json of a folder says of pictures [batch, height, width, channels]. */
export async function predictInTfjs(
  folder: string,
  shape: readonly [number, number, number, number],
  pixels: Uint8Array,
): Promise<{ readonly outputs: Float32Array; readonly metadata: object | undefined }> {
  const { core, layers } = await loadTfjs()
  const model = await layers.loadLayersModel({ load: () => Promise.resolve(artifacts(folder)) })
  const given = core.tensor4d(Float32Array.from(pixels), [...shape])
  const outputs = await (model.predict(given) as Core.Tensor).data()
  const metadata = model.getUserDefinedMetadata()
  model.dispose()
  return { outputs: outputs as Float32Array, metadata }
}

/** As tfjs' own loader of files makes them. */
function artifacts(folder: string): Core.io.ModelArtifacts {
  const model = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as Core.io.ModelJSON
  const { weightsManifest, ...rest } = model
  const files = weightsManifest.flatMap(({ paths }) => paths)
  const bytes = Buffer.concat(files.map((file) => readFileSync(join(folder, file))))
  return {
    ...rest,
    weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
    weightData: new Uint8Array(bytes).buffer,
  } as Core.io.ModelArtifacts
}

/** Saves a model as tfjs itself does, its weights in files of `shard` bytes. */
export async function saveFromTfjs(
  { core }: Tfjs,
  model: Layers.LayersModel,
  folder: string,
  shard: number,
): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const write = (saved: Core.io.ModelArtifacts): Promise<Core.io.SaveResult> => {
    const bytes = new Uint8Array(saved.weightData as ArrayBuffer)
    const paths = Array.from({ length: Math.ceil(bytes.length / shard) }, (_, i) => `part${i}.bin`)
    for (const [i, path] of paths.entries()) {
      writeFileSync(join(folder, path), bytes.subarray(i * shard, (i + 1) * shard))
    }
    const { modelTopology, format, weightSpecs: weights } = saved
    const json = { modelTopology, format, weightsManifest: [{ paths, weights }] }
    writeFileSync(join(folder, 'model.json'), JSON.stringify(json))
    const modelArtifactsInfo = { dateSaved: new Date(0), modelTopologyType: 'JSON' as const }
    return Promise.resolve({ modelArtifactsInfo })
  }
  await model.save(core.io.withSaveHandler(write))
}
