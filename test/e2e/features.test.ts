import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { toHalf } from '../../src/util/half.ts'
import type { PackIndex } from '../../src/data/pack.ts'
import { layoutOf } from '../../src/graph/layout.ts'
import type { PlannedStage } from '../../src/graph/plan.ts'
import type { PhaseReport } from '../../src/runs/phase-report.ts'
import type { RunRecord } from '../../src/runs/record.ts'
import { computed, createProject, filesOf, type Project, type RunOutcome } from './rig.ts'

/** 27 training, 9 validation and 12 test pictures with 1,280 pooled numbers each. */
const PICTURES = 48
const NUMBERS = 1280
const BYTES = PICTURES * NUMBERS * 4

describe('features on wasm: kept, run at each step, within a budget', { concurrency: 1 }, () => {
  let project: Project
  let kept: RunOutcome
  const configure = (features: unknown, more = {}) => project.configure({ features, ...more })
  before(async () => {
    project = await createProject({ features: { maxBytes: BYTES } })
    kept = await project.run()
  })
  after(() => project[Symbol.asyncDispose]())

  const features = ({ result }: RunOutcome) =>
    result.stages.filter(({ kind }) => kind === 'features')
  const notes = ({ events }: RunOutcome) =>
    events.flatMap((event) => (event.type === 'note' ? [event.message] : []))

  it('are kept where they fit to the byte', () => {
    assert.equal(features(kept).length, 3)
    const pack = (split: string) => packOf(project, kept, split).bytes.length
    assert.equal(pack('train') + pack('validation') + pack('test'), BYTES)
  })

  it('one byte less, and the frozen layers run at each step: known before anything is computed', async () => {
    configure({ maxBytes: BYTES - 1 })
    const run = await project.run()
    assert.deepEqual(features(run), [])
    assert.deepEqual(notes(run), [
      'the features of train would take 246 kB, features.maxBytes allows 246 kB: the frozen layers run at each step instead',
    ])
    assert.deepEqual(computed(run.events), ['evaluate:test', 'train'])
    similar(run, kept)
  })

  it('the same where the pictures must be indexed first, and nothing is told twice', async () => {
    await using fresh = await createProject({ features: { maxBytes: BYTES - 1 } })
    const run = await fresh.run()
    assert.deepEqual(features(run), [])
    assert.equal(notes(run).length, 1)
    const done = run.events.flatMap((event) => (event.type === 'stageDone' ? [event.stage] : []))
    assert.deepEqual(done.length, new Set(done).size)
    assert.equal(run.events.filter(({ type }) => type === 'planStarted').length, 1)
    assert.deepEqual(run.result.stages.map(({ id }) => id).sort(), done.sort())
    similar(run, kept)
    const again = await fresh.run()
    assert.deepEqual(again.result, run.result)
    assert.deepEqual(
      again.events.map(({ type }) => type),
      ['runDone'],
    )
    const forced = await fresh.run('--force', 'index')
    assert.deepEqual(computed(forced.events), ['index'])
    assert.deepEqual(features(forced), [])
  })

  it('a bank that does not fit: every epoch draws anew, and a note says so', async () => {
    configure({ maxBytes: BYTES }, { augmentation: { rotationRange: 10, bank: 2 } })
    const run = await project.run()
    assert.deepEqual(features(run), [])
    assert.deepEqual(notes(run), [
      'the features of train would take 384 kB, features.maxBytes allows 246 kB: there is no bank: every epoch draws anew, and the frozen layers run at each step',
    ])
  })

  it('always: more than the budget is an error at its place, before a trunk runs', async () => {
    configure({ when: 'always', maxBytes: 200_000 })
    const plan = await project.pipeline(['plan', 'pipeline.yaml'])
    const run = await project.pipeline(['run', 'pipeline.yaml', '--no-cache'])
    for (const { code, stderr } of [plan, run]) {
      assert.equal(code, 2, stderr)
      assert.match(stderr, /pipeline\.yaml:\d+:\d+ CONFLICT features\.maxBytes: .* 246 kB.* 200 kB/)
    }
    assert.doesNotMatch(run.stderr, /features:train/)
  })

  it('never: no features, and the same training', async () => {
    configure('never')
    const run = await project.run()
    assert.deepEqual(features(run), [])
    assert.deepEqual(notes(run), [])
    similar(run, kept)
    configure('auto')
    const flagged = await project.pipeline([
      'plan',
      'pipeline.yaml',
      '--features',
      'never',
      '--json',
    ])
    const stages = JSON.parse(flagged.stdout) as Pick<PlannedStage, 'state'>[]
    assert.ok(stages.every(({ state }) => state === 'cached'))
  })

  it('float16: each number is rounded to half precision, and training goes on', async () => {
    configure({ dtype: 'float16' })
    const run = await project.run()
    assert.deepEqual(computed(run.events).slice(0, 2), ['evaluate:test', 'features:test'])
    for (const split of ['train', 'validation', 'test']) {
      const single = packOf(project, kept, split)
      const half = packOf(project, run, split)
      assert.equal(half.dtype, 'float16')
      const values = new Float32Array(Uint8Array.from(single.bytes).buffer)
      const rounded = toHalf(values, new Uint16Array(values.length))
      assert.deepEqual(new Uint16Array(Uint8Array.from(half.bytes).buffer), rounded)
      assert.ok(values.some((v) => v !== 0))
    }
    similar(run, kept, 2e-3)
    const args = ['plan', 'pipeline.yaml', '--features', 'always', '--json']
    const flagged = JSON.parse((await project.pipeline(args)).stdout) as PlannedStage[]
    assert.ok(
      flagged.every(({ state }) => state === 'cached'),
      'the flag leaves dtype as it is',
    )
    const wrong = await project.pipeline(['plan', 'pipeline.yaml', '--features', 'sometimes'])
    assert.match(wrong.stderr, /^USAGE .*auto, always, never/)
    assert.equal(wrong.code, 2)
  })

  it('a partly frozen trunk: kept or run at each step, the same losses', async () => {
    const freeze = { first: 100 }
    configure('always', { freeze })
    const always = await project.run()
    assert.equal(features(always).length, 3)
    configure('never', { freeze })
    const never = await project.run()
    assert.deepEqual(features(never), [])
    similar(always, never)
    const { trainable } = always.result.parameters
    assert.deepEqual(never.result.parameters, always.result.parameters)
    assert.ok(trainable > 100_000, String(trainable))
    assert.match(notes(never)[0]!, /^\{first: 100\}: 100 of 154 layers frozen; /)

    const phaseOf = ({ result }: RunOutcome) => {
      const record = readFileSync(join(project.path, result.run.dir, 'run.json'), 'utf8')
      return (JSON.parse(record) as RunRecord).phases![0]!
    }
    // 34 kernels and as many batch normalizations of four tensors.
    const { unchanged, features: of, layers } = phaseOf(never)
    assert.deepEqual([unchanged!.tensors, of.kept, layers.frozen], [34 * 5, 'never', 100])
    assert.equal(phaseOf(always).features.kept, 'kept')
    const summary = readFileSync(join(project.path, never.result.run.dir, 'summary.md'), 'utf8')
    assert.match(
      summary,
      /- kept: nothing, features is never: .*\n- unchanged: .* in 170 tensors, /,
    )
  })

  it('plan tells what is frozen and kept, in words and as JSON', async () => {
    configure('auto', { freeze: { first: 100 }, training: { epochs: 30 } })
    const text = await project.pipeline(['plan', 'pipeline.yaml'])
    assert.match(text.stdout, /\ntrain: epochs 1 to 30\n {2}freeze {6}\{first: 100\}: 100 of 154 /)
    assert.match(text.stdout, /an epoch instead of/)
    const json = await project.pipeline(['plan', 'pipeline.yaml', '--json'])
    const plan = JSON.parse(json.stdout) as { id: string; training?: PhaseReport }[]
    const told = plan.flatMap(({ id, training }) => (training ? [[id, training] as const] : []))
    assert.deepEqual(
      told.map(([id]) => id),
      ['train'],
    )
    const { freeze, epochs, features: of } = told[0]![1]
    assert.deepEqual(
      [freeze, epochs, of.kept, of.bytes],
      ['{first: 100}', [1, 30], 'kept', PICTURES * of.tensors[0]!.bytes],
    )
  })
})

/** The same up to the order of sums. */
function similar(a: RunOutcome, b: RunOutcome, tolerance = 1e-4): void {
  const losses = ({ result }: RunOutcome) => [
    ...result.epochs.flatMap(({ train, validation }) => [train['loss']!, validation!['loss']!]),
    result.metrics['test']!['loss']!,
  ]
  const [x, y] = [losses(a), losses(b)]
  assert.equal(x.length, y.length)
  for (const [i, value] of x.entries()) {
    assert.ok(Math.abs(value - y[i]!) <= tolerance * Math.max(1, y[i]!), `${value} and ${y[i]}`)
  }
}

/** The one pack that is kept of a split: little-endian numbers, and how they are stored. */
function packOf({ store }: Project, { result }: RunOutcome, split: string) {
  const { digest } = result.stages.find(({ id }) => id === `features:${split}`)!
  const files = filesOf(join(layoutOf(store).artifact(digest), 'files', split))
  const [index, pack] = [...files.values()]
  return { ...(JSON.parse(index!.toString()) as PackIndex), bytes: pack! }
}
