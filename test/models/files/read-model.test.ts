import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { fromBufferPromise } from 'yauzl'
import { ZipFile } from 'yazl'
import { buildBaseModel } from '../../../src/models/base-model.ts'
import { readArchitecture, readModelFile } from '../../../src/models/files/read-model.ts'
import { readTfjsModel } from '../../../src/models/files/tfjs.ts'
import type { LayerGraph, WeightMap } from '../../../src/models/layer-graph.ts'
import { kerasPositions } from '../../../src/models/listing.ts'
import { lower } from '../../../src/models/lower.ts'
import { readSavedModel } from '../../../src/models/saved-model/read.ts'
import { rebuildGraph } from '../../../src/models/stored-graph.ts'
import { readWeights } from '../../../src/models/weights/read.ts'
import { Builder } from '../../../src/program/builder.ts'
import { evaluate } from '../../../src/program/evaluate.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { assertClose } from '../../support/compare.ts'
import { modelFile } from '../../support/models.ts'
import { ROOT } from '../../support/paths.ts'
import { madeUpPicture } from '../made-up.ts'

/** What test/golden/model-files.py wrote. */
type Golden = Readonly<
  Record<string, { readonly keras: string; readonly layers: string[]; readonly output?: number[] }>
>

const golden = JSON.parse(
  await readFile(join(ROOT, 'test/golden/model-files.json'), 'utf8'),
) as Golden
const whole = Object.keys(golden).filter((name) => !name.endsWith('.weights.h5'))

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-model-files-'))
})
after(() => rm(folder, { recursive: true }))

async function unpacked(name: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, modelFile(name))
  return path
}

const rejects = async (promise: Promise<unknown>, pattern: RegExp) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof PipelineError, `${error}`)
    assert.match(error.message, pattern)
    return true
  })

function run(graph: LayerGraph, weights: WeightMap) {
  const b = new Builder()
  const input = b.input('x', [2, 12, 10, 3])
  const { output } = lower(b, graph, { weights, start: { [graph.input.name]: input } })
  b.entry('run', { fetches: { output }, updates: [] })
  const x = Float32Array.from(madeUpPicture(2, 12, 10))
  return evaluate(b.program(), 'run', { x }).fetches['output']
}

/** As Keras' `model.layers` names them. */
function listedNames(graph: LayerGraph): string[] {
  const names: string[] = []
  kerasPositions(graph).forEach((position, i) => {
    const { name, listed } = graph.layers[i]!
    if (position !== undefined) names[position] = typeof listed === 'object' ? listed.within : name
  })
  return names
}

for (const name of whole) {
  const { keras, layers, output } = golden[name]!
  test(`${name}: the outputs of Keras ${keras}`, async () => {
    const path = await unpacked(name)
    const { graph, weights } = await readModelFile(path)
    const built = rebuildGraph(graph)
    assertClose(run(built, weights), output!, 2e-5, 'output')
    assert.deepEqual((await readArchitecture(path)).graph, graph)
    assert.deepEqual(listedNames(built), layers)
  })
}

