import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { testEngines } from '../support/engines.ts'
import { computed, createProject, filesOf } from './rig.ts'
import type { LoggedEvent, Project, RunOutcome, Settings } from './rig.ts'

/** Training steps that were planned, by the progress of the stage. */
function steps(events: readonly LoggedEvent[]): number | undefined {
  return events.flatMap((e) =>
    e.type === 'stageProgress' && e.stage === 'train' ? [e.total] : [],
  )[0]
}

function losses({ result }: RunOutcome): number[] {
  return result.epochs.map(({ train }) => train['loss']!)
}

function assertFinite(run: RunOutcome): void {
  for (const { train, validation } of run.result.epochs) {
    for (const value of [...Object.values(train), ...Object.values(validation ?? {})]) {
      assert.ok(Number.isFinite(value))
    }
  }
  for (const figures of Object.values(run.result.metrics)) assert.ok('loss' in figures)
}

/** 36 pictures to train on, of which a quarter is the validation split. */
describe('settings of a run on wasm', { concurrency: 2 }, () => {
  let base: Project
  let first: RunOutcome
  before(async () => {
    base = await createProject()
    first = await base.run()
  })
  after(() => base[Symbol.asyncDispose]())
  const run = async (settings: Settings) => {
    await using project = await base.copy()
    project.configure(settings)
    const outcome = await project.run()
    const files = filesOf(join(project.path, outcome.result.run.dir))
    assertFinite(outcome)
    return { ...outcome, files }
  }

  it('the last batch is kept, or dropped', async () => {
    assert.equal(steps(first.events), 3 * 4)
    const dropped = await run({ training: { lastBatch: 'drop' } })
    assert.equal(steps(dropped.events), 3 * 3)
  })

  it('a batch may be larger than the split', async () => {
    for (const lastBatch of ['keep', 'drop']) {
      const { events } = await run({ training: { batchSize: 512, lastBatch } })
      assert.equal(steps(events), 3)
    }
  })

  it('class weights change what is learned, and balanced ones of equal classes do not', async () => {
    const balanced = await run({ training: { classWeight: 'balanced' } })
    assert.deepEqual(losses(balanced), losses(first))
    const weighted = await run({ training: { classWeight: { red: 10 } } })
    assert.notDeepEqual(losses(weighted), losses(first))
  })

  it('without a validation split there are no validation figures', async () => {
    const split = { validation: null }
    const { result, files } = await run({ dataset: { splits: split } })
    assert.ok(result.epochs.every((epoch) => !('validation' in epoch)))
    assert.ok(!files.get('metrics.jsonl')!.toString().includes('validation'))
    assert.deepEqual(Object.keys(result.metrics), ['test'])
  })

  it('without a test split validation is evaluated', async () => {
    const { result } = await run({ dataset: { splits: { test: null } } })
    assert.deepEqual(Object.keys(result.metrics), ['validation'])
    const last = result.epochs.at(-1)!
    // The same model on the same pictures: what was said after the last epoch.
    assert.deepEqual(result.metrics['validation'], last.validation)
  })

  it('one folder may be divided into all splits', async () => {
    const splits = {
      train: 'train',
      validation: { from: 'train', fraction: 0.2, how: 'random', seed: 3 },
      test: { from: 'train', fraction: 0.2, how: 'hash' },
    }
    const { files } = await run({ dataset: { splits } })
    const lines = files.get('index.jsonl')!.toString().trimEnd().split('\n')
    const rows = lines.map((line) => JSON.parse(line) as { path: string; split: string })
    assert.equal(new Set(rows.map(({ path }) => path)).size, 36)
    assert.equal(rows.filter(({ split }) => split === 'validation').length, 7)
  })

  it('every metric', async () => {
    const metrics = ['accuracy', 'top5Accuracy', 'precision', 'recall', 'f1', 'auc']
    const { result } = await run({ evaluation: { metrics } })
    assert.deepEqual(Object.keys(result.metrics['test']!).sort(), [...metrics, 'loss'].sort())
  })

  it('without predictions there is no such file', async () => {
    const { files } = await run({ evaluation: { predictions: false } })
    assert.ok(!files.has('predictions.jsonl'))
  })

  it('two classes with one sigmoid output', async () => {
    const { result, files } = await run({
      dataset: { classes: ['blue', 'red'] },
      head: ['GlobalAveragePooling2D', { Dense: { units: 1, activation: 'sigmoid' } }],
    })
    assert.equal(result.parameters.trainable, 1281)
    const [line] = files.get('predictions.jsonl')!.toString().split('\n')
    const { probabilities } = JSON.parse(line!) as { probabilities: number[] }
    assert.equal(probabilities.length, 2)
    assert.ok(Math.abs(probabilities[0]! + probabilities[1]! - 1) < 1e-5)
  })

  it('grayscale pictures', async () => {
    const { events, result } = await run({ dataset: { colorMode: 'grayscale' } })
    assert.ok(computed(events).includes('pixels:train'))
    assert.equal(result.status, 'done')
  })

  it('pictures of other sizes than they are used at, cropped and padded', async () => {
    for (const fit of ['crop', 'pad']) {
      const { result } = await run({ dataset: { fit, imageSize: [32, 48], resize: 'lanczos' } })
      assert.equal(result.status, 'done')
    }
  })
})

