import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { computed, createProject, eventsOf, filesOf } from './rig.ts'
import { writeTrunk } from './weights.ts'
import type { Outcome, Project, RunOutcome } from './rig.ts'

/**
 * What goes wrong after a good run: the whole of what a person reads, and that nothing of the good run is lost. Lines of
 * stages that went well are left out, the project is written as ~.
 */
describe('trouble after a good run, on wasm', { concurrency: 2 }, () => {
  let base: Project
  let good: RunOutcome
  before(async () => {
    base = await createProject()
    good = await base.run()
  })
  after(() => base[Symbol.asyncDispose]())

  const seen = (project: Project, { stderr }: Outcome): string =>
    stderr
      .split('\n')
      .filter((line) => !line.startsWith('✓'))
      .join('\n')
      .replaceAll(project.path, '~')

  /** The artifacts and the folder of the good run are there as they were, and are the answer again. */
  const assertNothingLost = async (project: Project, store = project.store) => {
    const now = filesOf(join(project.path, good.result.run.dir))
    assert.deepEqual(now, filesOf(join(base.path, good.result.run.dir)))
    project.configure()
    copyFileSync(join(base.path, 'trunk.h5'), join(project.path, 'trunk.h5'))
    const again = await project.run('--store', store)
    assert.deepEqual(computed(again.events), [])
    assert.deepEqual(again.result, good.result)
  }

  const TRUNK = {
    name: 'MobileNetV2',
    includeTop: false,
    pooling: 'none',
    alpha: 0.35,
    inputShape: [32, 32, 3],
  } as const
  const run = (project: Project, ...args: string[]) =>
    project.pipeline(['run', 'pipeline.yaml', ...args])

  it('a weights file of another model', async () => {
    await using project = await base.copy()
    await writeTrunk(join(project.path, 'trunk.h5'), { ...TRUNK, alpha: 0.5 })
    const outcome = await run(project)
    assert.equal(outcome.code, 1)
    assert.equal(
      seen(project, outcome),
      `✗ weights  failed
pipeline.yaml:19:12 WEIGHTS_MISMATCH ~/trunk.h5 does not fit mobilenetv2_0.35_224: at layer 11 of those with weights, the file has block_1_project with [1, 1, 48, 16], the model block_1_project with [1, 1, 48, 8]
  18 |   alpha: 0.35
> 19 |   weights: trunk.h5
     |            ^^^^^^^^
  20 | head:
  hint: check baseModel.name, alpha and includeTop against the model that the file was saved from
`,
    )
    await assertNothingLost(project)
  })

  it('a web page in the place of a weights file', async () => {
    await using project = await base.copy()
    writeFileSync(join(project.path, 'trunk.h5'), '<!DOCTYPE html><title>404</title>')
    const outcome = await run(project)
    assert.equal(outcome.code, 1)
    assert.equal(
      seen(project, outcome),
      `✗ weights  failed
pipeline.yaml:19:12 BAD_WEIGHTS ~/trunk.h5 is no weights file that can be read here
  18 |   alpha: 0.35
> 19 |   weights: trunk.h5
     |            ^^^^^^^^
  20 | head:
  hint: Keras' .h5, .weights.h5 and .keras, model.json of tfjs, safetensors with Keras' names and PyTorch state dicts are read
`,
    )
    await assertNothingLost(project)
  })

  it('a loss that is not finite', async () => {
    await using project = await base.copy()
    project.configure({ optimizer: { name: 'SGD', learningRate: 1e38 } })
    const outcome = await run(project)
    assert.equal(outcome.code, 1)
    assert.equal(
      seen(project, outcome),
      `✗ train  failed
pipeline.yaml:27:17 NOT_FINITE the loss is NaN at epoch 1, batch 2 (step 2), with learning rate 1e+38
  26 |   name: SGD
> 27 |   learningRate: 1e+38
     |                 ^^^^^
  28 | training:
  hint: lower optimizer.learningRate, or look at preprocessing: pixels of 0..255 must be rescaled
`,
    )
    const failed = await project.pipeline(['ls'])
    assert.match(failed.stdout, /^little +\S+ +failed/m)
    await assertNothingLost(project)
  })

  it('weights that are not finite after the last step, which no loss tells of', async () => {
    await using project = await base.copy()
    project.configure({
      optimizer: { name: 'SGD', learningRate: 1e38 },
      // The gradient is large, and so the step leaves the numbers behind.
      training: { epochs: 1, batchSize: 512, classWeight: { red: 1000 } },
      dataset: { splits: { validation: null } },
    })
    const outcome = await run(project)
    assert.equal(outcome.code, 1)
    assert.match(
      seen(project, outcome),
      /NOT_FINITE dense\/\w+ is not finite after epoch 1 \(step 1\), with learning rate 1e\+38\n/,
    )
  })

  it('a validation loss that is not finite', async () => {
    await using project = await base.copy()
    project.configure({
      optimizer: { name: 'SGD', learningRate: 1e38 },
      training: { epochs: 2, batchSize: 512 },
    })
    const outcome = await run(project)
    assert.equal(outcome.code, 1)
    assert.match(
      seen(project, outcome),
      /NOT_FINITE the validation loss is NaN after epoch 1, with/,
    )
  })

  it('a loss of the last model that is not finite', async () => {
    await using project = await base.copy()
    project.configure({
      optimizer: { name: 'SGD', learningRate: 1e38 },
      training: { epochs: 1, batchSize: 512 },
      dataset: { splits: { validation: null } },
    })
    const outcome = await run(project)
    assert.equal(outcome.code, 1)
    assert.match(seen(project, outcome), /NOT_FINITE the loss on test is NaN\n/)
  })

  it('batches for which there is no memory', async () => {
    await using project = await base.copy()
    project.configure({
      dataset: { imageSize: [640, 640] },
      freeze: 'none',
      training: { batchSize: 64 },
    })
    const outcome = await run(project)
    assert.equal(outcome.code, 3)
    assert.equal(
      seen(project, outcome)
        .replace(/ \d+ MiB more/, ' N MiB more')
        .replace(/[\d.]+ MB$/m, 'N MB'),
      `  none: 0 of 154 layers frozen; 396,128 of the trunk's 410,208 parameters train, in 156 tensors
✗ train  failed
pipeline.yaml:30:14 OUT_OF_MEMORY training.batchSize: batches of 27 pictures do not fit: the wasm engine cannot have N MiB more (it holds at most 4 GiB); at its peak the process had N MB
  29 |   epochs: 3
> 30 |   batchSize: 64
     |              ^^
  31 | freeze: none
  hint: lower training.batchSize or dataset.imageSize, or freeze more layers
`,
    )
    await assertNothingLost(project)
  })

  it('no native engine when it is asked for', async () => {
    await using project = await base.copy()
    const env = { GRAFT_ENGINES: join(project.path, 'none'), GRAFT_LIBTENSORFLOW: '' }
    project.configure({ engine: 'tensorflow' })
    const outcome = await project.pipeline(['run', 'pipeline.yaml'], { env })
    assert.equal(outcome.code, 3)
    assert.equal(
      seen(project, outcome),
      `pipeline.yaml:3:1 ENGINE_MISSING no libtensorflow on this machine
  2 | seed: 1
> 3 | engine: tensorflow
    | ^^^^^^
  4 | dataset:
  hint: \`pipeline engine install\` brings it (about 270 MB); or take \`engine: wasm\`, which is always there
`,
    )
    await assertNothingLost(project)
  })

  it('a damaged artifact is set aside with one warning, and computed again', async () => {
    await using project = await base.copy()
    const [path, bytes] = [...filesOf(project.store)].find(([name]) =>
      name.endsWith('/train/out_relu.pack'),
    )!
    const file = join(project.store, path)
    chmodSync(file, 0o644)
    bytes[1000]! ^= 1
    writeFileSync(file, bytes)
    const outcome = await run(project, '--set', 'training.epochs=1', '--json', '--log', 'json')
    assert.equal(outcome.code, 0, outcome.stderr)
    const events = eventsOf(outcome.stderr)
    assert.deepEqual(computed(events), ['evaluate:test', 'features:train', 'train'])
    const warnings = events.flatMap((e) => (e.type === 'warning' ? [e.diagnostic] : []))
    const digest = /[0-9a-f]{64}/.exec(path)![0]
    assert.deepEqual(
      warnings.map(({ code, message }) => `${code} ${message.replace(/\.\d+$/, '')}`),
      [
        `STORE_DAMAGED an artifact in the store was damaged (train/out_relu.pack has other bytes than were written); it is computed again, and the damaged one kept in ${project.store}/quarantine/${digest}`,
      ],
    )
    for (const [name, data] of filesOf(join(project.path, 'runs'))) {
      assert.ok(!data.includes(project.path), `${name} names a folder of this machine`)
    }
    await assertNothingLost(project)
  })

  it('a store that may not be written', async (t) => {
    if (!isRoot(t)) return
    await using project = await base.copy()
    chmodSync(project.path, 0o755)
    const outcome = await project.pipeline(['run', 'pipeline.yaml'], { uid: NOBODY })
    assert.equal(outcome.code, 3)
    assert.equal(
      seen(project, outcome),
      `NOT_WRITABLE no permission to write ~/store
  hint: give yourself write permission there, or choose another place with --store DIR or --runs DIR
`,
    )
    await assertNothingLost(project)
  })

  it('runs that may not be written', async (t) => {
    if (!isRoot(t)) return
    await using project = await base.copy()
    chmodSync(project.path, 0o755)
    execFileSync('chown', ['-R', String(NOBODY), project.store])
    const args = ['run', 'pipeline.yaml', '--set', 'training.epochs=1']
    const outcome = await project.pipeline(args, { uid: NOBODY })
    assert.equal(outcome.code, 3)
    assert.equal(
      seen(project, outcome),
      `NOT_WRITABLE no permission to write ~/runs/little
  hint: give yourself write permission there, or choose another place with --store DIR or --runs DIR
`,
    )
    await assertNothingLost(project)
  })

  it('a disk that is full during a stage', async (t) => {
    await using project = await base.copy()
    const disk = join(project.path, 'disk')
    mkdirSync(disk)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk])
    if (mounted.status !== 0) {
      say(t, 'NOT RUN, a small file system cannot be mounted here: a full disk during a stage')
      return
    }
    try {
      const outcome = await run(project, '--store', join(disk, 'store'))
      assert.equal(outcome.code, 3)
      const text = seen(project, outcome).replace(
        /(features:\w+|weights|index|pixels:\w+)  failed/,
        'STAGE  failed',
      )
      // Which stage meets the end of the disk first is chance: one that knows its size is told before it begins.
      const told =
        /^DISK_FULL (no space left on the disk while writing ~\/disk\/store\S*|stage \S+ writes about \S+ kB, but the disk of ~\/disk\/store has \S+ k?B free)$/
      const [failed, what, hint, ...more] = text.trimEnd().split('\n')
      assert.equal(failed, '✗ STAGE  failed')
      assert.match(what!, told)
      assert.match(
        hint!,
        /^ {2}hint: free some space, or `pipeline store gc( --max-size)?`, or put the store elsewhere with --store DIR$/,
      )
      assert.deepEqual(more, [])
      // What is there is whole, and what was half written is gone.
      const left = [...filesOf(join(disk, 'store')).keys()]
      assert.deepEqual(
        left.filter((path) => /^(tmp|trash|claims|quarantine)\//.test(path)),
        [],
      )
      const verified = await project.pipeline(['store', 'verify', '--store', join(disk, 'store')])
      assert.equal(verified.code, 0, verified.stdout + verified.stderr)
      execFileSync('mount', ['-o', 'remount,size=32m', disk])
      const again = await project.run('--store', join(disk, 'store'), '--runs', 'other')
      const before = outcome.stderr.match(/✓ (\S+)/g)!.map((line) => line.slice(2))
      assert.deepEqual(
        computed(again.events).filter((id) => before.includes(id)),
        [],
      )
      assert.equal(again.result.status, 'done')
    } finally {
      execFileSync('umount', [disk])
    }
    await assertNothingLost(project)
  })
})

/** A user without rights in the folders of the tests. */
const NOBODY = 65534

function isRoot(t: TestContext): boolean {
  if (process.getuid?.() === 0) return true
  say(t, 'NOT RUN, only root can become another user: a folder that may not be written')
  return false
}

/** A test is never left out in silence. */
function say(t: TestContext, message: string): void {
  t.diagnostic(message)
  process.stderr.write(`${message}\n`)
}