for (const stem of ['functional', 'functional-keras2', 'sequential', 'sequential-keras2']) {
  test(`${stem}: .weights.h5 and .keras fill a model that is built by name`, async () => {
    const { graph, weights } = await readModelFile(await unpacked(`${stem}.h5`))
    const named = rebuildGraph(graph)
    for (const ending of ['weights.h5', 'keras', 'h5']) {
      const values = await readWeights(await unpacked(`${stem}.${ending}`), named, undefined)
      assert.deepEqual(values, weights, ending)
    }
    const other = await unpacked('unlisted.weights.h5')
    await rejects(
      readWeights(other, named, undefined, 'other.weights.h5'),
      /WEIGHTS_MISMATCH other\.weights\.h5 does not fit (plain|branches): layers\/\w+\/vars has .*, the model \w+ with \[3/,
    )
    const shorter = rebuildGraph(graph, { output: graph.layers.at(-3)!.name })
    await rejects(
      readWeights(await unpacked(`${stem}.weights.h5`), shorter, undefined, 'f'),
      /WEIGHTS_MISMATCH f does not fit .*: the model has no layers\/dense/,
    )
  })
}

/** A .keras file with another config.json, or without an entry. */
async function altered(change: (entries: Map<string, Buffer>) => void): Promise<string> {
  const zip = await fromBufferPromise(modelFile('sequential.keras'), { lazyEntries: true })
  const entries = new Map<string, Buffer>()
  for await (const entry of zip.eachEntry()) {
    entries.set(entry.fileName, await buffer(await zip.openReadStreamPromise(entry)))
  }
  change(entries)
  const out = new ZipFile()
  for (const [name, bytes] of entries) out.addBuffer(bytes, name)
  out.end()
  const path = join(folder, 'altered.keras')
  await writeFile(path, await buffer(out.outputStream))
  return path
}

const withConfig = (change: (text: string) => string) => (entries: Map<string, Buffer>) => {
  entries.set('config.json', Buffer.from(change(entries.get('config.json')!.toString())))
}

const alterations: readonly [string, (entries: Map<string, Buffer>) => void, RegExp][] = [
  [
    'another number of units',
    withConfig((text) => text.replace('"units": 3', '"units": 4')),
    /WEIGHTS_MISMATCH m\.keras: layers\/dense\/vars\/0 is \[30, 3\], and its layer "dense" takes \[30, 4\]/,
  ],
  [
    'a bias more',
    withConfig((text) => text.replace(/"use_bias": true/g, '"use_bias": false')),
    /WEIGHTS_MISMATCH m\.keras has 2 weights for its layer "conv2d\w*", which takes 1/,
  ],
  [
    'weights of another model',
    withConfig((text) => text.replaceAll('"DepthwiseConv2D"', '"DepthwiseConv2D_"')),
    /BAD_WEIGHTS m\.keras: layer "depthwise_conv2d\w*" is of class DepthwiseConv2D_, which/,
  ],
  [
    'no config.json',
    (entries) => entries.delete('config.json'),
    /BAD_WEIGHTS m\.keras is not a .keras/,
  ],
  [
    'no weights',
    (entries) => entries.delete('model.weights.h5'),
    /BAD_WEIGHTS m\.keras has no model\.weights/,
  ],
  [
    'text for JSON',
    withConfig(() => 'hello'),
    /BAD_WEIGHTS m\.keras is not a \.keras file, or a damaged/,
  ],
  [
    'weights that are none',
    (entries) => entries.set('model.weights.h5', Buffer.from('no HDF5')),
    /BAD_WEIGHTS m\.keras is not an HDF5 file, or a damaged one/,
  ],
  [
    'far more bytes than the model needs',
    (entries) => entries.set('model.weights.h5', Buffer.alloc(66 * 2 ** 20)),
    /BAD_WEIGHTS m\.keras: model\.weights\.h5 has 69206016 bytes, more than its model can need/,
  ],
]
for (const [what, change, message] of alterations) {
  test(`a .keras file with ${what}: a clear error`, async () => {
    await rejects(readModelFile(await altered(change), 'm.keras'), message)
  })
}

test('what is no model file is told apart', async () => {
  const weights = await unpacked('sequential.weights.h5')
  await rejects(readModelFile(weights, 'w'), /BAD_WEIGHTS w holds weights without an architecture/)
  const page = join(folder, 'page.keras')
  await writeFile(page, '<html>not found</html>')
  await rejects(readModelFile(page, 'p'), /BAD_WEIGHTS p is no model file that can be read here/)
  await rejects(readModelFile(folder, 'f'), /BAD_WEIGHTS cannot read f/)
  await rejects(readModelFile(join(folder, 'none'), 'n'), /BAD_WEIGHTS cannot read n/)
})

test('a pipe is not waited for, and of a folder it is told what to name', async () => {
  const pipe = join(folder, 'pipe.h5')
  execFileSync('mkfifo', [pipe])
  await rejects(readModelFile(pipe, 'p'), /BAD_WEIGHTS cannot read p/)
  const graph = buildBaseModel({ name: 'MobileNetV2', alpha: 0.35 })
  await rejects(readWeights(pipe, graph, undefined), /BAD_WEIGHTS cannot read .*pipe.h5/)
  await rejects(readWeights(folder, graph, undefined), /BAD_WEIGHTS cannot read /)
  const hint = async (promise: Promise<unknown>) =>
    promise.then(
      () => assert.fail('it was read'),
      (error: unknown) => (error as PipelineError).diagnostics[0]!.hint,
    )
  const module = join(ROOT, 'test/fixtures/savedmodels/hub')
  assert.match((await hint(readModelFile(module)))!, /\{savedModel: FOLDER\}/)
  assert.match((await hint(readSavedModel(join(module, 'saved_model.pb'))))!, /^name the folder/)
  await writeFile(join(folder, 'model.json'), '{}')
  assert.equal(await hint(readTfjsModel(folder)), 'name the model.json in it')
  const none = join(folder, 'module')
  await mkdir(join(none, 'saved_model.pb'), { recursive: true })
  await rejects(readSavedModel(none), /BAD_WEIGHTS .* is no SavedModel: it has no saved_model.pb/)
})

for (const name of ['sequential.keras', 'stacked-keras2.h5']) {
  test(`${name}, cut short or with a byte changed, is read or refused, never a bug`, async () => {
    const bytes = modelFile(name)
    const path = join(folder, `damaged-${name}`)
    for (let at = 1; at < bytes.length; at += Math.ceil(bytes.length / 30)) {
      const flipped = Buffer.from(bytes)
      flipped[at]! ^= 0xff
      for (const damaged of [bytes.subarray(0, at), flipped]) {
        await writeFile(path, damaged)
        await readModelFile(path).then(
          ({ weights }) => assert.ok(weights.size > 0),
          (error: unknown) => assert.ok(error instanceof PipelineError, `${at}: ${error}`),
        )
      }
    }
    // Nothing of that stays.
    assert.ok((await readModelFile(await unpacked(name))).weights.size > 0)
  })
}
