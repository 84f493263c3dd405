import { openTensorflow } from '../../src/engines/tensorflow/open.ts'
import { initialize } from '../../src/models/weights/initializers.ts'
import { sizeOf, type Program, type TensorData } from '../../src/program/program.ts'
import { wholeModel } from '../../src/training/model.ts'
import { trainingProgram } from '../../src/training/training-program.ts'
import { trunkProgram } from '../../src/training/trunk.ts'
import { smallestOfFamilies } from './models.ts'

/** Runs the frozen pass of a base model of each family and a step of fine-tuning its upper half, small, TensorFlow's messages shown. */
process.env['TF_CPP_MIN_LOG_LEVEL'] = '1'
const engine = await openTensorflow({ device: 'cpu', verbose: true })
const models = smallestOfFamilies()
for (const { name, minSize, preprocessing } of models) {
  const model = { name, inputShape: [minSize, minSize, 3] }
  const head = ['GlobalAveragePooling2D', { Dense: { units: 'classes' } }] as const
  const whole = (first: number) => wholeModel({ model, head, freeze: { first }, classes: 3 })
  const half = whole(Math.floor(whole(1).trunk.layers.length / 2))
  const weights = initialize(half.graph, 1)
  await runs(trunkProgram({ model, preprocessing }, weights, { shape: [1, ...model.inputShape] }))
  const inputs = [{ name: 'pixels', shape: model.inputShape, dtype: 'uint8' }] as const
  const train = {
    start: { inputs, preprocessing },
    optimizer: { name: 'SGD' },
    batches: [2],
  } as const
  const loss = { name: 'CategoricalCrossentropy' } as const
  await runs(trainingProgram({ model: half, loss, weights, train }))
}
await engine.close()
console.log(`${models.length} models`)

/** Each entry once, on zeros. */
async function runs({ program }: { readonly program: Program }): Promise<void> {
  const arrays = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array }
  const session = await engine.compile(program)
  for (const [name, { feeds }] of Object.entries(program.entries)) {
    const zeros = Object.entries(feeds).map(([feed, { dtype, shape }]): [string, TensorData] => [
      feed,
      new arrays[dtype](sizeOf(shape)),
    ])
    await session.run(name, Object.fromEntries(zeros))
  }
  await session.close()
}
