import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { parse, stringify } from 'yaml'
import { readSafetensors } from '../../src/util/safetensors.ts'
import { tarBytes } from '../support/archives.ts'
import { CA_FILE, sendFile, serve } from '../support/https-server.ts'
import { ROOT } from '../support/paths.ts'
import {
  computed,
  createProject,
  filesOf,
  type Project,
  type RunResult,
  type Settings,
} from './rig.ts'

/** As TensorFlow wrote them (test/golden/savedmodels.py): `hub` takes pictures of 8 x 8 and gives five numbers. */
const MODULES = join(ROOT, 'test/fixtures/savedmodels')
const HANDLE = 'https://tfhub.dev/someone/little/feature-vector/1'

describe('a SavedModel as the base model', () => {
  let base: Project
  before(async () => {
    base = await createProject({ dataset: { imageSize: [8, 8] } })
  })
  after(() => base[Symbol.asyncDispose]())

  const configure = ({ path }: Project, settings: Settings) => {
    const file = join(path, 'pipeline.yaml')
    const { baseModel: _, ...rest } = parse(readFileSync(file, 'utf8')) as Settings
    const head = [{ Dense: { units: 'classes', activation: 'softmax' } }]
    writeFileSync(file, stringify({ ...rest, head, ...settings }))
  }
  const hub = join(MODULES, 'hub')

  it('frozen: its features are kept, and nothing is done twice', async () => {
    await using project = await base.copy()
    configure(project, { baseModel: { savedModel: hub }, preprocessing: { rescale: 1 / 255 } })
    const { result } = await project.run()
    assert.ok(result.stages.some(({ id }) => id === 'features:train'))
    assert.equal(result.parameters.trainable, 5 * 3 + 3)
    assert.deepEqual(computed((await project.run()).events), [])
    const { code, stderr } = await project.pipeline(['export', 'little@latest', '--out', 'out'])
    assert.equal(code, 2)
    assert.match(stderr, /^WRONG_VALUE keras_layer is a SavedModel, which no format here can hold/)
    assert.ok(!existsSync(join(project.path, 'out')))
  })

  it('fine-tuned: its own training branch moves weights and averages, its losses join ours', async () => {
    await using project = await base.copy()
    const settings = {
      baseModel: { savedModel: hub },
      preprocessing: { rescale: 1 / 255 },
      freeze: 'none',
      optimizer: { name: 'SGD', learningRate: 0.05 },
    }
    configure(project, settings)
    const { result } = await project.run()
    const model = await readSafetensors(
      join(project.path, result.run.dir, 'model/model.safetensors'),
    )
    const names = [...model.keys()]
    for (const part of ['stem/kernel', 'stem/bn/moving_mean', 'head/kernel']) {
      assert.ok(
        names.some((name) => name.startsWith('keras_layer/') && name.includes(part)),
        part,
      )
    }
    const [first, , last] = result.epochs.map(({ train }) => train['loss']!)
    assert.ok(last! < first!)
    // A run of it is a base model like any other, and predicts.
    configure(project, { name: 'second', baseModel: { run: 'little@latest' }, freeze: 'all' })
    const second = await project.run()
    assert.equal(second.result.parameters.total, result.parameters.total)
    const image = filesOf(join(project.path, 'pictures/test')).keys().next().value!
    const predicted = await project.pipeline([
      'predict',
      'second@latest',
      join('pictures/test', image),
      '--json',
      '--engine',
      'wasm',
    ])
    assert.equal(predicted.code, 0, predicted.stderr)
    const [{ top }] = JSON.parse(predicted.stdout) as [{ top: { probability: number }[] }]
    assert.ok(Math.abs(top.reduce((sum, { probability }) => sum + probability, 0) - 1) < 1e-5)
    // Its layers are kept in a format of their own.
    const layers = join(project.path, second.result.run.dir, 'model/architecture.json')
    const text = readFileSync(layers, 'utf8')
    assert.match(text, /^ {2}"format": 1,$/m)
    writeFileSync(layers, text.replace('"format": 1,', '"format": 0,'))
    const other = await project.pipeline(['predict', 'second@latest', join('pictures/test', image)])
    assert.equal(other.code, 1)
    assert.match(other.stderr, /BAD_WEIGHTS .*architecture.json: format 0, not 1\n/)
    assert.match(other.stderr, /make it anew: /)
  })

  it('from TensorFlow Hub: fetched, pinned, planned once it is here, gone on without a network', async () => {
    await using project = await base.copy()
    const entries = [...filesOf(hub)].map(([name, data]) => ({ name, data }))
    let bytes = gzipSync(tarBytes(entries))
    await using server = await serve((request, response) => {
      // As tfhub.dev does: on to a signed address of another host.
      if (request.url === '/someone/little/feature-vector/1?tf-hub-format=compressed') {
        response.writeHead(302, { location: server.url('/store/1?signature=hush', 'localhost') })
        response.end()
      } else sendFile(request, response, bytes)
    })
    const env = {
      NODE_EXTRA_CA_CERTS: CA_FILE,
      NO_PROXY: '127.0.0.1,localhost',
      GRAFT_TFHUB_URL: server.url(''),
      GRAFT_KAGGLE_URL: server.url('/kaggle'),
    }
    configure(project, { baseModel: { hub: HANDLE } })
    const planned = await project.pipeline(['plan', 'pipeline.yaml', '--json'], { env })
    const ids = (JSON.parse(planned.stdout) as { id: string }[]).map(({ id }) => id)
    assert.ok(ids.includes('download:weights') && ids.includes('weights') && !ids.includes('train'))
    const done = await project.pipeline(['run', 'pipeline.yaml', '--json'], { env })
    assert.equal(done.code, 0, done.stderr)
    assert.match(readFileSync(join(project.path, 'pipeline.lock'), 'utf8'), /someone\/little/)
    for (const [name, data] of filesOf(join(project.path, 'runs'))) {
      assert.ok(!data.includes('hush') && !data.includes(server.url('')), name)
    }
    const again = await project.pipeline(['run', 'pipeline.yaml', '--json', '--offline'])
    const result = JSON.parse(done.stdout) as RunResult
    assert.deepEqual(JSON.parse(again.stdout), result)
    const kinds = new Set(result.stages.map(({ kind }) => kind))
    assert.ok(kinds.has('features') && kinds.has('train') && kinds.has('evaluate'))
    // Other bytes at the same handle are not taken.
    bytes = gzipSync(tarBytes([...entries, { name: 'more', data: Buffer.from('x') }]))
    const args = ['run', 'pipeline.yaml', '--store', 'other']
    const changed = await project.pipeline(args, { env })
    assert.equal(changed.code, 1)
    assert.match(changed.stderr, /DIGEST_MISMATCH .*someone\/little/)
  })

  it('what does not fit is told at its place: before it runs where the files are here, else when they are', async () => {
    await using project = await base.copy()
    const told = async (settings: Settings) => {
      configure(project, settings)
      const { code, stderr } = await project.pipeline(['validate', 'pipeline.yaml'])
      assert.equal(code, 2, stderr)
      return stderr
    }
    const preprocessing = { rescale: 1 / 255 }
    const unknown = await told({
      baseModel: { savedModel: join(MODULES, 'unknown-ops') },
      preprocessing,
    })
    assert.match(unknown, /pipeline.yaml:\d+:\d+ BAD_WEIGHTS/)
    const none = await told({ baseModel: { savedModel: 'nothing-here' }, preprocessing })
    assert.match(none, /pipeline.yaml:\d+:\d+ BAD_WEIGHTS .*no SavedModel/)
    const signature = await told({
      baseModel: { savedModel: hub, signature: 'serve me' },
      preprocessing,
    })
    assert.match(signature, /pipeline.yaml:\d+:\d+ WRONG_VALUE .*serve me/)
    const flat = await told({
      baseModel: { savedModel: hub },
      preprocessing,
      head: ['GlobalAveragePooling2D', { Dense: { units: 'classes', activation: 'softmax' } }],
    })
    assert.match(flat, /CONFLICT GlobalAveragePooling2D needs rows and columns/)
    const many = await told({
      baseModel: { savedModel: hub },
      preprocessing,
      freeze: { first: 600 },
    })
    assert.match(many, /freeze.first is 600, but keras_layer has 2 layers/)
  })
})
