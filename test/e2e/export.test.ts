import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { unpackArchive } from '../../src/data/archives/unpack.ts'
import { openPack } from '../../src/data/pack.ts'
import type { Engine, Session } from '../../src/engines/engine.ts'
import { openWasm } from '../../src/engines/wasm/engine.ts'
import { exportRun } from '../../src/export/export.ts'
import { layoutOf } from '../../src/graph/layout.ts'
import { openStore } from '../../src/graph/store.ts'
import { readModelGraph } from '../../src/models/files/read-model.ts'
import { readRun } from '../../src/runs/read.ts'
import { predictInTfjs } from '../support/tfjs.ts'
import { CLASSES, computed, createProject, evaluated, type Outcome, type Project } from './rig.ts'

interface Printed {
  readonly folder: string
  readonly files: readonly { readonly name: string; readonly bytes: number }[]
  readonly check: {
    readonly pictures: number
    readonly split: string | null
    largestDifference: number
  }
}

describe('pipeline export, on wasm', () => {
  let project: Project
  let dir = ''
  before(async () => {
    project = await createProject({ preprocessing: { mode: 'caffe' }, freeze: { first: 100 } })
    dir = (await project.run()).result.run.dir
  })
  after(() => project[Symbol.asyncDispose]())

  const exported = (...args: string[]) => project.pipeline(['export', ...args, '--engine', 'wasm'])
  const answer = ({ stdout }: Outcome) => JSON.parse(stdout) as Printed
  const at = (...names: string[]) => join(project.path, ...names)

  it('to keras: a file with preprocessing, trunk and head, and what a person must know', async () => {
    const outcome = await exported('little@latest', '--json')
    assert.equal(outcome.code, 0, outcome.stderr)
    const { folder, files, check } = answer(outcome)
    assert.equal(folder, 'little-keras')
    assert.deepEqual(
      files.map(({ name }) => name),
      ['README.md', 'labels.txt', 'model.keras'],
    )
    assert.deepEqual(readdirSync(at(folder)), ['README.md', 'labels.txt', 'model.keras'])
    assert.equal(check.pictures, 8)
    assert.equal(check.split, 'test')
    assert.ok(check.largestDifference < 1e-5)
    assert.equal(readFileSync(at(folder, 'labels.txt'), 'utf8'), 'blue\ngreen\nred\n')
    const { layers } = await readModelGraph(at(folder, 'model.keras'))
    assert.deepEqual(
      [layers.slice(0, 3), layers.slice(-2)].flat().map(({ name }) => name),
      ['input_layer', 'preprocessing', 'Conv1', 'global_average_pooling2d', 'dense'],
    )
    const readme = readFileSync(at(folder, 'README.md'), 'utf8')
    assert.match(readme, /^# little \d{8}-\d{6}-/)
    assert.match(readme, /\[pictures, 32, 32, 3\], values 0 to 255/)
    assert.match(readme, /picture\.resize\(\(32, 32\), Image\.Resampling\.BILINEAR\)/)
  })

  it('what training left alone stays so for whoever trains on', async () => {
    const files = at('unpacked')
    await unpackArchive(at('little-keras/model.keras'), files, {
      signal: new AbortController().signal,
    })
    const { config } = JSON.parse(readFileSync(join(files, 'config.json'), 'utf8')) as {
      config: { layers: { name: string; config: { trainable?: boolean } }[] }
    }
    const trainable = new Map(config.layers.map((layer) => [layer.name, layer.config.trainable]))
    const names = ['preprocessing', 'Conv1', 'bn_Conv1', 'block_12_project', 'dense']
    assert.deepEqual(
      names.map((name) => trainable.get(name)),
      [false, false, false, true, true],
    )
  })

  it('to tfjs: tfjs itself predicts what the run did', async () => {
    const outcome = await exported(dir, '--format', 'tfjs', '--out', 'site/model')
    assert.equal(outcome.code, 0, outcome.stderr)
    assert.match(
      outcome.stdout,
      /^site\/model: model.json and its weights, .*\n.*\nChecked: read back, /,
    )
    const run = readRun(at(dir))!
    const store = await openStore(project.store, { readOnly: true })
    const { digest } = run.record.stages.find(({ id }) => id === 'pixels:test')!
    const pack = await openPack(join(store.pathOf(digest), 'test'))
    const pixels = (await pack.rows(0, pack.count)) as Uint8Array
    await pack.close()
    store.close()
    const shape = [pack.count, 32, 32, 3] as const
    const { outputs, metadata } = await predictInTfjs(at('site/model'), shape, pixels)
    const lines = evaluated(project, dir)
    assert.equal(outputs.length, lines.length * 3)
    for (const [i, { probabilities }] of lines.entries()) {
      probabilities.forEach((p, c) => {
        assert.ok(Math.abs(outputs[i * 3 + c]! - p) < 1e-4, `${outputs[i * 3 + c]} and ${p}`)
      })
    }
    assert.deepEqual((metadata as { labels: string[] }).labels, ['blue', 'green', 'red'])
    assert.match(
      readFileSync(at('site/model/README.md'), 'utf8'),
      /tf\.loadLayersModel\('model\.json'\)/,
    )
  })

  it('what was written for tfjs is a base model, and its trunk weights for one by name', async () => {
    const copy = await project.copy()
    await using _ = copy
    const model = 'site/model/model.json'
    const settings = { name: 'again', head: [CLASSES], preprocessing: { mode: 'none' } }
    copy.configureModel({ tfjs: model, output: 'global_average_pooling2d' }, settings)
    const first = await copy.run()
    assert.ok(computed(first.events).includes('features:train'))
    const weightsState = async () => {
      const plan = await copy.pipeline(['plan', 'pipeline.yaml', '--json'])
      const stages = JSON.parse(plan.stdout) as { id: string; state: string }[]
      return stages.find(({ id }) => id === 'weights')!.state
    }
    assert.equal(await weightsState(), 'cached')
    // The values lie in files beside it: a change there is a change of the model.
    const shard = join(copy.path, 'site/model/group1-shard1of1.bin')
    const bytes = readFileSync(shard)
    bytes[4001]! ^= 1
    writeFileSync(shard, bytes)
    assert.equal(await weightsState(), 'run')
    copy.configure({ name: 'named', baseModel: { weights: model } })
    assert.ok(computed((await copy.run()).events).includes('weights'))
  })

  it('a folder that is there is left alone', async () => {
    const before = readFileSync(at('little-keras/model.keras'))
    const { code, stderr } = await exported('little@latest')
    assert.equal(code, 2)
    assert.match(stderr, /^USAGE little-keras is there already\n +hint: name another folder/m)
    assert.deepEqual(readFileSync(at('little-keras/model.keras')), before)
  })

  it('a run, a format and an engine that are not there', async () => {
    const unknown = await exported('nothing@latest')
    assert.equal(unknown.code, 1)
    assert.match(unknown.stderr, /^UNKNOWN_RUN no run nothing@latest/)
    const format = await exported('little@latest', '--format', 'onnx')
    assert.equal(format.code, 2)
    assert.match(format.stderr, /^USAGE .*onnx/)
  })

  it('a store without the trunk: nothing is written, and the cure works', async () => {
    const copy = await project.copy()
    await using _ = copy
    const { stages } = readRun(at(dir))!.record
    for (const { kind, digest } of stages) {
      const isGone = kind === 'weights' || kind === 'pixels'
      if (isGone) rmSync(layoutOf(copy.store).artifact(digest), { recursive: true, force: true })
    }
    const args = ['export', 'little@latest', '--out', 'new', '--engine', 'wasm', '--json']
    const { code, stderr } = await copy.pipeline(args)
    assert.equal(code, 1)
    const cure = /bring them back: pipeline (run .*)$/m.exec(stderr)![1]!.split(' ')
    assert.deepEqual(leftovers(copy.path), [])
    assert.equal((await copy.pipeline(cure)).code, 0)
    // The run's pixels are still gone: made-up ones are compared.
    const again = await copy.pipeline(args)
    assert.equal(again.code, 0, again.stderr)
    assert.equal(answer(again).check.split, null)
    assert.ok(existsSync(join(copy.path, 'new/model.keras')))
  })

  it('a folder where none can be', async () => {
    writeFileSync(at('a-file'), '')
    const { code, stderr } = await exported(dir, '--out', 'a-file/model')
    assert.equal(code, 3)
    assert.match(stderr, /^NOT_WRITABLE a-file\/model cannot be made/)
  })

  it('a file that predicts otherwise is an error, and is not left behind', async () => {
    const store = await openStore(project.store, { readOnly: true })
    const { signal } = new AbortController()
    const options = { format: 'tfjs', out: at('wrong'), store, signal } as const
    try {
      await assert.rejects(
        exportRun(readRun(at(dir))!, { ...options, openEngine: openWrong }),
        /^PipelineError: STAGE_FAILED the tfjs model predicts otherwise than the run: 0.010 apart$/,
      )
    } finally {
      store.close()
    }
    assert.deepEqual(
      readdirSync(project.path).filter((name) => name.includes('wrong')),
      [],
    )
  })

  it('a damaged model of a run: an error, and nothing is written', async () => {
    const copy = await project.copy()
    await using _ = copy
    writeFileSync(join(copy.path, dir, 'model/model.safetensors'), 'no weights')
    const { code, stderr } = await copy.pipeline(['export', dir, '--out', 'new'])
    assert.equal(code, 1)
    assert.match(stderr, /^BAD_WEIGHTS /)
    assert.deepEqual(leftovers(copy.path), [])
  })
})

/** An engine whose second program gives other numbers. */
async function openWrong(): Promise<Engine> {
  const engine = await openWasm()
  let programs = 0
  const read = () => Promise.reject(new TypeError('nothing to read'))
  const write = read
  return {
    info: engine.info,
    close: () => engine.close(),
    compile: async (program) => {
      const session = await engine.compile(program)
      programs += 1
      if (programs === 1) return session
      const run: Session['run'] = async (entry, feeds) => {
        const fetched = await session.run(entry, feeds)
        const wrong = Object.entries(fetched).map(([name, values]) => [
          name,
          (values as Float32Array).map((value) => value + 0.01),
        ])
        return Object.fromEntries(wrong) as typeof fetched
      }
      const { concurrency } = session
      return { concurrency, run, read, write, close: () => session.close() }
    },
  }
}

/** What an export that failed would have left. */
function leftovers(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('new') || name.startsWith('.new'))
}
