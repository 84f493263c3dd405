import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parse } from 'yaml'
import { fakeSlurm, type FakeSlurm } from '../support/fake-slurm.ts'
import { until } from '../support/slurm.ts'
import { createProject, type Project, type Settings } from './rig.ts'
import { doneLines, jsonOf, ledger, shown, sweepEssence } from './sweep-ledger.ts'

const GRID: Settings = {
  training: { epochs: 2 },
  sweep: {
    parameters: {
      'optimizer.learningRate': { values: [0.002, 0.01] },
      'training.batchSize': { values: [8, 16] },
    },
  },
}

describe('pipeline sweep submit, with a Slurm that is replayed', { concurrency: 2 }, () => {
  let clean: Project
  let undisturbed: unknown
  before(async () => {
    clean = await createProject(GRID)
    await using whole = await clean.copy()
    const { code, stderr, stdout } = await whole.pipeline(['run', 'pipeline.yaml', '--json'])
    assert.equal(code, 0, stderr)
    undisturbed = sweepEssence(jsonOf(stdout))
  })
  after(() => clean[Symbol.asyncDispose]())

  const rig = async () => {
    const project = await clean.copy()
    const slurm = fakeSlurm(join(project.path, 'cluster'))
    const submit = (...args: string[]) =>
      project.pipeline(['sweep', 'submit', 'pipeline.yaml', '--slurm', ...args], { env: slurm.env })
    return { project, slurm, submit, [Symbol.asyncDispose]: () => project[Symbol.asyncDispose]() }
  }
  const isDone = async (project: Project) => {
    const result = await shown(project, 'pipeline.yaml')
    assert.deepEqual(
      result.trials.map(({ status }) => status),
      ['done', 'done', 'done', 'done'],
    )
    assert.deepEqual(sweepEssence(result), undisturbed)
    assert.deepEqual([...doneLines(project, 'little').values()], [1, 1, 1, 1])
  }
  const isRunning = (slurm: FakeSlurm) => () =>
    slurm.tasks().some(({ state }) => state === 'RUNNING')

  it('shows the script and the call, and does nothing, with --dry-run', async () => {
    await using made = await rig()
    const { project, slurm, submit } = made
    const { code, stdout } = await submit(
      ...['--dry-run', '--jobs', '2', '--time', '2:00:00', '--partition', 'local', '--gpus', '1'],
      ...['--cpus', '4', '--mem', '8G', '--sbatch', '--account=lab', '--sbatch', '--nice=10'],
    )
    assert.equal(code, 0)
    const here = (text: string) =>
      text
        .replaceAll(project.path, '/project')
        .replace(/[0-9a-f]{12}(?=\.(yaml|sh))/g, 'COPY')
        .replace(/^exec .*main\.js/m, 'exec node main.js')
    assert.equal(
      here(stdout),
      `#!/bin/sh
#SBATCH --job-name=little
#SBATCH --chdir=/project
#SBATCH --output=/project/runs/little/sweep/submitted/logs/%A_%a.out
#SBATCH --open-mode=append
#SBATCH --export=ALL
#SBATCH --requeue
#SBATCH --signal=B:USR2@90
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --time=2:00:00
#SBATCH --partition=local
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --account=lab
#SBATCH --nice=10

exec node main.js sweep worker runs/little/sweep/submitted/COPY.yaml --log plain

$ sbatch --parsable --array=0-3%2 /project/runs/little/sweep/submitted/COPY.sh
`,
    )
    assert.deepEqual(slurm.calls(), [])
    assert.ok(!existsSync(join(project.path, 'runs')))
  })

  it('runs the file as it was, whatever is edited before the workers start', async () => {
    await using made = await rig()
    const { project, slurm, submit } = made
    slurm.hold()
    const first = await submit()
    assert.equal(first.code, 0, first.stderr)
    assert.match(first.stdout, /^submitted job 1: 4 workers for 4 trials of little\n/)
    // In the queue already, so there is nothing for a second call.
    const second = await submit()
    assert.match(second.stdout, /^nothing submitted: .* 4 workers of an earlier job/)
    const before = readFileSync(join(project.path, 'pipeline.yaml'), 'utf8')
    project.configure({ ...GRID, training: { epochs: 3 }, seed: 7 })
    slurm.release()
    await slurm.settled()
    assert.equal(slurm.calls().length, 1)
    const edited = await shown(project, 'pipeline.yaml')
    assert.deepEqual([...new Set(edited.trials.map(({ status }) => status))], ['waiting'])
    const copy = /they run +(\S+)/.exec(first.stdout)![1]!
    assert.deepEqual(sweepEssence(await shown(project, copy)), undisturbed)
    writeFileSync(join(project.path, 'pipeline.yaml'), before)
    await isDone(project)
    const third = await submit()
    assert.deepEqual([third.code, slurm.calls().length], [0, 1])
    assert.match(third.stdout, /^nothing submitted: nothing is left to do of little\n/)
    const rerun = await project.pipeline(['run', 'pipeline.yaml', '--json'])
    assert.deepEqual(sweepEssence(jsonOf(rerun.stdout)), undisturbed)
  })

  it('submits what a killed worker has left, and says how many are at work', async () => {
    await using made = await rig()
    const { project, slurm, submit } = made
    await submit('--workers', '1')
    assert.ok(await until(isRunning(slurm), 20_000))
    const { pid } = slurm.tasks()[0]!
    const begun = () => ledger(project, 'little').some(({ lines }) => lines.includes('started'))
    assert.ok(await until(begun, 30_000))
    const meanwhile = await shown(project, 'pipeline.yaml')
    process.kill(pid, 'SIGKILL')
    await slurm.settled()
    assert.equal(meanwhile.workers, 1)
    assert.equal((await shown(project, 'pipeline.yaml')).workers, 0)
    const again = await submit('--json')
    const { jobs, workers, trials } = jsonOf<{ jobs: string[]; workers: number; trials: number }>(
      again.stdout,
    )
    assert.deepEqual([jobs, workers], [['2'], trials])
    await slurm.settled()
    await isDone(project)
  })

  it('cuts what is longer than an array may be, each waiting for the one before with --jobs', async () => {
    await using made = await rig()
    const { project, slurm, submit } = made
    slurm.set({ maxArraySize: 3 })
    const { stdout, code } = await submit('--workers', '7', '--jobs', '2')
    assert.equal(code, 0)
    assert.match(stdout, /^submitted jobs 1, 2, 3: 7 workers for 4 trials/)
    assert.deepEqual(
      slurm.calls().map((words) => words.slice(0, -1)),
      [
        ['--parsable', '--array=0-2%2'],
        ['--parsable', '--array=0-2%2', '--dependency=afterany:1'],
        ['--parsable', '--array=0', '--dependency=afterany:2'],
      ],
    )
    await slurm.settled()
    await isDone(project)
  })

  it('shows what sbatch says, tries again where the controller is busy, and survives a lost job', async () => {
    await using made = await rig()
    const { project, slurm, submit } = made
    const none = await project.pipeline(['sweep', 'submit', 'pipeline.yaml', '--slurm'], {
      env: { PATH: join(project.path, 'nowhere') },
    })
    assert.equal(none.code, 3)
    assert.match(none.stderr, /^TOOL_MISSING sbatch is needed .*\n {2}hint: log in to a machine/)
    const wrong = await submit('--partition', 'gpu')
    assert.equal(wrong.code, 1)
    assert.equal(
      wrong.stderr,
      `STAGE_FAILED sbatch accepted no job: sbatch: error: invalid partition specified: gpu
sbatch: error: Batch job submission failed: Invalid partition name specified
  hint: \`sinfo\` lists the partitions; name one with --partition
`,
    )
    slurm.set({ mode: 'lose', busy: 2 })
    const lost = await submit()
    assert.match(lost.stdout, /^submitted job 1: 4 workers/)
    slurm.set({ mode: 'run', busy: 0 })
    const again = await submit()
    assert.match(again.stdout, /^submitted job 2: 4 workers/)
    await slurm.settled()
    await isDone(project)
  })

  it('counts what TPE is still to suggest, and knows the end of it and of ASHA', async () => {
    await using made = await rig()
    const { project, slurm, submit } = made
    const sweeps = {
      tpe: { method: 'tpe', maxTrials: 3 },
      asha: { method: 'random', maxTrials: 3, earlyTerminate: { type: 'asha', max: 3, eta: 2 } },
    }
    for (const [name, settings] of Object.entries(sweeps)) {
      const parameters = {
        'optimizer.learningRate': { distribution: 'uniform', min: 0.001, max: 0.1 },
      }
      project.configure({ name, training: { epochs: 2 }, sweep: { ...settings, parameters } })
      assert.match((await submit()).stdout, /^submitted job \d: 3 workers for 3 trials/)
      await slurm.settled()
      const { trials } = await shown(project, 'pipeline.yaml')
      assert.equal(trials.length, 3)
      assert.ok(trials.some(({ status }) => status === 'done'))
      assert.ok(trials.every(({ status }) => status === 'done' || name === 'asha'))
      assert.match((await submit()).stdout, /^nothing submitted: nothing is left to do of/)
    }
    assert.equal(slurm.calls().length, 2)
  })

  it('prints an Indexed Job with --k8s, and asks for what it needs', async () => {
    await using project = await clean.copy()
    const submit = (...args: string[]) =>
      project.pipeline(['sweep', 'submit', 'pipeline.yaml', '--k8s', ...args])
    const missing = await submit('--claim', 'data')
    assert.equal(missing.code, 2)
    assert.match(missing.stderr, /^USAGE --k8s needs --image/)
    const { code, stdout } = await submit(
      '--image',
      'lab/graft:1',
      '--claim',
      'data',
      '--jobs',
      '2',
    )
    assert.equal(code, 0)
    const { spec } = parse(stdout) as {
      spec: {
        completionMode: string
        completions: number
        parallelism: number
        template: { spec: { containers: [{ command: string[]; workingDir: string }] } }
      }
    }
    assert.deepEqual([spec.completionMode, spec.completions, spec.parallelism], ['Indexed', 4, 2])
    // A pod runs the command in the folder of the project: here, that is this one.
    const [program, ...words] = spec.template.spec.containers[0].command
    assert.equal(program, 'pipeline')
    const worker = await project.pipeline(words)
    assert.equal(worker.code, 0, worker.stderr)
    await isDone(project)
  })
})