describe('odd pictures on wasm', () => {
  it('what is left out and what leaks is told by every run that uses the index, and listed in it', async () => {
    await using project = await createProject(
      { dataset: { badImages: { skip: 2 } } },
      { train: 6, test: 2, format: 'jpeg' },
    )
    const pictures = join(project.path, 'pictures')
    const cut = join(pictures, 'train/red/01.jpg')
    writeFileSync(cut, readFileSync(cut).subarray(0, 600))
    copyFileSync(join(pictures, 'train/blue/00.jpg'), join(pictures, 'test/blue/copy.jpg'))
    for (const epochs of [2, 3]) {
      const { events, files, result } = await runHere(project, epochs)
      const told = events.flatMap((e) => (e.type === 'warning' ? [e.diagnostic] : []))
      for (const warnings of [told, result.warnings]) {
        assert.deepEqual(
          warnings.map(({ code, message }) => `${code} ${message}`),
          [
            'BAD_IMAGE 1 picture was left out: train/red/01.jpg (truncated: no end-of-image marker)',
            'SPLIT_LEAK 1 picture is in two splits with the same bytes, such as train/blue/00.jpg (train) and test/blue/copy.jpg (test)',
          ],
        )
      }
      const summary = JSON.parse(files.get('index.json')!.toString()) as { skipped: object[] }
      assert.equal(summary.skipped.length, 1)
    }
  })

  const runHere = async (project: Project, epochs: number) => {
    const outcome = await project.run('--set', `training.epochs=${epochs}`)
    return { ...outcome, files: filesOf(join(project.path, outcome.result.run.dir)) }
  }
})

describe('a table of pictures on wasm', () => {
  const layout = { csv: { file: 'table.csv', image: 'file', label: 'kind' } }
  const table = (wrong = 'blue') =>
    ['file,kind,split']
      .concat(
        ['train', 'test'].flatMap((split) =>
          ['blue', 'green', 'red'].flatMap((kind) =>
            Array.from({ length: split === 'train' ? 6 : 2 }, (_, i) => {
              const name = `${split}/${kind}/0${i}.png`
              return `${name},${name === 'train/blue/01.png' ? wrong : kind},${split}`
            }),
          ),
        ),
      )
      .join('\n')

  it('a relabelled picture is trained on again, and neither decoded nor passed again', async () => {
    const splits = { train: 'train', validation: null, test: 'test' }
    await using project = await createProject(
      { dataset: { layout, splits } },
      { train: 6, test: 2 },
    )
    writeFileSync(join(project.path, 'table.csv'), table())
    const first = await project.run()
    assert.equal(first.result.status, 'done')
    writeFileSync(join(project.path, 'table.csv'), table('red'))
    const { events, result } = await project.run()
    assert.deepEqual(computed(events), ['evaluate:test', 'index', 'train'])
    assert.notEqual(result.run.id, first.result.run.id)
    const index = readFileSync(join(project.path, result.run.dir, 'index.jsonl'), 'utf8')
    assert.match(index, /"path":"train\/blue\/01.png","label":"red"/)
  })
})

for (const { name } of testEngines('heads end to end')) {
  describe(`heads on ${name}`, () => {
    const heads: Readonly<Record<string, readonly unknown[]>> = {
      'dropout and batch normalization': [
        'GlobalAveragePooling2D',
        { Dropout: { rate: 0.3 } },
        { Dense: { units: 16, activation: 'relu' } },
        'BatchNormalization',
        { Dropout: { rate: 0.5 } },
        { Dense: { units: 'classes', activation: 'softmax' } },
      ],
      'flatten and two dense layers': [
        'Flatten',
        { Dense: { units: 8, activation: 'tanh' } },
        { Dense: { units: 'classes', activation: 'linear' } },
        { Activation: { activation: 'softmax' } },
      ],
    }
    let base: Project
    before(async () => {
      base = await createProject({ engine: name })
      await base.run()
    })
    after(() => base[Symbol.asyncDispose]())

    for (const [title, head] of Object.entries(heads)) {
      it(`${title}: trains, and twice to the same bytes`, async () => {
        await using project = await base.copy()
        project.configure({ engine: name, head, training: { epochs: 6 } })
        const first = await project.run()
        assertFinite(first)
        assert.equal(first.result.engine?.name, name)
        const [start, ...rest] = losses(first)
        assert.ok(Math.min(...rest) < start!, JSON.stringify(losses(first)))
        const forced = await project.run('--force', 'train')
        assert.deepEqual(computed(forced.events), ['train'])
      })
    }
  })
}
