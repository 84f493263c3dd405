import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { readBoard } from '../support/event-files.ts'
import { createProject, essence } from './rig.ts'
import type { Project, RunOutcome } from './rig.ts'

type Figures = Readonly<Record<string, number>>
interface Line {
  readonly epoch: number
  readonly train: Figures
  readonly validation: Figures
}

/** What metrics.jsonl of the run folder says, as TensorBoard should have it: float32, by split and epoch. */
function expected(folder: string, split: 'train' | 'validation') {
  const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trim().split('\n')
  return lines.map((line) => {
    const { epoch, [split]: figures } = JSON.parse(line) as Line
    const tags = Object.entries(figures).map(([name, value]) => [
      `epoch_${name}`,
      Math.fround(value),
    ])
    return [epoch, Object.fromEntries(tags) as Figures]
  })
}

function assertBoard(folder: string): void {
  for (const split of ['train', 'validation'] as const) {
    const board = [...readBoard(join(folder, 'tensorboard', split))]
    assert.ok(board.length > 0)
    assert.deepEqual(board, expected(folder, split))
  }
}

describe('--tensorboard, on wasm', { concurrency: 2 }, () => {
  let clean: Project
  let undisturbed: Project
  let whole: RunOutcome
  before(async () => {
    clean = await createProject({ training: { epochs: 12 } })
    undisturbed = await clean.copy()
    whole = await undisturbed.run('--tensorboard')
  })
  after(async () => {
    await clean[Symbol.asyncDispose]()
    await undisturbed[Symbol.asyncDispose]()
  })

  it('writes the epochs of both splits, and is no part of what a run is told by', async () => {
    assertBoard(join(undisturbed.path, whole.result.run.dir))
    const again = await undisturbed.run()
    assert.equal(again.result.run.id, whole.result.run.id)
  })

  it('writes while the run goes on, and goes on itself where a run was ended', async () => {
    await using project = await clean.copy()
    const running = project.start(['run', 'pipeline.yaml', '--log', 'json', '--tensorboard'])
    await running.event((event) => event.type === 'epochDone' && event.epoch === 3)
    running.process.kill('SIGKILL')
    await running.ended
    const again = await project.run('--tensorboard')
    assertBoard(join(project.path, again.result.run.dir))
    assert.deepEqual(essence(project, again.result), essence(undisturbed, whole.result))
  })

  it('writes the history of a run that is finished, and of a training that is in the store', async () => {
    await using project = await clean.copy()
    const without = await project.run()
    const folder = join(project.path, without.result.run.dir)
    assert.ok(!existsSync(join(folder, 'tensorboard')))
    const same = await project.run('--tensorboard')
    assert.equal(same.result.run.id, without.result.run.id)
    assertBoard(folder)
    const other = await project.run('--tensorboard', '--set', 'evaluation.on=[validation]')
    assert.notEqual(other.result.run.id, without.result.run.id)
    assert.ok(!other.events.some(({ type }) => type === 'epochDone'))
    assertBoard(join(project.path, other.result.run.dir))
  })

  it('writes for every trial of a sweep, whichever process runs it', async () => {
    await using project = await clean.copy()
    const sweep = { parameters: { 'optimizer.learningRate': { values: [0.002, 0.01] } } }
    project.configure({ training: { epochs: 2 }, sweep })
    const first = await project.pipeline(['run', 'pipeline.yaml', '--json'])
    assert.equal(first.code, 0, first.stderr)
    sweep.parameters['optimizer.learningRate'].values.push(0.005, 0.02)
    project.configure({ training: { epochs: 2 }, sweep })
    const args = ['run', 'pipeline.yaml', '--json', '--tensorboard', '--jobs', '2']
    const { code, stdout, stderr } = await project.pipeline(args)
    assert.equal(code, 0, stderr)
    const { trials } = JSON.parse(stdout) as { trials: { run: string }[] }
    assert.equal(trials.length, 4)
    for (const { run } of trials) assertBoard(join(project.path, run))
  })
})
