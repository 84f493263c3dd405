import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Engine, Session } from '../../src/engines/engine.ts'
import {
  openCheckpoints,
  type CheckpointStep,
  type KeptCheckpoint,
} from '../../src/training/checkpoint.ts'
import { fit, type FitOptions } from '../../src/training/fit.ts'
import { misfit, type EpochFigures, type LoopState } from '../../src/training/loop-state.ts'
import { failure, PipelineError } from '../../src/util/diagnostic.ts'
import { testEngines } from '../support/engines.ts'
import { timeless } from '../support/keras-fit.ts'
import {
  BATCHES,
  digestOfEnd,
  LITTLE_FIT,
  littleFit,
  littleProgram,
} from '../support/little-fit.ts'
import { ROOT } from '../support/paths.ts'
import { noWarning } from '../graph/rig.ts'
import { temporaryFolder } from '../support/stage-rig.ts'

const STEPS = LITTLE_FIT.epochs * BATCHES

for (const { name, open } of testEngines('training that goes on')) {
  describe(`training that goes on, on ${name}`, () => {
    let engine: Engine
    let whole: { history: readonly EpochFigures[]; end: KeptCheckpoint }
    before(async () => {
      engine = await open()
      whole = await train()
    })
    after(() => engine.close())

    /** In a session of its own; `watch` may take the place of it. */
    const train = async (
      more: Partial<FitOptions> = {},
      watch: (session: Session) => Session = (session) => session,
    ) => {
      const session = await engine.compile(littleProgram())
      try {
        return await fit({ ...littleFit(more), session: watch(session) })
      } finally {
        await session.close()
      }
    }
    const assertSame = ({ end }: { end: KeptCheckpoint }, what: string) => {
      assert.deepEqual(timeless(end), timeless(whole.end), what)
    }

    test('the same training twice: the same bytes', async () => {
      assertSame(await train(), 'twice')
      assert.equal(whole.history.length, LITTLE_FIT.epochs)
      // What must be in a checkpoint has happened: a best epoch, and a rate that was lowered.
      assert.equal(whole.end.bests.length, 1)
      assert.notEqual((whole.end.state as unknown as LoopState).learningRate, null)
    })

    test('stopped after every batch in turn, in validations too, and gone on: the same bytes', async () => {
      const stops = ['batch', 'validation'] as const
      for (const stop of stops) {
        for (let step = 1; step <= STEPS; step += 1) {
          await using folder = await temporaryFolder()
          const checkpoints = openCheckpoints(folder.path, noWarning)
          const controller = new AbortController()
          const reason = new DOMException('interrupted', 'AbortError')
          const abort = () => controller.abort(reason)
          let steps = 0
          const stopped: unknown[] = []
          const first = train(
            {
              checkpoints,
              isDue: () => false,
              signal: controller.signal,
              onStop: (place) => stopped.push(place),
            },
            (session) =>
              watched(session, (entry) => {
                if (entry.startsWith('train')) steps += 1
                const isNow = stop === 'batch' ? entry.startsWith('train') : entry === 'infer'
                if (isNow && steps === step) abort()
              }),
          )
          const epochOf = Math.ceil(step / BATCHES)
          if (stop === 'validation' && step % BATCHES !== 0) {
            // There is no validation after this one.
            await first
            continue
          }
          await assert.rejects(first, reason)
          const batch = step - (epochOf - 1) * BATCHES
          assert.deepEqual(stopped, [{ step, epoch: epochOf, batch }])
          const from = await checkpoints.load((found) => misfit(found, littleProgram()))
          assert.equal(from!.state['step'], step)
          const told: boolean[] = []
          const onEpoch = (_: EpochFigures, isBefore: boolean) => void told.push(isBefore)
          assertSame(await train({ checkpoints, from: () => from, onEpoch }), `${stop} ${step}`)
          assert.deepEqual(
            told,
            whole.history.map((_, i) => i + 1 < epochOf),
          )
        }
      }
    })

    test('from every checkpoint that was ever written: the same bytes', async () => {
      for (const every of [1, 2]) {
        const saved: KeptCheckpoint[] = []
        await train({
          isDue: ({ batches, endOfEpoch }) => endOfEpoch || batches >= every,
          checkpoints: {
            load: () => Promise.resolve(undefined),
            save: async (_, checkpoint) => void saved.push(structuredClone(checkpoint)),
            saveBest: () => Promise.resolve(),
            loadBest: () => Promise.resolve(new Map()),
          },
        })
        assert.ok(saved.length >= STEPS / every)
        for (const from of saved) {
          const plain = { ...from, state: JSON.parse(JSON.stringify(from.state)) }
          assertSame(await train({ from: () => plain }), JSON.stringify(from.state))
        }
      }
    })

    test('more epochs go on from the end of fewer', async () => {
      const { end } = await train({ lastEpoch: 1 })
      assertSame(await train({ from: () => end }), 'from the first epoch')
      const steps: string[] = []
      const again = await train({ from: () => whole.end }, (session) =>
        watched(session, (entry) => steps.push(entry)),
      )
      assertSame(again, 'of as many epochs')
      assert.deepEqual(steps, [])
    })
  })
}

const [wasm] = testEngines('training that is disturbed')

