import assert from 'node:assert/strict'
import { cpSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { writePicture } from './pictures.ts'
import { computed, createProject, essence } from './rig.ts'
import type { Project, RunOutcome, Settings } from './rig.ts'

/** One change after a finished run: which stages run again, as the events say. */
describe('after a change only what it reaches runs, on wasm', { concurrency: 2 }, () => {
  let base: Project
  let first: RunOutcome
  before(async () => {
    base = await createProject()
    first = await base.run()
  })
  after(() => base[Symbol.asyncDispose]())

  const every = (kind: string) => ['test', 'train', 'validation'].map((split) => `${kind}:${split}`)

  const cases: readonly {
    readonly name: string
    readonly settings?: Settings
    readonly args?: readonly string[]
    readonly edit?: (pictures: string) => void | Promise<void>
    readonly runs: readonly string[]
  }[] = [
    {
      name: 'nothing, in another folder',
      runs: [],
    },
    {
      name: 'name, notes and tags',
      settings: { name: 'other', notes: 'Read this.', tags: ['a'] },
      runs: [],
    },
    {
      name: 'more epochs',
      settings: { training: { epochs: 4 } },
      runs: ['evaluate:test', 'train'],
    },
    {
      name: 'another learning rate by --set',
      args: ['--set', 'optimizer.learningRate=0.001'],
      runs: ['evaluate:test', 'train'],
    },
    {
      name: 'evaluation.metrics',
      settings: { evaluation: { metrics: ['accuracy', 'f1'] } },
      runs: ['evaluate:test'],
    },
    {
      name: 'evaluation.on',
      settings: { evaluation: { on: ['validation'] } },
      runs: ['evaluate:validation'],
    },
    {
      name: 'another seed, where the trunk is read from a file',
      settings: { seed: 2 },
      runs: ['evaluate:test', 'train'],
    },
    {
      name: 'another engine setting that changes no number',
      args: ['--jobs', '1'],
      runs: [],
    },
    {
      name: 'preprocessing',
      settings: { preprocessing: { mode: 'torch' } },
      runs: ['evaluate:test', ...every('features'), 'train'],
    },
    {
      name: 'imageSize: nothing is read or drawn again but pixels',
      settings: { dataset: { imageSize: [48, 32] } },
      runs: ['evaluate:test', ...every('features'), ...every('pixels'), 'train'],
    },
    {
      name: 'one more test picture',
      edit: (pictures) => writePicture(join(pictures, 'test/red/99.png'), 'red', 4242),
      runs: ['evaluate:test', 'features:test', 'index', 'pixels:test'],
    },
    {
      name: 'one test picture less',
      edit: (pictures) => rmSync(join(pictures, 'test/red/00.png')),
      runs: ['evaluate:test', 'features:test', 'index', 'pixels:test'],
    },
    {
      name: 'test pictures renamed in their order: their pixels are the same',
      edit: (pictures) =>
        renameSync(join(pictures, 'test/red/03.png'), join(pictures, 'test/red/zz.png')),
      runs: ['evaluate:test', 'index', 'pixels:test'],
    },
    {
      name: 'a file that is no picture',
      edit: (pictures) =>
        cpSync(join(pictures, '../pipeline.yaml'), join(pictures, 'train/notes.txt')),
      runs: [],
    },
    {
      name: '--force train: it comes to the same, and that is where it ends',
      args: ['--force', 'train'],
      runs: ['train'],
    },
    {
      name: '--no-cache',
      args: ['--no-cache'],
      runs: [
        'evaluate:test',
        ...every('features'),
        'index',
        ...every('pixels'),
        'train',
        'weights',
      ],
    },
  ]
  for (const { name, settings, args = [], edit, runs } of cases) {
    it(name, async () => {
      await using project = await base.copy()
      if (settings) project.configure(settings)
      await edit?.(join(project.path, 'pictures'))
      const { events, result } = await project.run(...args)
      assert.deepEqual(computed(events), [...runs].sort())
      assert.equal(result.status, 'done')
      const isSame = runs.length === 0 && result.run.name === 'little'
      assert.equal(result.run.id === first.result.run.id, isSame)
      // One rule, shown where it is cheap: what has run is there the next time.
      if (runs.length > 4) return
      const again = await project.run(...args.filter((arg) => !/force|no-cache|train/.test(arg)))
      assert.deepEqual(computed(again.events), [])
      assert.deepEqual(essence(project, again.result), essence(project, result))
    })
  }

  it('what a forced run says is what the first one said', async () => {
    await using project = await base.copy()
    const forced = await project.run('--no-cache')
    assert.notEqual(forced.result.run.id, first.result.run.id)
    assert.deepEqual(essence(project, forced.result), essence(base, first.result))
    assert.deepEqual(
      forced.result.stages.map(({ digest }) => digest),
      first.result.stages.map(({ digest }) => digest),
    )
  })
})
