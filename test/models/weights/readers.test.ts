import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Layer, LayerGraph } from '../../../src/models/layer-graph.ts'
import { assignByOrder, assignFromState } from '../../../src/models/weights/assign.ts'
import { readKerasH5 } from '../../../src/models/weights/keras-h5.ts'
import { readPytorch } from '../../../src/models/weights/pytorch.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { readSafetensors, writeSafetensors } from '../../../src/util/safetensors.ts'
import { ROOT } from '../../support/paths.ts'

const fixture = (name: string) => join(ROOT, 'test/fixtures/weights', name)
const golden = JSON.parse(await readFile(join(ROOT, 'test/golden/weights.json'), 'utf8')) as Record<
  string,
  [string, number[], number][]
> & { state: Record<string, [number[], number[]]> }

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-weights-'))
})
after(() => rm(folder, { recursive: true }))

const rejects = async (promise: Promise<unknown>, pattern: RegExp) =>
  assert.rejects(promise, (error) => error instanceof PipelineError && pattern.test(error.message))

for (const name of ['whole-model.h5', 'keras2.h5', 'chunked-latest.h5', 'nested.h5']) {
  test(`${name}: every weight in Keras' order, with Keras' values`, async () => {
    const layers = await readKerasH5(fixture(name))
    const weights = layers.flatMap((layer) => layer.weights)
    const expected = golden[name]!
    assert.deepEqual(
      weights.map((w) => w.shape),
      expected.map(([, shape]) => shape),
    )
    weights.forEach((w, i) => {
      const sum = w.data.reduce((total, x) => total + x, 0)
      assert.ok(Math.abs(sum - expected[i]![2]) < 1e-4, `${w.name}: ${sum}, not ${expected[i]![2]}`)
    })
  })
}

test('a nested model comes back as its own layers', async () => {
  const layers = await readKerasH5(fixture('nested.h5'))
  const withWeights = layers.filter((l) => l.weights.length > 0)
  assert.deepEqual(
    withWeights.map((l) => [l.name, l.weights.length]),
    [
      ['c1', 2],
      ['b1', 4],
      ['c2', 2],
      ['b2', 4],
      ['d', 2],
    ],
  )
})

for (const name of ['legacy.pth', 'zip.pth']) {
  test(`${name}: tensors by name, views and other number types included`, async () => {
    const state = await readPytorch(fixture(name))
    assert.deepEqual([...state.keys()], Object.keys(golden.state))
    for (const [key, [shape, start]] of Object.entries(golden.state)) {
      const tensor = state.get(key)!
      assert.deepEqual(tensor.shape, shape)
      assert.deepEqual([...tensor.data.subarray(0, 8)], [...Float32Array.from(start)])
    }
  })
}

test('a pickle that names a function is refused and not executed', async () => {
  await rejects(readPytorch(fixture('evil.pth')), /names os\.system, .* nothing of it was executed/)
  await rejects(readPytorch(fixture('evil.pth')), /BAD_WEIGHTS/)
})

test('damaged files are BAD_WEIGHTS, whatever byte is missing or flipped', async () => {
  for (const name of ['legacy.pth', 'zip.pth', 'keras2.h5']) {
    const bytes = await readFile(fixture(name))
    const read = name.endsWith('.h5') ? readKerasH5 : readPytorch
    for (let cut = 1; cut < bytes.length; cut += Math.ceil(bytes.length / 40)) {
      const path = join(folder, name)
      await writeFile(path, bytes.subarray(0, bytes.length - cut))
      // A cut that leaves every value in place may still be read; anything else is our own error.
      await read(path).catch((error: unknown) =>
        assert.ok(error instanceof PipelineError, `${error}`),
      )
      const flipped = Buffer.from(bytes)
      flipped[cut]! ^= 0xff
      await writeFile(path, flipped)
      await read(path).catch((error: unknown) =>
        assert.ok(error instanceof PipelineError, `${error}`),
      )
    }
  }
  const path = join(folder, 'page.h5')
  await writeFile(path, '<html>not found</html>')
  await rejects(readKerasH5(path), /BAD_WEIGHTS .*page\.h5 is not an HDF5 file/)
  await rejects(readPytorch(path), /BAD_WEIGHTS .*page\.h5 is not a PyTorch state dict/)
  await rejects(readKerasH5(join(folder, 'none.h5')), /BAD_WEIGHTS cannot read/)
})

