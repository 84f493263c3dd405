import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { File, type Group, ready } from 'h5wasm/node'
import { buildBaseModel } from '../../../src/models/base-model.ts'
import { BASE_MODELS } from '../../../src/models/catalogue.ts'
import type { LayerGraph } from '../../../src/models/layer-graph.ts'
import { readWeights } from '../../../src/models/weights/read.ts'
import { ROOT } from '../../support/paths.ts'

/** What test/golden/legacy-h5.py found in a model's file as Keras writes it. */
interface LegacyFile {
  /** The group with the layers; empty for the file itself. */
  readonly root: string
  /** `layer dataset[shape]type>weight ...`: `*` for the layer's name, type and weight where they are not the plain ones. */
  readonly layers: readonly string[]
}

interface FileWeight {
  readonly dataset: string
  readonly shape: readonly number[]
  /** As numpy writes it. */
  readonly type: string
  /** As Keras names it. */
  readonly weight: string
}

interface FileLayer {
  readonly name: string
  readonly weights: readonly FileWeight[]
}

const bytes = readFileSync(join(ROOT, 'test/golden/legacy-h5.json.gz'))
const golden = JSON.parse(gunzipSync(bytes).toString()) as Record<
  'keras' | 'tf_keras',
  { readonly version: string; readonly files: Readonly<Record<string, LegacyFile>> }
>

/** GRAFT_MODELS=all reads Keras 2's files of every model, else those of one of each family: half of the time is theirs. */
const ALL = process.env['GRAFT_MODELS'] === 'all'
const FIRST = new Set(new Map(BASE_MODELS.toReversed().map((m) => [m.family, m.name])).values())

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-legacy-'))
  await ready
})
after(() => rm(folder, { recursive: true }))

for (const [keras, names] of [
  ['keras', BASE_MODELS.map(({ name }) => name)],
  // Keras 2 wrote the files that are published; it does not have the Lite ones.
  [
    'tf_keras',
    BASE_MODELS.filter(({ family }) => family !== 'EfficientNetLite').map((m) => m.name),
  ],
] as const) {
  const { version, files } = golden[keras]
  test(`there is a file of ${keras} ${version} for every base model`, () => {
    assert.deepEqual(Object.keys(files), names)
  })

  for (const [name, file] of Object.entries(files)) {
    if (keras === 'tf_keras' && !ALL && !FIRST.has(name)) continue
    test(`${name}: every weight of the .h5 that ${keras} ${version} writes is where Keras has it`, async () => {
      const graph = buildBaseModel({ name, includeTop: true })
      const layers = file.layers.map(parse)
      const weights = layers.flatMap((layer) => layer.weights)
      const shapes = new Map(weights.map(({ weight, shape }) => [plain(weight), shape]))
      const specs = graph.layers.flatMap((layer) => layer.weights)
      assert.deepEqual(shapes, new Map(specs.map((spec) => [plain(spec.name), spec.shape])))

      const path = join(folder, `${name}.${keras}.h5`)
      write(path, file, layers)
      const values = await readWeights(path, shrunk(graph), undefined, name)
      const found = new Map([...values].map(([weight, data]) => [plain(weight), data[0]]))
      assert.deepEqual(found, new Map(weights.map(({ weight }, i) => [plain(weight), i])))
      assert.equal(found.size, specs.length)
    })
  }
}

/** Keras 2 has slashes in names, and calls them a little otherwise: `Conv/BatchNorm` is `conv_bn` of Keras 3. */
function plain(weight: string): string {
  return weight.replace('BatchNorm', 'bn').replace(/\//g, '_').toLowerCase()
}

function parse(line: string): FileLayer {
  const [name = '', ...words] = line.split(' ')
  const weights = words.map((word) => {
    const [, dataset, shape, type, weight] = /^(.*)\[([\d,]*)\](<\w+)?(?:>(.*))?$/.exec(word)!
    const named = (text: string) => text.replace(/(^|\/)\*(?=\/)/, `$1${name}`)
    const own = named(dataset!).replace(/:0$/, '').split('/').slice(-2).join('/')
    return {
      dataset: named(dataset!),
      shape: shape === '' ? [] : shape!.split(',').map(Number),
      type: type ?? '<f4',
      weight: weight === undefined ? own : named(weight),
    }
  })
  return { name, weights }
}

/** So that what is written of the biggest models is small. */
const shrink = (shape: readonly number[]) => shape.map((n) => Math.min(n, 2))

function shrunk(graph: LayerGraph): LayerGraph {
  const layers = graph.layers.map((layer) => {
    return { ...layer, weights: layer.weights.map((w) => ({ ...w, shape: shrink(w.shape) })) }
  })
  return { ...graph, layers }
}

/** The same groups, attributes and datasets, each filled with its number. */
function write(path: string, { root }: LegacyFile, layers: readonly FileLayer[]): void {
  const file = new File(path, 'w')
  const group: Group = root === '' ? file : file.create_group(root)
  const names = layers.map(({ name }) => name)
  texts(group, 'layer_names', names)
  let number = 0
  for (const { name, weights } of layers) {
    const own = groupAt(group, name)
    const datasets = weights.map(({ dataset }) => dataset)
    texts(own, 'weight_names', datasets)
    for (const dataset of datasets) groupAt(own, dataset.split('/').slice(0, -1).join('/'))
    for (const { dataset, shape, type } of weights) {
      const small = shrink(shape)
      const data = new Array<number>(small.reduce((size, n) => size * n, 1)).fill(number)
      own.create_dataset({ name: dataset, data, shape: small, dtype: type })
      number += 1
    }
  }
  file.close()
}

/** The group, made with those above it where they are not there: Keras 2 has slashes in names of layers. */
function groupAt(from: Group, path: string): Group {
  return path
    .split('/')
    .reduce((group, name) => (group.get(name) as Group | null) ?? group.create_group(name), from)
}

/** Strings as h5py writes an array of them; of none numpy makes numbers. */
function texts(group: Group, name: string, values: readonly string[]): void {
  if (values.length === 0) group.create_attribute(name, new Float64Array(0), [0], '<d')
  else group.create_attribute(name, [...values], [values.length], 'A')
}
