import assert from 'node:assert/strict'
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { slurmLacks, startSlurm, until, type Slurm } from '../support/slurm.ts'
import { createProject, type Project, type Settings } from './rig.ts'
import { doneLines, jsonOf, ledger, shown, sweepEssence } from './sweep-ledger.ts'

/** Trains for more than a minute, which is the shortest limit that Slurm has. */
const LONG = 40_000
const EPOCHS = [6000, 20, 21, 22, 23, 24, 25, LONG]
const LIST: Settings = {
  sweep: { method: 'list', points: EPOCHS.map((epochs) => ({ 'training.epochs': epochs })) },
}
/** Of a machine with two cores, two at a time. */
const SHARE = ['--cpus', '1', '--mem', '700M']

const lacks = slurmLacks()
if (lacks.length > 0) {
  process.stderr.write(
    `NOT RUN: the tests of a real Slurm, as this machine lacks ${lacks.join(', ')} (Debian: apt install munge slurmctld slurmd slurm-client).\n`,
  )
}

/** `cached`: a worker that was killed had trained it, and had not yet said so. */
const isDone = (status: string) => status === 'done' || status === 'cached'

describe('a real Slurm of one node', { skip: lacks.length > 0 && 'NOT RUN: no Slurm here' }, () => {
  let slurm: Slurm
  before(async () => {
    // 0 to 8 is the longest array.
    slurm = await startSlurm(['MaxArraySize=9'])
  })
  after(() => slurm[Symbol.asyncDispose]())

  const submit = async (project: Project, ...args: string[]) => {
    const words = ['sweep', 'submit', 'pipeline.yaml', '--slurm', ...SHARE, '--json', ...args]
    const { code, stdout, stderr } = await project.pipeline(words, { env: slurm.env })
    assert.equal(code, 0, stderr)
    return jsonOf<{ jobs: string[]; workers: number; trials: number }>(stdout)
  }
  /** The states of a job's tasks, once all have ended. */
  const ended = async (job: string, patience = 400_000) => {
    const states = () =>
      slurm.call('squeue', '-h', '-r', '-t', 'all', '-j', job, '-o', '%T').trim().split('\n')
    // A job that gets its signal is SIGNALING, one that ends COMPLETING.
    const isOver = () => states().every((state) => /^(COMPLETED|FAILED|TIMEOUT)$/.test(state))
    assert.ok(await until(isOver, patience), states().join(' '))
    return states()
  }

  it('finishes 8 trials, one of which was killed and one over its time limit, each once, as undisturbed', async (t) => {
    await using project = await createProject(LIST)
    await using other = await project.copy()
    const began = performance.now()
    const first = await submit(project, '--time', '1')
    assert.deepEqual([first.jobs.length, first.workers, first.trials], [1, 8, 8])
    const trials = (await shown(project, 'pipeline.yaml')).trials
    const idOf = (epochs: number) => trials[EPOCHS.indexOf(epochs)]!.id
    const folder = (id: string) => join(project.path, 'runs/little/sweep/trials', id)
    const linesOf = (id: string) => ledger(project, 'little').find((own) => own.id === id)!.lines
    const killed = idOf(6000)
    assert.ok(await until(() => linesOf(killed).filter((l) => l === 'epoch').length > 3, 60_000))
    const ticket = readdirSync(folder(killed)).find((name) => name.startsWith('claimed.'))!
    process.kill(Number(ticket.split('.')[2]), 'SIGKILL')
    const states = await ended(first.jobs[0]!)
    const afterFirst = performance.now()
    const between = await shown(project, 'pipeline.yaml')
    const cut = idOf(LONG)
    const trained = linesOf(cut).filter((line) => line === 'epoch').length
    assert.ok(
      trained > 0 && trained < LONG,
      linesOf(cut)
        .filter((l) => l !== 'epoch')
        .join(' '),
    )
    assert.equal(linesOf(cut).at(-1), 'interrupted')
    assert.ok(states.filter((state) => state !== 'COMPLETED').length >= 2, states.join(' '))
    assert.equal(between.trials.find(({ id }) => id === cut)!.status, 'waiting')
    assert.equal(between.workers, 0)
    const left = between.trials.filter(({ status }) => !isDone(status)).length

    const second = await submit(project, '--time', '10')
    assert.deepEqual([second.workers, second.trials], [left, left])
    assert.deepEqual([...new Set(await ended(second.jobs[0]!))], ['COMPLETED'])
    const end = performance.now()
    const result = await shown(project, 'pipeline.yaml')
    assert.ok(result.trials.every(({ status }) => isDone(status)))
    assert.deepEqual(
      [...doneLines(project, 'little').values()],
      EPOCHS.map(() => 1),
    )
    // What was trained before the limit was not trained again, but for what the last checkpoint had not.
    const epochs = linesOf(cut).filter((line) => line === 'epoch').length
    assert.ok(epochs < LONG + 0.5 * trained, `${epochs} epochs, ${trained} before the limit`)
    const third = await submit(project)
    assert.deepEqual(third, { jobs: [], workers: 0, trials: 0 })

    const undisturbed = await other.pipeline(['run', 'pipeline.yaml', '--json'])
    assert.equal(undisturbed.code, 0, undisturbed.stderr)
    assert.deepEqual(sweepEssence(result), sweepEssence(jsonOf(undisturbed.stdout)))
    const seconds = (a: number, b: number) => `${((b - a) / 1000).toFixed(0)} s`
    t.diagnostic(
      `first submit ${seconds(began, afterFirst)}: ${states.join(' ')}, ${left} left, the long one at epoch ${trained} of ${LONG}; ` +
        `second submit ${seconds(afterFirst, end)}`,
    )
  })

  it('takes folders of any name, and arrays as long as they may be', async () => {
    await using project = await createProject({ training: { epochs: 1 } })
    const cwd = join(project.path, `a "b" 100%A it's`)
    const inside = ['pictures', 'trunk.h5', 'pipeline.yaml']
    for (const name of inside)
      cpSync(join(project.path, name), join(cwd, name), { recursive: true })
    const words = ['pipeline.yaml', '--sweep', 'seed=1,2', '--json']
    const more = [...SHARE, '--workers', '11', '--jobs', '1', '--slurm']
    const options = { cwd, env: slurm.env }
    const submitted = await project.pipeline(['sweep', 'submit', ...words, ...more], options)
    assert.equal(submitted.code, 0, submitted.stderr)
    const { jobs } = jsonOf<{ jobs: string[] }>(submitted.stdout)
    assert.equal(jobs.length, 2)
    const states = [...(await ended(jobs[0]!)), ...(await ended(jobs[1]!))]
    assert.deepEqual([states.length, ...new Set(states)], [11, 'COMPLETED'])
    const { stdout } = await project.pipeline(['sweep', 'show', ...words], { cwd })
    assert.ok(jsonOf(stdout).trials.every(({ status }) => isDone(status)))
    const logs = readdirSync(join(cwd, 'runs/little/sweep/submitted/logs'))
    assert.equal(logs.length, 11)
  })
})
