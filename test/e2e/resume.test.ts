import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { whereTensorflow } from '../support/tensorflow.ts'
import { openCheckpoints, type Checkpoint } from '../../src/training/checkpoint.ts'
import type { LoopState } from '../../src/training/loop-state.ts'
import { isErrno } from '../../src/util/files.ts'
import { computed, essence, eventsOf } from './rig.ts'
import type { LoggedEvent, Project, RunOutcome, Settings } from './rig.ts'
import {
  checkpointFolders,
  checkpointsIn,
  notes,
  trainingProject,
  TUNED,
  warnings,
} from './tuned.ts'

const RUN = ['run', 'pipeline.yaml', '--json', '--log', 'json']

const epochs = (events: readonly LoggedEvent[]) =>
  events.flatMap((e) => (e.type === 'epochDone' ? [{ epoch: e.epoch, before: e.before }] : []))

describe('a training that goes on, on wasm', { concurrency: 2 }, () => {
  let clean: Project
  let undisturbed: Project
  let whole: RunOutcome
  before(async () => {
    clean = await trainingProject(TUNED)
    undisturbed = await clean.copy()
    whole = await undisturbed.run()
  })
  after(async () => {
    await clean[Symbol.asyncDispose]()
    await undisturbed[Symbol.asyncDispose]()
  })
  const assertSame = (project: Project, again: RunOutcome, than = whole) => {
    const from = than === whole ? undisturbed : project
    assert.deepEqual(essence(project, again.result), essence(from, than.result))
  }

  /** A project whose second phase was killed in its second epoch; its folder of checkpoints. */
  const killed = async () => {
    const project = await clean.copy()
    const running = project.start(RUN)
    await running.event((e) => e.type === 'stageProgress' && e.stage === 'train:2' && e.done >= 8)
    running.process.kill('SIGKILL')
    await running.ended
    const [folder, ...more] = checkpointFolders(project)
    assert.deepEqual(more, [])
    return { project, folder: folder!, files: checkpointsIn(folder!) }
  }

  it('from scratch again: the same bytes, whatever --jobs says', async () => {
    for (const jobs of ['1', '4']) {
      await using project = await clean.copy()
      assertSame(project, await project.run('--no-cache', '--jobs', jobs))
    }
  })

  it('says where it stopped and where it goes on: SIGUSR2 as SIGTERM', async () => {
    await using project = await clean.copy()
    const running = project.start(RUN)
    await running.event((e) => e.type === 'stageProgress' && e.stage === 'train:2' && e.done >= 8)
    running.process.kill('SIGUSR2')
    const { code, stderr } = await running.ended
    assert.equal(code, 143, stderr)
    const [first, second, ...more] = notes(eventsOf(stderr)).slice(-2)
    assert.equal(first, 'stopping; a second signal ends it at once')
    const [, epoch, batch] =
      /^stopped after epoch (\d)(?:, batch (\d))?; a checkpoint of that is written$/.exec(
        second!,
      ) ?? assert.fail(second)
    assert.deepEqual(more, [])
    const again = await project.run()
    const next = batch
      ? `goes on at epoch ${epoch}, batch ${Number(batch) + 1}`
      : `goes on at epoch ${Number(epoch) + 1}`
    assert.deepEqual(notes(again.events), [next])
    assertSame(project, again)
    // The epochs of this phase that were trained before are told of again, with the times that they took.
    const told = again.result.epochs.filter((e) => e.phase === 2)
    assert.ok(told.every(({ seconds }) => seconds > 0))
  })

  it('an unfinished run shows the epochs that it has had', async () => {
    await using project = await clean.copy()
    const running = project.start(RUN)
    await running.event((e) => e.type === 'epochDone' && e.epoch === 2)
    running.process.kill('SIGTERM')
    await running.ended
    const shown = await project.pipeline(['show', '@latest', '--json'])
    const { status, epochs: had } = JSON.parse(shown.stdout) as RunOutcome['result']
    assert.equal(status, 'interrupted')
    assert.deepEqual(
      had.slice(0, 2).map((e) => ({ ...e, seconds: 0 })),
      whole.result.epochs.slice(0, 2).map((e) => ({ ...e, seconds: 0 })),
    )
  })

  it('a damaged newest checkpoint: the one before with a warning, and the same bytes', async () => {
    const { project, folder, files } = await killed()
    await using _ = project
    assert.equal(files.length, 2)
    const path = join(folder, files[1]!)
    const bytes = readFileSync(path)
    bytes[bytes.length - 100]! ^= 1
    writeFileSync(path, bytes)
    const again = await project.run()
    assert.deepEqual(warnings(again.events), [
      `CHECKPOINT_DAMAGED ${files[1]} (its bytes are not those written) cannot be read; training goes on from ${files[0]}, the one before`,
    ])
    assertSame(project, again)
    assert.deepEqual(readdirSync(join(project.store, 'work')), [])
  })

  it('none that is whole: an error that names the files and --restart, which cures it', async () => {
    const { project, folder, files } = await killed()
    await using _ = project
    for (const file of files) truncateSync(join(folder, file), 1000)
    const failed = await project.pipeline(['run', 'pipeline.yaml'])
    assert.equal(failed.code, 1)
    const [first, second] = files.map(
      (file) =>
        `${join(folder, file)} (it is not a safetensors file: its header should have NNN bytes)`,
    )
    assert.ok(
      failed.stderr
        .replaceAll(/have \d+ bytes/g, 'have NNN bytes')
        .endsWith(
          `✗ train:2  failed\nCHECKPOINT_DAMAGED no checkpoint can be read: ${second}; ${first}\n  hint: run again with --restart to train from the beginning\n`,
        ),
      failed.stderr,
    )
    const again = await project.run('--restart')
    assert.deepEqual(notes(again.events), [])
    assertSame(project, again)
  })

  it('a disk that is full when a checkpoint is written: told, and the one before stays', async (t) => {
    for (const signal of [undefined, 'SIGTERM'] as const) {
      await using project = await clean.copy()
      await using disk = await smallDisk(project, t)
      if (!disk) return
      cpSync(project.store, disk.store, { recursive: true, preserveTimestamps: true })
      // A signal then finds that there is none of this phase.
      const every = signal ? ['--set', 'training.checkpoint.every=1h'] : []
      const args = ['--store', disk.store, ...every]
      const running = project.start([...RUN, ...args])
      await running.event((e) => e.type === 'stageProgress' && e.stage === 'train:2' && e.done >= 5)
      const free = disk.fill()
      if (signal) running.process.kill(signal)
      const { code, stderr } = await running.ended
      assert.equal(code, signal ? 143 : 3, stderr)
      const full = /^DISK_FULL no space left on the disk while writing .*work\/\w+\/checkpoint-/
      const [first, ...more] = eventsOf(stderr).flatMap((e) =>
        e.type === 'stageFailed' ? e.diagnostics : e.type === 'warning' ? [e.diagnostic] : [],
      )
      assert.match(`${first!.code} ${first!.message}`, full)
      assert.equal(first!.severity, signal && 'warning')
      assert.deepEqual(more, [])
      free()
      const again = await project.run(...args)
      assert.deepEqual(notes(again.events).length, signal ? 0 : 1)
      assertSame(project, again)
    }
  })

  const rewrite = async (folder: string, change: (state: LoopState) => Partial<LoopState>) => {
    const checkpoints = openCheckpoints(folder, () => undefined)
    const found = await checkpoints.load()
    const state = found!.state as unknown as LoopState
    const changed = { ...state, ...change(state) } as unknown as Checkpoint['state']
    await checkpoints.save(state, { ...found!, state: changed })
  }

  it('another number of threads: a warning that the bytes may differ', async () => {
    const { project, folder } = await killed()
    await using _ = project
    await rewrite(folder, () => ({ stamp: { threads: [7] } }))
    const again = await project.run()
    const text =
      "NOTE the checkpoint was written with 7 threads and this is 1: the last digits may differ from an undisturbed run's"
    assert.deepEqual(warnings(again.events), [text])
    assertSame(project, again)
    assert.ok(again.result.warnings.some(({ message }) => text.endsWith(message)))
  })
})

