import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { stream } from '../../src/util/rng.ts'
import { leftOf } from './processes.ts'
import { createProject } from './rig.ts'
import type { Project } from './rig.ts'

/** How many sweeps are killed with one process and with three: `npm run test:kill` does 20 of each. */
const KILLS = process.env['GRAFT_KILLS'] ? 20 : 2

interface Result {
  readonly best: string
  readonly trials: readonly {
    readonly id: string
    readonly parameters: unknown
    readonly metrics: unknown
    readonly status: string
  }[]
}

describe('a sweep that is killed with SIGKILL, on wasm', () => {
  let clean: Project
  let whole: Result
  let wholeMs: number
  before(async () => {
    clean = await createProject({
      training: { epochs: 2 },
      sweep: {
        parameters: {
          'optimizer.learningRate': { values: [0.002, 0.005, 0.01] },
          'training.batchSize': { values: [8, 16] },
        },
      },
    })
    await using undisturbed = await clean.copy()
    const began = performance.now()
    whole = JSON.parse((await run(undisturbed, 1)).stdout) as Result
    wholeMs = performance.now() - began
  })
  after(() => clean[Symbol.asyncDispose]())

  const args = (jobs: number) => ['run', 'pipeline.yaml', '--json', '--jobs', String(jobs)]
  const run = async (project: Project, jobs: number) => {
    const outcome = await project.pipeline(args(jobs))
    assert.equal(outcome.code, 0, outcome.stderr)
    return outcome
  }
  const essence = ({ trials, best }: Result) => {
    return {
      best,
      trials: trials.map(({ id, parameters, metrics }) => ({ id, parameters, metrics })),
    }
  }

  for (const jobs of [1, 3]) {
    for (let moment = 0; moment < KILLS; moment += 1) {
      it(`ends as the undisturbed one: ${jobs} at work, moment ${moment}`, async () => {
        await using project = await clean.copy()
        const running = project.start(args(jobs), { detached: true })
        await sleep(stream('kill', 'sweep', jobs, moment).uniform() * wholeMs)
        running.process.kill('SIGKILL')
        await running.ended
        assert.deepEqual(await leftOf(running.process.pid!), [], 'processes live on')
        const { stdout } = await run(project, jobs)
        assert.deepEqual(essence(JSON.parse(stdout) as Result), essence(whole))
        const trials = join(project.path, 'runs/little/sweep/trials')
        for (const id of readdirSync(trials)) {
          assert.deepEqual(readdirSync(join(trials, id)).sort(), [
            'closed',
            'log.jsonl',
            'trial.json',
          ])
          const lines = readFileSync(join(trials, id, 'log.jsonl'), 'utf8').split('\n')
          assert.equal(lines.filter((line) => line.startsWith('{"type":"done"')).length, 1, id)
        }
      })
    }
  }
})
