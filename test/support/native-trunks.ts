import { openTensorflow } from '../../src/engines/tensorflow/open.ts'
import { buildBaseModel } from '../../src/models/base-model.ts'
import { BASE_MODELS } from '../../src/models/catalogue.ts'
import { initialize } from '../../src/models/weights/initializers.ts'
import { trunkProgram } from '../../src/training/trunk.ts'

/** Runs the frozen pass of every base model once, small, with TensorFlow's own messages on stderr. */
process.env['TF_CPP_MIN_LOG_LEVEL'] = '1'
const engine = await openTensorflow({ device: 'cpu', verbose: true })
for (const { name, minSize, preprocessing } of BASE_MODELS) {
  const model = { name, inputShape: [minSize, minSize, 3] }
  const weights = initialize(buildBaseModel(model), 1)
  const pixels = [1, minSize, minSize, 3]
  const { program } = trunkProgram({ model, preprocessing }, weights, { shape: pixels })
  const session = await engine.compile(program)
  await session.run('features', { pixels: new Uint8Array(minSize * minSize * 3) })
  await session.close()
}
await engine.close()
console.log(`${BASE_MODELS.length} trunks`)