/** A file system of its own in the project, until the test ends; undefined where none can be mounted, which is said. */
async function smallDisk(project: Project, t: TestContext) {
  const path = join(project.path, 'disk')
  mkdirSync(path)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', path])
  if (mounted.status !== 0) {
    const message =
      'NOT RUN, a small file system cannot be mounted here: a full disk at a checkpoint'
    t.diagnostic(message)
    process.stderr.write(`${message}\n`)
    return undefined
  }
  const filler = join(path, 'filler')
  return {
    store: join(path, 'store'),
    /** Returns how to make room again. */
    fill: () => {
      for (const block of [1 << 20, 1 << 12]) {
        try {
          for (;;) appendFileSync(filler, Buffer.alloc(block))
        } catch (error) {
          assert.ok(isErrno(error, 'ENOSPC'))
        }
      }
      return () => rmSync(filler)
    },
    [Symbol.asyncDispose]: async () => void execFileSync('umount', ['-l', path]),
  }
}

describe('more epochs than a finished run had, on wasm', { concurrency: 2 }, () => {
  const settings = (more: Settings = {}, optimizer: Settings = {}): Settings => ({
    ...TUNED,
    freeze: { first: 100 },
    optimizer,
    training: { ...(TUNED['training'] as Settings), phases: null, epochs: 2, ...more },
  })
  let base: Project
  before(async () => {
    base = await trainingProject(settings())
    await base.run()
  })
  after(() => base[Symbol.asyncDispose]())

  const scratch = async (project: Project) => {
    const copy = await project.copy()
    const outcome = await copy.run('--no-cache')
    return { copy, outcome }
  }

  it('go on from its end, to the bytes of a training from scratch', async () => {
    await using project = await base.copy()
    project.configure(settings({ epochs: 4 }))
    const { copy, outcome } = await scratch(project)
    await using _ = copy
    const longer = await project.run()
    assert.deepEqual(computed(longer.events), ['evaluate:test', 'train'])
    assert.deepEqual(notes(longer.events), ['goes on at epoch 3'])
    assert.deepEqual(epochs(longer.events), [
      { epoch: 1, before: true },
      { epoch: 2, before: true },
      { epoch: 3, before: undefined },
      { epoch: 4, before: undefined },
    ])
    assert.deepEqual(essence(project, longer.result), essence(copy, outcome.result))
    assert.deepEqual(
      epochs(outcome.events).filter((e) => e.before),
      [],
    )

    // Killed on the way it goes on from its own checkpoints.
    project.configure(settings({ epochs: 6 }))
    const running = project.start(RUN)
    await running.event((e) => e.type === 'epochDone' && e.epoch === 5)
    running.process.kill('SIGKILL')
    await running.ended
    const again = await project.run()
    assert.match(notes(again.events).join(), /^goes on at epoch [56]/)
    const six = await scratch(project)
    await using __ = six.copy
    assert.deepEqual(essence(project, again.result), essence(six.copy, six.outcome.result))

    // A shorter one trains from the beginning, says why, and leaves the longer one's end.
    project.configure(settings({ epochs: 3 }))
    const shorter = await project.run()
    assert.deepEqual(notes(shorter.events), [
      'trains from the beginning: its kept end is that of 6 epochs',
    ])
    project.configure(settings({ epochs: 7 }))
    assert.deepEqual(notes((await project.run()).events), ['goes on at epoch 7'])
  })

  it('--force train and --restart train from the beginning', async () => {
    await using project = await base.copy()
    project.configure(settings({ epochs: 3 }))
    const { copy, outcome } = await scratch(project)
    await using _ = copy
    const restarted = await project.run('--restart')
    assert.deepEqual(notes(restarted.events), [])
    assert.equal(epochs(restarted.events).filter((e) => !e.before).length, 3)
    assert.deepEqual(essence(project, restarted.result), essence(copy, outcome.result))
    const forced = await project.run('--force', 'train')
    assert.equal(epochs(forced.events).filter((e) => !e.before).length, 3)
    assert.deepEqual(essence(project, forced.result), essence(copy, outcome.result))
  })

  it('with a schedule: on where it stays, from the beginning where it is another, and says why', async () => {
    await using project = await base.copy()
    const cosine = (decaySteps: number) => ({
      learningRate: { name: 'CosineDecay', initialLearningRate: 0.002, decaySteps },
    })
    const plain = { reduceLROnPlateau: null }
    project.configure(settings(plain, cosine(10)))
    await project.run()
    project.configure(settings({ ...plain, epochs: 3 }, cosine(15)))
    const other = await project.run()
    assert.deepEqual(notes(other.events), [
      'trains from the beginning: the schedule of the 2 epochs trained before was another one from the first step on (optimizer.learningRate.decaySteps 10 -> 15)',
    ])
    const why = await project.pipeline(['why', 'pipeline.yaml', 'train', '--set', 'seed=5'])
    assert.match(why.stdout, /seed/)
    project.configure(settings({ ...plain, epochs: 4 }, cosine(15)))
    assert.deepEqual(notes((await project.run()).events), ['goes on at epoch 4'])
  })

  it('a kept end that is damaged is as good as none', async () => {
    await using project = await base.copy()
    const state = join(project.store, 'state/train')
    for (const series of readdirSync(state)) {
      for (const file of checkpointsIn(join(state, series))) {
        truncateSync(join(state, series, file), 500)
      }
    }
    project.configure(settings({ epochs: 3 }))
    const { copy, outcome } = await scratch(project)
    await using _ = copy
    const longer = await project.run()
    assert.deepEqual(warnings(longer.events), [])
    assert.equal(epochs(longer.events).filter((e) => e.before).length, 0)
    assert.deepEqual(essence(project, longer.result), essence(copy, outcome.result))
  })
})

if (whereTensorflow('a training that is killed and goes on')) {
  describe('a training that goes on, on tensorflow', () => {
    const settings = { ...TUNED, engine: { name: 'tensorflow', device: 'cpu' } }

    it('from scratch twice, and killed in every phase: the same bytes', async () => {
      await using project = await trainingProject(settings)
      await using undisturbed = await project.copy()
      const whole = await undisturbed.run()
      const twice = await undisturbed.run('--no-cache')
      assert.deepEqual(essence(undisturbed, twice.result), essence(undisturbed, whole.result))
      for (const phase of [1, 2]) {
        const running = project.start(RUN)
        await running.event(
          (e) => e.type === 'stageProgress' && e.stage === `train:${phase}` && e.done >= 7,
        )
        running.process.kill('SIGKILL')
        await running.ended
      }
      const again = await project.run()
      assert.match(
        notes(again.events).join(),
        /^goes on at epoch [34], batch \d$|^goes on at epoch 4$/,
      )
      assert.deepEqual(essence(project, again.result), essence(undisturbed, whole.result))
    })
  })
}