describe('training that is disturbed', () => {
  let engine: Engine
  let digest: string
  before(async () => {
    engine = await wasm!.open()
    const session = await engine.compile(littleProgram())
    digest = digestOfEnd((await fit({ ...littleFit(), session })).end)
    await session.close()
  })
  after(() => engine.close())

  const run = async (more: Partial<FitOptions>, watch?: (entry: string) => void) => {
    const session = await engine.compile(littleProgram())
    try {
      return await fit({
        ...littleFit(more),
        session: watch ? watched(session, watch) : session,
      })
    } finally {
      await session.close()
    }
  }

  test('killed with SIGKILL at each step of writing a checkpoint, again and again: the same bytes', async () => {
    const at: readonly CheckpointStep[] = ['write', 'rename', 'sync', 'drop']
    for (const step of at) {
      await using folder = await temporaryFolder()
      let killed = 0
      for (;;) {
        // Each gets two checkpoints further, or three, and is ended at the next.
        const { signal, stdout, stderr } = child(folder.path, { step, time: 3 + (killed % 2) })
        if (signal === null) {
          assert.equal(stdout.trim(), digest, stderr)
          break
        }
        assert.equal(signal, 'SIGKILL', stderr)
        killed += 1
        assert.ok(killed < 20, 'it does not get on')
      }
      assert.ok(killed >= 2, `it was killed ${killed} times at ${step}`)
      const files = readdirSync(folder.path).filter((file) => file.endsWith('.tmp'))
      assert.deepEqual(files, [])
    }
  })

  test('a batch that cannot be read: its error, once nothing runs any more', async () => {
    const options = littleFit()
    let reads = 0
    const source = {
      ...options.train.source,
      gather: async () => {
        reads += 1
        if (reads === 3) throw failure('STORE_DAMAGED', 'a pack is damaged')
      },
    }
    let running = 0
    const session = await engine.compile(littleProgram())
    const counted: Session = {
      ...watched(session, () => undefined),
      run: async (entry, feeds) => {
        running += 1
        await new Promise((resolve) => setTimeout(resolve, 30))
        const result = await session.run(entry, feeds)
        running -= 1
        return result
      },
    }
    const training = fit({ ...options, train: { ...options.train, source }, session: counted })
    await assert.rejects(training, /STORE_DAMAGED/)
    assert.equal(running, 0)
    await session.close()
  })

  test('a loss that is no number: the step and the rate are told, the last good checkpoint stays', async () => {
    await using folder = await temporaryFolder()
    const checkpoints = openCheckpoints(folder.path, noWarning)
    const session = await engine.compile(littleProgram())
    let steps = 0
    const broken: Session = {
      ...watched(session, () => undefined),
      run: async (entry, feeds) => {
        const result = await session.run(entry, feeds)
        if (!entry.startsWith('train')) return result
        steps += 1
        return steps < 5 ? result : { ...result, loss: Float32Array.of(NaN) }
      },
    }
    const training = fit({ ...littleFit({ checkpoints, isDue: () => true }), session: broken })
    const { diagnostics } = await failed(training)
    assert.equal(diagnostics[0]!.code, 'NOT_FINITE')
    assert.equal(
      diagnostics[0]!.message,
      'the loss is NaN at epoch 2, batch 2 (step 5), with learning rate 0.05',
    )
    const left = await checkpoints.load()
    assert.equal(left!.state['step'], 4)
    await session.close()
    // Without what broke it, it goes on to the same end.
    const { end } = await run({ from: () => left, checkpoints })
    assert.equal(digestOfEnd(end), digest)
  })

  test('weights that are no numbers are no checkpoint', async () => {
    await using folder = await temporaryFolder()
    const checkpoints = openCheckpoints(folder.path, noWarning)
    const session = await engine.compile(littleProgram())
    for (const value of [NaN, Infinity, -Infinity]) {
      let steps = 0
      const broken: Session = {
        ...watched(session, (entry) => {
          if (entry.startsWith('train')) steps += 1
        }),
        read: async () => {
          const variables = await session.read()
          if (steps >= 3) variables.get('bias')![1] = value
          return variables
        },
      }
      const training = fit({ ...littleFit({ checkpoints, isDue: () => true }), session: broken })
      const { diagnostics } = await failed(training)
      assert.match(
        diagnostics[0]!.message,
        /^bias is not finite at epoch 1, batch 3 \(step 3\), with learning rate 0\.05/,
      )
      assert.equal((await checkpoints.load())!.state['step'], 2)
    }
    await session.close()
  })

  test('a checkpoint of another program or format is none', async () => {
    const { end } = await run({})
    const program = littleProgram()
    assert.equal(misfit(end, program), undefined)
    const without = new Map([...end.variables].slice(1))
    const [first] = end.variables.keys()
    assert.equal(misfit({ ...end, variables: without }, program), `it has no ${first}`)
    const longer = new Map([...end.variables, ['bias', new Float32Array(4)]])
    assert.equal(misfit({ ...end, variables: longer }, program), 'its bias has 4 values, not 3')
    const more = new Map([...end.variables, ['other', new Float32Array(4)]])
    assert.match(misfit({ ...end, variables: more }, program)!, /^it has other, which/)
    const state = { ...end.state, format: 0 }
    assert.equal(misfit({ ...end, state }, program), 'its format is 0, not 1')
  })
})

/** The session, told of every run before it begins. */
function watched(session: Session, seen: (entry: string) => void): Session {
  return {
    concurrency: session.concurrency,
    run: (entry, feeds) => {
      seen(entry)
      return session.run(entry, feeds)
    },
    read: (names) => session.read(names),
    write: (values) => session.write(values),
    close: () => session.close(),
  }
}

function child(folder: string, killAt: { step: CheckpointStep; time: number }) {
  const job = JSON.stringify({ folder, killAt })
  const path = join(ROOT, 'dist/test/training/fit-child.js')
  return spawnSync(process.execPath, [path, job], { encoding: 'utf8' })
}

async function failed(training: Promise<unknown>): Promise<PipelineError> {
  const error = await training.then(
    () => assert.fail('it was expected to fail'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof PipelineError, String(error))
  return error
}