const layer = (name: string, kind: Layer['kind'], shapes: number[][], parts: string[]): Layer =>
  ({
    name,
    kind,
    inputs: [],
    outputShape: [],
    config: {},
    weights: shapes.map((shape, i) => ({
      name: `${name}/${parts[i]}`,
      shape,
      initializer: { name: 'Zeros' },
      trainable: true,
    })),
  }) as unknown as Layer

const graph = (layers: Layer[]): LayerGraph => ({
  name: 'tiny',
  layers,
  input: layers[0]!,
  output: layers.at(-1)!,
})

const BN = ['gamma', 'beta', 'moving_mean', 'moving_variance']
const fitting = () => [
  layer('input', 'InputLayer', [], []),
  layer(
    'sep',
    'SeparableConv2D',
    [[3, 3, 3, 1], [1, 1, 3, 4], [4]],
    ['depthwise_kernel', 'pointwise_kernel', 'bias'],
  ),
  layer('norm', 'BatchNormalization', [[4], [4], [4], [4]], BN),
  layer('depth', 'DepthwiseConv2D', [[3, 3, 4, 1], [4]], ['kernel', 'bias']),
  layer('out', 'Dense', [[64, 2], [2]], ['kernel', 'bias']),
]

test('weights are poured by order, whatever the names', async () => {
  const file = await readKerasH5(fixture('keras2.h5'))
  const values = assignByOrder(graph(fitting()), file, 'keras2.h5')
  assert.equal(values.size, 11)
  assert.equal(values.get('out/kernel'), file.at(-1)!.weights[0]!.data)
})

test('a file that does not fit is refused with the first layer that differs', async () => {
  const file = await readKerasH5(fixture('keras2.h5'))
  const other = fitting()
  other[3] = layer('depth', 'DepthwiseConv2D', [[5, 5, 4, 1], [4]], ['kernel', 'bias'])
  assert.throws(
    () => assignByOrder(graph(other), file, 'keras2.h5'),
    /WEIGHTS_MISMATCH keras2\.h5 does not fit tiny: at layer 3 .* the file has depthwise_conv2d with \[3, 3, 4, 1\] \[4\], the model depth with \[5, 5, 4, 1\] \[4\]/,
  )
  assert.throws(
    () => assignByOrder(graph(fitting().slice(0, 4)), file, 'f'),
    /at layer 4 .* the model ends where the file has dense/,
  )
  assert.throws(
    () =>
      assignByOrder(graph([...fitting(), layer('more', 'Dense', [[2, 2]], ['kernel'])]), file, 'f'),
    /at layer 5 .* the file ends where the model has more/,
  )
})

test("a state dict's kernels are turned to Keras' order", async () => {
  const state = await readPytorch(fixture('zip.pth'))
  const conv = graph([layer('c', 'Conv2D', [[3, 3, 3, 4]], ['kernel'])])
  const values = assignFromState(conv, state, () => 'conv', 'zip.pth')
  const ours = values.get('c/kernel')!
  const theirs = state.get('conv.weight')!.data
  for (let out = 0; out < 4; out += 1) {
    for (let i = 0; i < 3; i += 1) {
      // [h, w, in, out] against [out, in, h, w] at h = 2, w = 1.
      assert.equal(ours[((2 * 3 + 1) * 3 + i) * 4 + out], theirs[((out * 3 + i) * 3 + 2) * 3 + 1])
    }
  }
  assert.throws(
    () => assignFromState(conv, state, () => 'nothing', 'zip.pth'),
    /WEIGHTS_MISMATCH .*the file has no nothing\.weight/,
  )
})

test('safetensors: what is written is read again, and a damaged file is named', async () => {
  const path = join(folder, 'w.safetensors')
  const tensors = new Map([
    ['b', { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ['a', { shape: [], data: Float32Array.of(-0.5) }],
    ['empty', { shape: [0], data: new Float32Array(0) }],
  ])
  await writeSafetensors(path, tensors, { source: 'test' })
  const again = await readSafetensors(path)
  assert.deepEqual(again, new Map([...tensors].sort(([a], [b]) => (a < b ? -1 : 1))))
  const bytes = await readFile(path)
  await writeFile(path, bytes.subarray(0, bytes.length - 2))
  await rejects(readSafetensors(path), /BAD_WEIGHTS .* b of \[2,3\] does not fit/)
  await writeFile(path, 'abc')
  await rejects(readSafetensors(path), /BAD_WEIGHTS .* it has 3 bytes/)
})
