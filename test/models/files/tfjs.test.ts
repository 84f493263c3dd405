import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { io } from '@tensorflow/tfjs-core'
import { buildBaseModel } from '../../../src/models/base-model.ts'
import { readTfjsGraph, readTfjsModel, readTfjsWeights } from '../../../src/models/files/tfjs.ts'
import { readManifestWeights } from '../../../src/models/files/tfjs-weights.ts'
import { lower } from '../../../src/models/lower.ts'
import { rebuildGraph } from '../../../src/models/stored-graph.ts'
import { Builder } from '../../../src/program/builder.ts'
import { evaluate } from '../../../src/program/evaluate.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { assertClose } from '../../support/compare.ts'
import { loadTfjs, predictInTfjs, saveFromTfjs, type Tfjs } from '../../support/tfjs.ts'
import { madeUpPicture, madeUpWeights } from '../made-up.ts'

let folder: string
let tfjs: Tfjs
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-tfjs-'))
  tfjs = await loadTfjs()
})
after(() => rm(folder, { recursive: true }))

/** As Teachable Machine makes its models: a network in a Sequential in a Sequential, and a head in another one. */
function nested({ layers: tfl }: Tfjs) {
  const { layers } = tfl
  const input = tfl.input({ shape: [9, 8, 3] })
  const conv = layers.conv2d({
    filters: 6,
    kernelSize: 3,
    strides: 2,
    padding: 'same',
    useBias: false,
  })
  let x = layers.batchNormalization({ momentum: 0.9 }).apply(conv.apply(input))
  x = layers.reLU({ maxValue: 6 }).apply(x)
  x = layers.depthwiseConv2d({ kernelSize: 3, padding: 'valid', name: 'a_depthwise' }).apply(x)
  const y = layers.activation({ activation: 'swish' }).apply(x)
  x = layers.add().apply([x as never, y as never])
  const trunk = tfl.model({ inputs: input as never, outputs: x as never })
  const pooled = tfl.sequential({ layers: [trunk] })
  pooled.add(layers.globalAveragePooling2d({}))
  const head = tfl.sequential()
  head.add(layers.dense({ units: 4, activation: 'relu', inputShape: [6] }))
  head.add(layers.dropout({ rate: 0.5 }))
  head.add(layers.dense({ units: 2, activation: 'softmax', useBias: false }))
  return tfl.sequential({ layers: [pooled, head] })
}

/** The files of that model, changed. */
async function changed(
  change: (json: io.ModelJSON & Record<string, unknown>) => void,
  name: string,
) {
  const path = join(folder, name)
  await saveFromTfjs(tfjs, nested(tfjs), path, 300)
  const json = JSON.parse(readFileSync(join(path, 'model.json'), 'utf8')) as io.ModelJSON
  change(json as never)
  writeFileSync(join(path, 'model.json'), JSON.stringify(json))
  return join(path, 'model.json')
}

const groupOf = (json: io.ModelJSON) =>
  json.weightsManifest[0]! as {
    paths: string[]
    weights: { shape: number[]; dtype: string; name: string }[]
  }

async function problem(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => assert.fail('it did not fail'),
    (e: unknown) => e,
  )
  assert.ok(error instanceof PipelineError, String(error))
  return error.message.replaceAll(folder, '')
}

