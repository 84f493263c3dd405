import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { Engine } from '../../src/engines/engine.ts'
import { buildBaseModel } from '../../src/models/base-model.ts'
import { defaultPreprocessing } from '../../src/models/published.ts'
import { lower } from '../../src/models/lower.ts'
import { preprocess } from '../../src/models/preprocessing.ts'
import { Builder } from '../../src/program/builder.ts'
import { assertClose } from '../support/compare.ts'
import { testEngines } from '../support/engines.ts'
import { outputGolden } from './goldens.ts'
import { madeUpPicture, madeUpWeights } from './made-up.ts'

const golden = outputGolden()

for (const { name, open } of testEngines('base models')) {
  describe(`base models on ${name}`, async () => {
    const engine: Engine = await open()
    after(() => engine.close())
    for (const { options, batch, shape, output, logits } of golden.outputs) {
      test(`${JSON.stringify(options)} gives Keras' numbers`, async () => {
        const graph = buildBaseModel(options)
        const [height, width] = options.inputShape as [number, number]
        const b = new Builder()
        const pixels = b.input('pixels', [batch, height, width, 3], 'uint8')
        const lowered = lower(b, graph, {
          weights: madeUpWeights(graph),
          start: { [graph.input.name]: preprocess(b, pixels, defaultPreprocessing(options.name)) },
        })
        assert.deepEqual(lowered.output.shape, shape)
        const before = lowered.logits
        assert.equal(before?.activation, logits && 'softmax')
        const fetches = { output: lowered.output, ...(before && { logits: before.tensor }) }
        b.entry('infer', { fetches, updates: [] })
        const session = await engine.compile(b.program())
        const got = await session.run('infer', { pixels: madeUpPicture(batch, height, width) })
        await session.close()
        assertClose(got['output'], output, 1e-4, 'output')
        if (logits) assertClose(got['logits'], logits, 1e-4, 'logits')
      })
    }
  })
}