describe('the copy of what is submitted', () => {
  it('makes the trials of the file: extends, variables, --set, --sweep, paths of trials', async () => {
    await using project = await createProject({ training: { epochs: 2 } })
    const slurm = fakeSlurm(join(project.path, 'cluster'))
    slurm.set({ mode: 'lose' })
    project.write(
      {
        extends: '../pipeline.yaml',
        notes: 'a # b\n  c: "d" $$ ',
        seed: '${SEED:-3}',
        sweep: { parameters: { 'baseModel.weights': { values: ['../trunk.h5', 'none'] } } },
      },
      'cluster/nested.yaml',
    )
    const given = ['--set', 'training.batchSize=4', '--sweep', 'optimizer.learningRate=0.1,0.2']
    const env = { ...slurm.env, SEED: '98765' }
    const args = ['sweep', 'submit', 'cluster/nested.yaml', '--slurm', ...given]
    const { code, stdout, stderr } = await project.pipeline(args, { env })
    assert.equal(code, 0, stderr)
    const copy = /they run +(\S+)/.exec(stdout)![1]!
    const trialsOf = async (file: string, ...more: string[]) => {
      const out = await project.pipeline(['sweep', 'show', file, '--json', ...more], { env })
      assert.equal(out.code, 0, out.stderr)
      const { trials } = jsonOf<{ trials: { id: string; parameters: unknown }[] }>(out.stdout)
      return trials.map(({ id, parameters }) => ({ id, parameters }))
    }
    const original = await trialsOf('cluster/nested.yaml', ...given)
    assert.equal(original.length, 4)
    assert.equal(ledger(project, 'little').length, 4)
    // Neither file is read any more.
    project.write({ nothing: true }, 'pipeline.yaml')
    project.write({ nothing: true }, 'cluster/nested.yaml')
    assert.deepEqual(await trialsOf(copy), original)
    // Values of variables are not kept: they may be secret.
    assert.ok(!readFileSync(join(project.path, copy), 'utf8').includes('98765'))
  })
})
