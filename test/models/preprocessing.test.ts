import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BASE_MODELS } from '../../src/models/catalogue.ts'
import {
  describePreprocessing,
  preprocess,
  samePreprocessing,
  type Preprocessing,
} from '../../src/models/preprocessing.ts'
import { Builder } from '../../src/program/builder.ts'
import { evaluate } from '../../src/program/evaluate.ts'
import { assertClose } from '../support/compare.ts'
import { outputGolden } from './goldens.ts'

const { pixels, modes, models } = outputGolden().preprocessing

function applied(preprocessing: Preprocessing): { data: ArrayLike<number>; ops: string[] } {
  const b = new Builder()
  const shape = [1, pixels.length / 9, 3, 3]
  const output = preprocess(b, b.input('x', shape, 'uint8'), preprocessing)
  b.entry('run', { fetches: { output }, updates: [] })
  const program = b.program()
  const { fetches } = evaluate(program, 'run', { x: Uint8Array.from(pixels) })
  return { data: fetches['output']!, ops: program.nodes.map((node) => node.op) }
}

for (const mode of ['tf', 'torch', 'caffe'] as const) {
  test(`mode ${mode} is Keras' preprocess_input`, () => {
    assertClose(applied({ mode }).data, modes[mode], 3e-7, mode)
  })
}

for (const { name, preprocessing } of BASE_MODELS) {
  test(`${name} has Keras' preprocess_input`, () => {
    assertClose(applied(preprocessing).data, models[name]!, 3e-7, name)
  })
}

test('rescale, mean and std, none', () => {
  assertClose(
    applied({ rescale: 1 / 255 }).data,
    pixels.map((p) => p / 255),
    1e-7,
    'rescale',
  )
  const std = [128, 64, 32]
  const standardized = applied({ mean: [127, 100, 50], std }).data
  assertClose(
    standardized,
    pixels.map((p, i) => (p - [127, 100, 50][i % 3]!) / std[i % 3]!),
    1e-6,
    'std',
  )
  assert.deepEqual(applied({ mode: 'none' }).ops, ['input', 'cast'])
})

test('equality sees through how a preprocessing is written', () => {
  assert.ok(samePreprocessing({ mean: [127], std: [1, 1, 1] }, { mean: [127, 127, 127], std: [1] }))
  const lite = { mean: [127, 127, 127], std: [128, 128, 128] }
  assert.ok(
    samePreprocessing({ mode: 'tf' }, { mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5] }),
  )
  assert.ok(samePreprocessing({ mode: 'none' }, { rescale: 1 }))
  assert.ok(!samePreprocessing({ mode: 'tf' }, { rescale: 1 / 255 }))
  assert.ok(!samePreprocessing({ mode: 'tf' }, lite))
  assert.ok(
    !samePreprocessing({ mode: 'caffe' }, { mean: [103.939, 116.779, 123.68], std: [1, 1, 1] }),
  )
})

test('listings say it in a few words', () => {
  assert.equal(describePreprocessing({ rescale: 1 / 255 }), 'x * 1/255')
  assert.equal(describePreprocessing({ mode: 'tf' }), 'x / 127.5 - 1')
  assert.equal(
    describePreprocessing({ mean: [127, 127, 127], std: [128, 128, 128] }),
    '(x - 127) / 128',
  )
  assert.equal(describePreprocessing({ mean: [1, 2, 3], std: [2, 2, 2] }), '(x - [1, 2, 3]) / 2')
})
