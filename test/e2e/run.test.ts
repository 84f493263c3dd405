import assert from 'node:assert/strict'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { computed, createProject, essence, filesOf, startedStages } from './rig.ts'
import type { Project, RunOutcome } from './rig.ts'

/** What `--json` promises, as types: keys that are there always, and what is under them. */
const NUMBER = 'number'
const CONTRACT = {
  run: { name: 'string', id: 'string', dir: 'string' },
  status: 'string',
  seed: NUMBER,
  engine: { name: 'string', device: 'string', version: 'string', threads: NUMBER },
  stages: [
    {
      id: 'string',
      kind: 'string',
      cached: 'boolean',
      seconds: NUMBER,
      fingerprint: 'string',
      digest: 'string',
      bytes: NUMBER,
    },
  ],
  epochs: [
    {
      epoch: NUMBER,
      phase: NUMBER,
      train: { loss: NUMBER, accuracy: NUMBER },
      validation: { loss: NUMBER, accuracy: NUMBER },
      seconds: NUMBER,
    },
  ],
  metrics: { test: { loss: NUMBER, accuracy: NUMBER } },
  parameters: { total: NUMBER, trainable: NUMBER },
  warnings: [],
}

/** The value with types for values and one element, that all are like, for lists. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) {
    const shapes = [...new Set(value.map((item) => JSON.stringify(sorted(shapeOf(item)))))]
    return shapes.map((shape) => JSON.parse(shape) as unknown)
  }
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item)]))
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  )
}

describe('a run and the same run again on wasm', () => {
  let project: Project
  let first: RunOutcome
  before(async () => {
    project = await createProject({ evaluation: { on: ['test'], predictions: true } })
    first = await project.run()
  })
  after(() => project[Symbol.asyncDispose]())

  it('keeps the contract of --json', () => {
    assert.deepEqual(shapeOf(first.result), CONTRACT)
    const { run, status, seed, engine, stages, epochs, parameters } = first.result
    assert.equal(run.name, 'little')
    assert.match(run.id, /^\d{8}-\d{6}-[0-9a-f]{6}$/)
    assert.equal(run.dir, `runs/little/${run.id}`)
    assert.deepEqual([status, seed, engine?.name], ['done', 1, 'wasm'])
    assert.deepEqual(
      stages.map(({ id }) => id),
      [
        'index',
        'weights',
        ...['train', 'validation', 'test'].map((split) => `pixels:${split}`),
        ...['train', 'validation', 'test'].map((split) => `features:${split}`),
        'train',
        'evaluate:test',
      ],
    )
    for (const { fingerprint, digest } of stages) {
      assert.match(`${fingerprint} ${digest}`, /^sha256:[0-9a-f]{64} sha256:[0-9a-f]{64}$/)
    }
    assert.deepEqual(
      epochs.map(({ epoch, phase }) => [epoch, phase]),
      [
        [1, 1],
        [2, 1],
        [3, 1],
      ],
    )
    // MobileNetV2 0.35 without its top has 410,208 values (keras.applications), the head 1280 * 3 + 3.
    assert.deepEqual(parameters, { total: 410_208 + 3843, trainable: 3843 })
  })

  it('learns: the loss falls, and the pictures are told apart', () => {
    const { epochs, metrics } = first.result
    assert.ok(epochs.at(-1)!.train['loss']! < epochs[0]!.train['loss']! / 2, JSON.stringify(epochs))
    // Chance is a loss of 1.1.
    assert.ok(metrics['test']!['loss']! < 0.8, JSON.stringify(metrics))
  })

  it('tells its events as one JSON object a line, with type and time', () => {
    const lines = first.stderr.trimEnd().split('\n')
    const events = lines.map((line) => JSON.parse(line) as { type: unknown; time: string })
    for (const { type, time } of events) {
      assert.equal(typeof type, 'string')
      assert.equal(new Date(time).toISOString(), time)
    }
    assert.deepEqual(events[0]!.type, 'planStarted')
    assert.deepEqual(events.at(-1)!.type, 'runDone')
    assert.deepEqual(computed(first.events), first.result.stages.map(({ id }) => id).sort())
    assert.deepEqual(startedStages(first.events), computed(first.events))
    assert.equal(events.filter(({ type }) => type === 'epochDone').length, 3)
  })

  it('again it is the same folder with the same result, and nothing runs', async () => {
    const before = filesOf(join(project.path, 'runs'))
    const again = await project.run()
    assert.deepEqual(again.result, first.result)
    assert.deepEqual(computed(again.events), [])
    assert.deepEqual(filesOf(join(project.path, 'runs')), before)
  })

  it('has a folder of plain files, and of nothing else', () => {
    const files = filesOf(join(project.path, first.result.run.dir))
    assert.deepEqual(
      [...files.keys()],
      [
        'confusion-test.svg',
        'evaluation-test.json',
        'freeze.json',
        'index.json',
        'index.jsonl',
        'metrics.jsonl',
        'model/model.json',
        'model/model.safetensors',
        'pipeline.yaml',
        'predictions.jsonl',
        'resolved.yaml',
        'run.json',
        'summary.md',
      ],
    )
    const text = (name: string) => files.get(name)!.toString()
    const lines = (name: string) =>
      text(name)
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.equal(lines('index.jsonl').length, 48)
    assert.equal(lines('metrics.jsonl').length, 3)
    assert.deepEqual(Object.keys(lines('predictions.jsonl')[0]!), [
      'split',
      'image',
      'label',
      'predicted',
      'probability',
      'loss',
      'probabilities',
    ])
    assert.equal(lines('predictions.jsonl').length, 12)
    const header = files.get('model/model.safetensors')!
    const size = Number(header.readBigUInt64LE(0))
    const tensors = JSON.parse(header.subarray(8, 8 + size).toString()) as object
    assert.deepEqual(Object.keys(tensors).sort(), ['dense/bias', 'dense/kernel'])
    assert.match(text('confusion-test.svg'), /^<svg [^]*<\/svg>\n$/)
    assert.match(text('summary.md'), /^# little\n/)
    const record = JSON.parse(text('run.json')) as Record<string, unknown>
    assert.deepEqual(Object.keys(record), Object.keys(record).sort())
    assert.ok(files.get('run.json')!.length < 10_000)
  })

  it('says nothing of this machine in any file of the run', () => {
    const names = [project.path, project.store, hostname(), ...homes()].filter((n) => n.length > 3)
    for (const [path, bytes] of filesOf(join(project.path, 'runs'))) {
      for (const name of names) assert.ok(!bytes.includes(name), `${path} has ${name}`)
    }
  })

  it('git takes the small texts, not the model', () => {
    const ignored = filesOf(join(project.path, 'runs')).get('.gitignore')!.toString().split('\n')
    for (const name of ['model/', 'predictions.jsonl', 'index.jsonl']) {
      assert.ok(ignored.includes(name), name)
    }
  })

  it('runs again from resolved.yaml to the same result', async () => {
    const { run } = first.result
    const file = join(run.dir, 'resolved.yaml')
    const same = await project.pipeline(['run', file, '--json'])
    assert.deepEqual(JSON.parse(same.stdout), first.result)
    const outcome = await project.pipeline(['run', file, '--json', '--runs', 'repeated'])
    assert.equal(outcome.code, 0, outcome.stderr)
    const result = JSON.parse(outcome.stdout) as RunOutcome['result']
    assert.ok(result.stages.every(({ cached }) => cached))
    assert.deepEqual(essence(project, result), essence(project, first.result))
  })
})

/** User and home, where they are no words of every text. */
function homes(): string[] {
  const { username, homedir } = userInfo()
  return username === 'root' ? [`${homedir}/`] : [username, homedir]
}