describe('tfjs LayersModels', () => {
  it('what tfjs saves predicts here as it does there', async () => {
    const path = join(folder, 'nested')
    await saveFromTfjs(tfjs, nested(tfjs), path, 333)
    const { graph: stored, weights } = await readTfjsModel(join(path, 'model.json'))
    const graph = rebuildGraph(stored)
    assert.deepEqual(graph.input.outputShape, [9, 8, 3])
    assert.deepEqual(stored, await readTfjsGraph(join(path, 'model.json')))
    const pixels = madeUpPicture(2, 9, 8)
    const b = new Builder()
    const input = b.input('x', [2, 9, 8, 3])
    const { output } = lower(b, graph, { weights, start: { [graph.input.name]: input } })
    b.entry('run', { fetches: { output }, updates: [] })
    const got = evaluate(b.program(), 'run', { x: Float32Array.from(pixels) })
    const { outputs } = await predictInTfjs(path, [2, 9, 8, 3], pixels)
    assertClose(got.fetches['output'], outputs, 1e-5, 'output')
  })

  it('keys in camel case, as some programs write them, are read too', async () => {
    const camel = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(camel)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [
          key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
          camel(item),
        ]),
      )
    }
    const path = await changed((json) => {
      json.modelTopology = camel(json.modelTopology) as object
    }, 'camel')
    const { graph } = await readTfjsModel(path)
    assert.deepEqual(
      graph.layers.map(({ kind }) => kind),
      // prettier-ignore
      ['InputLayer', 'Conv2D', 'BatchNormalization', 'ReLU', 'DepthwiseConv2D', 'Activation', 'Add',
       'GlobalAveragePooling2D', 'Dense', 'Dropout', 'Dense'],
    )
  })

  it('quantized weights are those that tfjs reads', async () => {
    const path = join(folder, 'quantized')
    mkdirSync(path)
    const bytes = Uint8Array.from({ length: 3 + 4 + 6 + 8 }, (_, i) => (i * 37 + 11) % 256)
    // Half floats that are numbers.
    bytes.set([0x00, 0x3c, 0x01, 0x80, 0xff, 0x7b], 7)
    writeFileSync(join(path, 'a'), bytes.subarray(0, 5))
    writeFileSync(join(path, 'b'), bytes.subarray(5))
    const quantized = (dtype: string) => ({
      dtype,
      scale: 0.1,
      min: -3.7,
      original_dtype: 'float32',
    })
    const weights = [
      { name: 'l/one', shape: [3], dtype: 'float32', quantization: quantized('uint8') },
      { name: 'l/two', shape: [2], dtype: 'float32', quantization: quantized('uint16') },
      { name: 'l/half', shape: [3, 1], dtype: 'float32', quantization: { dtype: 'float16' } },
      { name: 'l/whole', shape: [1], dtype: 'int32' },
      { name: 'l/none', shape: [2, 0], dtype: 'float32' },
      { name: 'l/float', shape: [], dtype: 'float32' },
    ]
    const got = await readManifestWeights(
      [{ paths: ['a', 'b'], weights }],
      join(path, 'model.json'),
    )
    const wanted = tfjs.core.io.decodeWeights(bytes.buffer, weights as io.WeightsManifestEntry[])
    for (const { name, shape } of weights) {
      assert.deepEqual(got.get(name)!.shape, shape)
      const theirs = Float32Array.from(await wanted[name]!.data())
      assert.deepEqual(got.get(name)!.data, theirs, name)
    }
  })

  it('weights alone go to the base model that they are of, by name or in order', async () => {
    const graph = buildBaseModel({ name: 'MobileNetV2', alpha: 0.35, inputShape: [32, 32, 3] })
    const values = madeUpWeights(graph)
    const specs = graph.layers.flatMap((layer) => layer.weights.map((spec) => ({ layer, spec })))
    const save = (name: string, rename: (layer: string) => string) => {
      const path = join(folder, name)
      mkdirSync(path)
      const weights = specs.map(({ layer, spec }) => {
        const short = spec.name.slice(layer.name.length + 1)
        const isDepthwise = layer.kind === 'DepthwiseConv2D' && short === 'kernel'
        const theirs = `${rename(layer.name)}/${isDepthwise ? 'depthwise_kernel' : short}`
        return { name: theirs, shape: spec.shape, dtype: 'float32' }
      })
      const bytes = specs.map(({ spec }) => new Uint8Array(values.get(spec.name)!.buffer))
      writeFileSync(join(path, 'w.bin'), Buffer.concat(bytes))
      const json = { modelTopology: null, weightsManifest: [{ paths: ['w.bin'], weights }] }
      writeFileSync(join(path, 'model.json'), JSON.stringify(json))
      return join(path, 'model.json')
    }
    for (const path of [save('named', (n) => n), save('numbered', (n) => `${n}_7`)]) {
      const got = await readTfjsWeights(path, graph)
      assert.equal(got.size, specs.length)
      for (const [name, data] of values) assert.deepEqual(got.get(name), data)
    }
    assert.match(
      await problem(readTfjsModel(join(folder, 'named/model.json'))),
      /^BAD_WEIGHTS \/named\/model.json holds weights without an architecture$/,
    )
  })
})

