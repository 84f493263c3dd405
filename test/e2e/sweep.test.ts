import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { leftOf } from './processes.ts'
import { createProject, eventsOf } from './rig.ts'
import type { Outcome, Project, Settings } from './rig.ts'

/** What `run --json` of a sweep promises (spec: cli.md). */
interface SweepResult {
  readonly sweep: { readonly name: string; readonly dir: string; readonly method: string }
  readonly status: string
  readonly trials: readonly {
    readonly id: string
    readonly parameters: Readonly<Record<string, unknown>>
    readonly status: string
    readonly value?: number
    readonly metrics: Readonly<Record<string, number>>
    readonly run?: string
    readonly failure?: { readonly code: string; readonly message: string }
  }[]
  readonly best: string | null
  readonly bestRun?: { readonly dir: string; readonly metrics: Readonly<Record<string, unknown>> }
}

const GRID: Settings = {
  training: { epochs: 2 },
  sweep: {
    parameters: {
      'optimizer.learningRate': { values: [0.002, 0.01] },
      'training.batchSize': { values: [8, 16] },
    },
  },
}

type Events = readonly { readonly type: string; readonly [key: string]: unknown }[]

describe('a sweep, on wasm', { concurrency: 2 }, () => {
  let clean: Project
  let undisturbed: SweepResult
  before(async () => {
    clean = await createProject(GRID)
    const whole = await clean.copy()
    undisturbed = (await sweep(whole)).result
    await whole[Symbol.asyncDispose]()
  })
  after(() => clean[Symbol.asyncDispose]())

  const sweep = async (project: Project, ...args: string[]) => {
    const outcome = await project.pipeline([
      'run',
      'pipeline.yaml',
      '--json',
      '--log',
      'json',
      ...args,
    ])
    return { ...outcome, ...read(outcome) }
  }
  const read = ({ stdout, stderr }: Outcome) => ({
    result: JSON.parse(stdout || '{}') as SweepResult,
    events: eventsOf(stderr) as unknown as Events,
  })
  /** What trials came to, without what depends on when they ran. */
  const essence = ({ trials, best }: SweepResult) => ({
    best,
    trials: trials.map(({ id, parameters, metrics }) => ({ id, parameters, metrics })),
  })
  const startedTrials = (events: Events) =>
    events.filter((e) => e.type === 'trialStarted').map((e) => e['trial'])
  const stages = (events: Events) =>
    events.filter((e) => e.type === 'stageDone' && e['cached'] === false).map((e) => e['stage'])

  it('runs every trial, a shared stage once, and measures the best one alone on test', async () => {
    await using project = await clean.copy()
    const { code, result, events } = await sweep(project)
    assert.equal(code, 0)
    assert.equal(result.status, 'done')
    assert.deepEqual(
      result.trials.map(({ parameters }) => Object.values(parameters)),
      [
        [0.002, 8],
        [0.002, 16],
        [0.01, 8],
        [0.01, 16],
      ],
    )
    const counts = new Map<unknown, number>()
    for (const stage of stages(events)) counts.set(stage, (counts.get(stage) ?? 0) + 1)
    assert.equal(counts.get('train'), 4)
    for (const shared of ['index', 'pixels:train', 'features:train']) {
      assert.equal(counts.get(shared), 1, shared)
    }
    assert.equal(counts.get('evaluate:validation'), 4)
    assert.equal(counts.get('evaluate:test'), 1)
    for (const { metrics } of result.trials) assert.ok(!('test.accuracy' in metrics))
    assert.deepEqual(Object.keys(result.bestRun!.metrics), ['test'])
    const values = result.trials.map(({ value }) => value!)
    const best = result.trials.find(({ id }) => id === result.best)!
    assert.equal(best.value, Math.max(...values))
    const shown = await project.pipeline(['sweep', 'show', 'pipeline.yaml', '--json'])
    assert.deepEqual(essence(JSON.parse(shown.stdout) as SweepResult), essence(result))
  })

  const plan = async (project: Project) => {
    const { stdout } = await project.pipeline(['plan', 'pipeline.yaml', '--json'])
    const { trials, stages: kinds } = JSON.parse(stdout) as {
      readonly trials: readonly { readonly status: string; readonly stagesToRun: number }[]
      readonly stages: readonly { readonly kind: string; readonly distinct: number; run: number }[]
    }
    const of = (kind: string) => kinds.find((k) => k.kind === kind)
    return { trials, of, left: kinds.reduce((sum, { run }) => sum + run, 0) }
  }

  it('runs only what is new after a change', async () => {
    await using project = await clean.copy()
    const before = await plan(project)
    assert.deepEqual([before.trials.length, before.of('train')?.distinct], [4, 4])
    assert.deepEqual([before.of('index')?.run, before.of('features')?.distinct], [1, 2])
    const first = await sweep(project)
    assert.equal((await plan(project)).left, 0)
    const csv = ['plan', 'pipeline.yaml', '--sweep', 'seed=1,2', '--save', 'trials.csv']
    const saved = await project.pipeline(csv)
    assert.match(saved.stdout, /8 trials = .* 8 trainings/)
    const table = readFileSync(join(project.path, 'trials.csv'), 'utf8').split('\n')
    assert.match(table[0]!, /^trial,status,optimizer.learningRate,training.batchSize,seed,/)
    assert.equal(table.filter((line) => line.includes(',done,')).length, 4)
    const again = await sweep(project)
    assert.deepEqual([stages(again.events), startedTrials(again.events)], [[], []])
    assert.deepEqual(essence(again.result), essence(first.result))
    assert.ok(again.result.trials.every(({ status }) => status === 'cached'))
    const anew = await sweep(project, '--no-cache')
    assert.deepEqual(essence(anew.result), essence(first.result))
    const count = (kind: string) => stages(anew.events).filter((stage) => stage === kind).length
    assert.deepEqual([count('index'), count('features:train'), count('train')], [1, 1, 4])

    project.configure({
      ...GRID,
      sweep: {
        parameters: {
          'optimizer.learningRate': { values: [0.002, 0.005, 0.01] },
          'training.batchSize': { values: [8, 16] },
        },
      },
    })
    const more = await sweep(project)
    assert.equal(more.result.trials.length, 6)
    const added = more.result.trials.filter((t) => t.parameters['optimizer.learningRate'] === 0.005)
    assert.deepEqual(
      startedTrials(more.events),
      added.map(({ id }) => id),
    )

    project.configure({
      ...GRID,
      sweep: {
        metric: { name: 'validation.loss' },
        parameters: {
          'optimizer.learningRate': { values: [0.005, 0.002] },
          'training.batchSize': { values: [16] },
        },
      },
    })
    const less = await sweep(project)
    assert.deepEqual(startedTrials(less.events), [])
    assert.equal(less.result.trials.length, 2)
    const losses = less.result.trials.map(({ value }) => value!)
    const best = less.result.trials.find(({ id }) => id === less.result.best)!
    assert.equal(best.value, Math.min(...losses))
    const shown = await project.pipeline(['sweep', 'show', 'pipeline.yaml'])
    assert.match(shown.stdout, /4 more that the file no longer has/)
    const byName = await project.pipeline(['sweep', 'show', 'little'])
    assert.equal(byName.stdout, shown.stdout)
    const listed = await project.pipeline(['sweep', 'ls', '--json'])
    const [row, ...others] = JSON.parse(listed.stdout) as Record<string, unknown>[]
    assert.deepEqual([row!['name'], row!['trials'], row!['done'], others], ['little', 6, 6, []])
  })

  it('goes on when a trial fails, ends with 1, and tries it again', async () => {
    await using project = await clean.copy()
    project.configure({
      ...GRID,
      sweep: {
        retries: 1,
        parameters: { 'baseModel.weights': { values: ['broken.h5', 'trunk.h5'] } },
      },
    })
    writeFileSync(join(project.path, 'broken.h5'), 'no weights')
    const { code, result, events, stderr } = await sweep(project)
    assert.equal(code, 1)
    assert.equal(result.status, 'failed')
    assert.deepEqual(
      result.trials.map(({ status }) => status),
      ['failed', 'done'],
    )
    const [failed] = result.trials
    assert.equal(failed!.failure!.code, 'BAD_WEIGHTS')
    assert.equal(failed!.value, undefined)
    assert.equal(startedTrials(events).length, 3)
    assert.match(stderr, /STAGE_FAILED 1 trial failed/)
    const ls = await project.pipeline(['ls', '--filter', 'status = failed', '--json'])
    const [run] = JSON.parse(ls.stdout) as { readonly id: string }[]
    const shown = await project.pipeline(['show', run!.id])
    assert.match(shown.stdout, /^✗ BAD_WEIGHTS \.\/broken\.h5 is no weights file/m)
    const again = await sweep(project, '--only', 'failed')
    assert.equal(again.code, 1)
    assert.deepEqual(startedTrials(again.events), [failed!.id, failed!.id])
  })

  it('takes values from the command line, and tells what is wrong with any before the first starts', async () => {
    await using project = await clean.copy()
    project.configure({ training: { epochs: 1 } })
    const good = await sweep(project, '--sweep', 'training.batchSize=8,16')
    assert.equal(good.result.trials.length, 2)
    const bad = await sweep(project, '--sweep', 'training.batchSize=8,none')
    assert.equal(bad.code, 2)
    assert.match(bad.stderr, /WRONG_TYPE --sweep training.batchSize=8,none: .*"none"/)
    assert.deepEqual(startedTrials(bad.events), [])
  })

  it('says what is wrong with a value at its place in the file', async () => {
    await using project = await clean.copy()
    project.configure({
      sweep: {
        parameters: { 'optimizer.learningRat': { values: [1] }, freeze: { values: ['alll'] } },
      },
    })
    const { code, stderr } = await sweep(project)
    assert.equal(code, 2)
    const text = readFileSync(join(project.path, 'pipeline.yaml'), 'utf8').split('\n')
    const line = (part: string) => text.findIndex((l) => l.includes(part)) + 1
    assert.match(stderr, new RegExp(`pipeline.yaml:${line('alll')}:\\d+ WRONG_VALUE`))
    assert.match(stderr, /UNKNOWN_KEY unknown key "learningRat" in optimizer/)
  })

  it('is shared by several processes, one of which is killed', async () => {
    await using project = await clean.copy()
    const running = project.start(
      ['run', 'pipeline.yaml', '--json', '--log', 'json', '--jobs', '2'],
      { detached: true },
    )
    const first = (await running.event(
      (e) => (e as { type: string }).type === 'trialStarted',
    )) as unknown as { pid: number; trial: string }
    assert.notEqual(first.pid, running.process.pid)
    process.kill(first.pid, 'SIGKILL')
    const outcome = await running.ended
    assert.equal(outcome.code, 0, outcome.stderr)
    const { result, events } = read(outcome)
    assert.deepEqual(essence(result), essence(undisturbed))
    assert.ok(events.some((e) => e.type === 'workerEnded' && e['how'] === 'by SIGKILL'))
    assert.deepEqual(await leftOf(running.process.pid!), [], 'processes live on')
  })

  it('goes on where it was killed', async () => {
    await using project = await clean.copy()
    const running = project.start(['run', 'pipeline.yaml', '--json', '--log', 'json'], {
      detached: true,
    })
    const seen = new Set<unknown>()
    await running.event((given) => {
      const e = given as unknown as { readonly type: string; readonly trial?: string }
      if (e.type === 'trialDone') seen.add(e.trial)
      return seen.size === 2
    })
    running.process.kill('SIGKILL')
    await running.ended
    const { code, result, events } = await sweep(project)
    assert.equal(code, 0)
    assert.deepEqual(essence(result), essence(undisturbed))
    const finished = result.trials.filter(({ status }) => status === 'cached').map(({ id }) => id)
    assert.ok(finished.length >= 2)
    for (const id of startedTrials(events)) assert.ok(!finished.slice(0, 2).includes(id as string))
  })

  it('keeps its trials when the runs are removed, and finds its best one again in the store', async () => {
    await using project = await clean.copy()
    const { result } = await sweep(project)
    const runs = join(project.path, 'runs/little')
    for (const name of readdirSync(runs)) {
      if (name !== 'sweep') rmSync(join(runs, name), { recursive: true })
    }
    const again = await sweep(project)
    assert.deepEqual(essence(again.result), essence(result))
    assert.deepEqual(again.result.bestRun!.metrics, result.bestRun!.metrics)
    assert.deepEqual(stages(again.events), [])
  })

  const RATES = { distribution: 'logUniform', min: 1e-4, max: 1e-1 }

  it('draws random trials, the same again, and more of them when there may be more', async () => {
    await using project = await clean.copy()
    const configure = (maxTrials: number, name = 'little') =>
      project.configure({
        name,
        training: { epochs: 1 },
        sweep: {
          method: 'random',
          maxTrials,
          parameters: {
            'optimizer.learningRate': RATES,
            'training.batchSize': { values: [8, 16] },
          },
        },
      })
    configure(3)
    const { result } = await sweep(project)
    const parameters = ({ trials }: SweepResult) => trials.map((trial) => trial.parameters)
    for (const { 'optimizer.learningRate': rate } of parameters(result)) {
      assert.ok(Number(rate) >= 1e-4 && Number(rate) <= 1e-1)
    }
    configure(5)
    const more = await sweep(project)
    assert.deepEqual(parameters(more.result).slice(0, 3), parameters(result))
    assert.equal(startedTrials(more.events).length, 2)
  })

  it('suggests by TPE, with one process the same trials each time', async () => {
    await using project = await clean.copy()
    const settings = (maxTrials: number) => ({
      training: { epochs: 1 },
      sweep: {
        method: 'tpe',
        maxTrials,
        points: [{ 'optimizer.learningRate': 0.002 }],
        parameters: { 'optimizer.learningRate': RATES },
      },
    })
    project.configure(settings(12))
    const first = await sweep(project)
    assert.equal(first.code, 0)
    assert.equal(first.result.trials.length, 12)
    assert.equal(first.result.trials[0]!.parameters['optimizer.learningRate'], 0.002)
    const other = await sweep(project, '--name', 'other')
    assert.deepEqual(essence(other.result), essence(first.result))
    assert.deepEqual(stages(other.events), [], 'all is in the store')
    project.configure(settings(13))
    const more = await sweep(project)
    assert.deepEqual(
      more.result.trials.slice(0, 12),
      first.result.trials.map((trial) => {
        return { ...trial, status: 'cached' }
      }),
    )
    assert.equal(startedTrials(more.events).length, 1)
    const two = await sweep(project, '--name', 'two', '--jobs', '2')
    assert.equal(two.result.trials.length, 13)
    assert.equal(new Set(two.result.trials.map(({ id }) => id)).size, 13)
    const wrong = settings(3)
    project.configure({
      ...wrong,
      sweep: { ...wrong.sweep, parameters: { 'training.batchSize': { values: [8, 0] } } },
    })
    const bad = await sweep(project, '--name', 'bad')
    assert.equal(bad.code, 2)
    assert.deepEqual(startedTrials(bad.events), [])
  })

  it('promotes one in eta by their rungs, which go on from their checkpoints', async () => {
    await using project = await clean.copy()
    project.configure({
      sweep: {
        earlyTerminate: { type: 'asha', min: 1, max: 4, eta: 2 },
        metric: { name: 'validation.loss' },
        parameters: { 'optimizer.learningRate': { values: [1e-5, 3e-4, 3e-3, 1e-2] } },
      },
    })
    const { code, result, events } = await sweep(project)
    assert.equal(code, 0)
    const epochs = result.trials.map((trial) => (trial as unknown as { epochs: number }).epochs)
    assert.equal(Math.max(...epochs), 4)
    assert.ok(epochs.filter((n) => n === 1).length >= 2, `epochs: ${epochs.join()}`)
    const best = result.trials.find(({ id }) => id === result.best)!
    assert.equal(best.status, 'done')
    const trained = events.filter((e) => e.type === 'epochDone' && !e['before']).length
    assert.equal(
      trained,
      epochs.reduce((a, b) => a + b),
      'no epoch is trained twice',
    )
    const again = await sweep(project)
    assert.deepEqual([startedTrials(again.events), essence(again.result)], [[], essence(result)])
  })

  it('stops what is worse than the median', async () => {
    await using project = await clean.copy()
    project.configure({
      training: { epochs: 4 },
      sweep: {
        earlyTerminate: { type: 'median', min: 1, trials: 2 },
        parameters: { 'optimizer.learningRate': { values: [1e-2, 5e-3, 1e-6] } },
      },
    })
    const { code, result, events } = await sweep(project)
    assert.equal(code, 0)
    assert.deepEqual(
      result.trials.map(({ status }) => status),
      ['done', 'done', 'stopped'],
    )
    const stopped = events.find((e) => e.type === 'trialStopped')!
    assert.ok(Number(stopped['epoch']) < 4)
    assert.deepEqual(startedTrials((await sweep(project)).events), [])
  })

  it('repeats trials over seeds, and diff tells a difference from theirs', async () => {
    await using project = await clean.copy()
    project.configure({
      training: { epochs: 1 },
      sweep: {
        repeat: { seed: [1, 2] },
        parameters: { 'optimizer.learningRate': { values: [0.002, 0.01] } },
      },
    })
    const { result } = await sweep(project)
    const shown = await project.pipeline(['sweep', 'show', 'pipeline.yaml', '--csv'])
    assert.match(shown.stdout, /^optimizer.learningRate,validation.accuracy,sd,/)
    const run = (rate: number) => {
      const trial = result.trials.find((t) => t.parameters['optimizer.learningRate'] === rate)
      return trial!.run!
    }
    const { stdout } = await project.pipeline(['diff', run(0.002), run(0.01), '--json'])
    const { verdict, metrics } = JSON.parse(stdout) as {
      readonly verdict: string
      readonly metrics: readonly { readonly name: string; readonly repeats?: unknown }[]
    }
    assert.match(verdict, /Over 2 and 2 seeds/)
    const losses = [0.002, 0.01].map((rate) => {
      const own = result.trials.filter((t) => t.parameters['optimizer.learningRate'] === rate)
      return own.reduce((sum, t) => sum + t.metrics['validation.loss']! / 2, 0)
    })
    const { a, b } = metrics.find(({ name }) => name === 'loss')!.repeats as Record<
      string,
      { readonly runs: number; readonly mean: number }
    >
    assert.ok(Math.abs(a!.mean - losses[0]!) < 1e-6 && Math.abs(b!.mean - losses[1]!) < 1e-6)
  })
})
