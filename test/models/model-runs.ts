import assert from 'node:assert/strict'
import type { Engine } from '../../src/engines/engine.ts'
import { buildBaseModel } from '../../src/models/base-model.ts'
import { lower } from '../../src/models/lower.ts'
import { preprocess } from '../../src/models/preprocessing.ts'
import { defaultPreprocessing } from '../../src/models/published.ts'
import { Builder } from '../../src/program/builder.ts'
import { wholeModel } from '../../src/training/model.ts'
import { scalarsAt } from '../../src/training/optimizers.ts'
import { trainingProgram } from '../../src/training/training-program.ts'
import type { RunGolden } from './goldens.ts'
import { gainsOf, madeUpPicture, madeUpWeights, sketch } from './made-up.ts'

/** With the top, in inference. */
export async function outputs(engine: Engine, { options, gains, size }: RunGolden) {
  const graph = buildBaseModel({ ...options, includeTop: true, inputShape: [...size, 3] })
  const b = new Builder()
  const pixels = b.input('pixels', [2, ...size, 3], 'uint8')
  const { output, logits } = lower(b, graph, {
    weights: madeUpWeights(graph, { gains: gainsOf(graph, gains) }),
    start: { [graph.input.name]: preprocess(b, pixels, defaultPreprocessing(options.name)) },
  })
  assert.equal(logits?.activation, 'softmax')
  b.entry('infer', { fetches: { output, logits: logits.tensor }, updates: [] })
  const session = await engine.compile(b.program())
  const got = await session.run('infer', { pixels: madeUpPicture(2, ...size) })
  await session.close()
  return got
}

/** The losses of two steps, and the variables after the first. */
export async function twoSteps(engine: Engine, { options, gains, step }: RunGolden) {
  const { size, pictures, batch, classes, lift, learningRate } = step
  const inputShape = [...size, 3]
  const model = wholeModel({
    model: { ...options, pooling: 'avg', inputShape },
    head: [{ Dense: { units: 'classes', activation: 'softmax' } }],
    freeze: 'none',
    classes,
  })
  const top = buildBaseModel({ ...options, includeTop: true, inputShape })
  const optimizer = { name: 'SGD', momentum: 0.9 } as const
  const inputs = [{ name: 'pixels', shape: inputShape, dtype: 'uint8' }] as const
  const preprocessing = defaultPreprocessing(options.name)
  const { program, shape } = trainingProgram({
    model,
    loss: { name: 'CategoricalCrossentropy' },
    weights: madeUpWeights(model.graph, { gains: gainsOf(top, gains), lift }),
    train: { start: { inputs, preprocessing }, optimizer, batches: [batch] },
  })
  const targets = new Float32Array(batch * classes)
  for (let i = 0; i < batch; i += 1) targets[i * classes + (i % classes)] = 1
  // nothing is dropped, on both sides
  const masks = shape.dropouts.map(({ layer, size: numbers }) => {
    return [`dropout/${layer}`, new Float32Array(batch * numbers).fill(1)] as const
  })
  const scalars = Object.entries(scalarsAt(optimizer, 1, learningRate))
  const feeds = {
    pixels: madeUpPicture(batch, ...size, pictures),
    targets,
    weights: new Float32Array(batch).fill(1),
    ...Object.fromEntries(masks),
    ...Object.fromEntries(scalars.map(([name, value]) => [name, Float32Array.of(value)])),
  }
  const session = await engine.compile(program)
  const entry = `train@${batch}`
  const loss = (await session.run(entry, feeds))['loss']![0]!
  const variables = await session.read()
  const lossAfter = (await session.run(entry, feeds))['loss']![0]!
  await session.close()
  return { loss, lossAfter, variables }
}

/** How far each weight's gradient is from Keras', in parts of its own norm, or of what is not small beside others. */
export function* gradientErrors(
  { step }: RunGolden,
  variables: ReadonlyMap<string, Float32Array>,
): Generator<{ weight: string; error: number }> {
  const largest = Math.max(...step.gradients.map(([, norm]) => norm))
  const norms = new Map(step.gradients.map(([weight, norm]) => [weight, norm]))
  for (const [weight, norm, product] of step.gradients) {
    // What a bias before a normalization gets cancels out, but for roundings.
    const kernel = weight.endsWith('bias') ? (norms.get(weight.replace(/bias$/, 'kernel')) ?? 0) : 0
    const moved = variables.get(`optimizer/momentum/${weight}`)!
    const ours = sketch(
      weight,
      moved.map((v) => v / -step.learningRate),
    )
    assert.ok(ours.norm > 0, `${weight} has no gradient`)
    const scale = Math.max(norm, 1e-2 * kernel, 1e-3 * largest)
    yield { weight, error: Math.abs(ours.product - product) / scale }
  }
}