describe('tfjs models that cannot be read', () => {
  const cases: readonly [string, (json: never) => void, RegExp][] = [
    [
      'a GraphModel',
      (json: Record<string, unknown>) => (json['format'] = 'graph-model'),
      /is a tfjs GraphModel/,
    ],
    [
      'no manifest',
      (json: Record<string, unknown>) => delete json['weightsManifest'],
      /no weightsManifest$/,
    ],
    [
      'a manifest of something else',
      (json: Record<string, unknown>) => (json['weightsManifest'] = [7]),
      /no paths and weights$/,
    ],
    [
      'a file above',
      (json: io.ModelJSON) => (groupOf(json).paths[0] = '../part0.bin'),
      /would lie at "..\/part0.bin"$/,
    ],
    [
      'a file below, and up again',
      (json: io.ModelJSON) => (groupOf(json).paths[0] = 'x/../../part0.bin'),
      /would lie at/,
    ],
    [
      'an absolute file',
      (json: io.ModelJSON) => (groupOf(json).paths[0] = '/etc/hostname'),
      /would lie at/,
    ],
    [
      'an address',
      (json: io.ModelJSON) => (groupOf(json).paths[0] = 'http://127.0.0.1/part0.bin'),
      /would lie at/,
    ],
    [
      "a file in Windows' words",
      (json: io.ModelJSON) => (groupOf(json).paths[0] = '..\\part0.bin'),
      /would lie at/,
    ],
    ['a folder', (json: io.ModelJSON) => (groupOf(json).paths[0] = '.'), /would lie at/],
    [
      'a file twice',
      (json: io.ModelJSON) => {
        const { paths } = groupOf(json)
        paths.push(paths[0]!)
      },
      /weightsManifest has "\S+" twice$/,
    ],
    [
      'a missing file',
      (json: io.ModelJSON) => (groupOf(json).paths[0] = 'part9.bin'),
      /cannot read its weights in part9.bin$/,
    ],
    [
      'a file too few',
      (json: io.ModelJSON) => groupOf(json).paths.pop(),
      /does not fit into the 3 files/,
    ],
    [
      'a weight less',
      (json: io.ModelJSON) => groupOf(json).weights.pop(),
      /bytes more than its weights$/,
    ],
    [
      'a huge shape',
      (json: io.ModelJSON) => (groupOf(json).weights[0]!.shape = [2 ** 40, 2 ** 40]),
      /does not fit/,
    ],
    [
      'a shape that is none',
      (json: io.ModelJSON) => (groupOf(json).weights[0]!.shape = [-1]),
      /without a name or a shape$/,
    ],
    [
      'text',
      (json: io.ModelJSON) => (groupOf(json).weights[0]!.dtype = 'string'),
      /is of type string/,
    ],
    [
      'a name twice',
      (json: io.ModelJSON) => (groupOf(json).weights[1]!.name = groupOf(json).weights[0]!.name),
      /two weights are named/,
    ],
    [
      'another name',
      (json: io.ModelJSON) => (groupOf(json).weights[0]!.name = 'other/kernel'),
      /has no weight conv2d/,
    ],
    [
      'another shape',
      (json: io.ModelJSON) => groupOf(json).weights[0]!.shape.reverse(),
      /WEIGHTS_MISMATCH/,
    ],
  ]
  for (const [what, change, message] of cases) {
    it(what, async () => {
      const path = await changed(change as never, what.replaceAll(/\W/g, '-'))
      assert.match(await problem(readTfjsModel(path)), message)
    })
  }

  it('a pipe in the place of a file is not waited for', async () => {
    const path = await changed((json) => (groupOf(json).paths[0] = 'pipe'), 'pipe')
    assert.equal(spawnSync('mkfifo', [join(folder, 'pipe/pipe')]).status, 0)
    assert.match(await problem(readTfjsModel(path)), /pipe is no file$/)
  })

  it('what is no JSON, and what is not there', async () => {
    const path = join(folder, 'none.json')
    writeFileSync(path, 'weights')
    assert.match(await problem(readTfjsModel(path)), /^BAD_WEIGHTS \/none.json is no JSON$/)
    assert.match(await problem(readTfjsModel(`${path}.gz`)), /^BAD_WEIGHTS .* cannot be read$/)
  })
})
