import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type * as Layers from '@tensorflow/tfjs-layers'
import type * as Core from '@tensorflow/tfjs-core'

/** What a tfjs model says of pictures [batch, height, width, channels], loaded by tfjs-layers itself, on tfjs' wasm backend. */
export async function predictInTfjs(
  folder: string,
  shape: readonly [number, number, number, number],
  pixels: Uint8Array,
): Promise<{ readonly outputs: Float32Array; readonly metadata: object | undefined }> {
  // One module instance for all three: tfjs keeps its backends in its core.
  const require = createRequire(import.meta.url)
  const core = require('@tensorflow/tfjs-core') as typeof Core
  const layers = require('@tensorflow/tfjs-layers') as typeof Layers
  require('@tensorflow/tfjs-backend-wasm')
  await core.setBackend('wasm')
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
