import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { stream } from '../../src/util/rng.ts'
import { leftOf } from './processes.ts'
import { essence, eventsOf } from './rig.ts'
import type { LoggedEvent, Project, RunOutcome } from './rig.ts'
import { trainingProject, TUNED, warnings } from './tuned.ts'

/** How many runs are killed: `npm run test:kill` does 50. */
const KILLS = Number(process.env['GRAFT_KILLS'] ?? 8)

const EPOCHS = 5
/** Epochs that the process itself trained. */
const trained = (events: readonly LoggedEvent[]): number =>
  events.filter((e) => e.type === 'epochDone' && !e.before).length

describe('a training that is killed with SIGKILL, on wasm', { concurrency: 2 }, () => {
  let clean: Project
  let undisturbed: Project
  let whole: RunOutcome
  /** From the start of the training to a moment behind its end. */
  let timeline: readonly { readonly event: LoggedEvent; readonly ms: number }[]
  const hit = new Map<string, number>()
  before(async () => {
    clean = await trainingProject(TUNED)
    undisturbed = await clean.copy()
    whole = await undisturbed.run()
    const first = whole.events.findIndex((e) => e.type === 'stageStarted' && e.kind === 'train')
    const last = whole.events.findIndex((e) => e.type === 'stageDone' && e.stage === 'train:2')
    const events = whole.events.slice(first, last + 2)
    const ms = ({ time }: LoggedEvent) => Date.parse(time) - Date.parse(events[0]!.time)
    timeline = events.map((event) => ({ event, ms: ms(event) }))
  })
  after(async () => {
    process.stderr.write(`killed ${JSON.stringify(Object.fromEntries([...hit].sort()))}\n`)
    await clean[Symbol.asyncDispose]()
    await undisturbed[Symbol.asyncDispose]()
  })

  /**
   * Half of the moments are drawn from the time that the undisturbed run took, most of which is compiling, and half from
   * its events, most of which are batches. They are found again by their events, however busy the machine is.
   */
  const drawn = (moment: number): number => {
    const draw = stream('kill', 'training', moment)
    if (moment % 2 === 0) return draw.uniform() * timeline.at(-1)!.ms
    const at = draw.uniform() * (timeline.length - 1)
    const [from, to] = [timeline[Math.floor(at)]!.ms, timeline[Math.ceil(at)]!.ms]
    return from + (at % 1) * (to - from)
  }

  const kill = async (project: Project, moment: number) => {
    const at = drawn(moment)
    const before = timeline.filter(({ ms }) => ms <= at)
    const last = before.at(-1)!
    const running = project.start(['run', 'pipeline.yaml', '--json', '--log', 'json'], {
      detached: true,
    })
    let seen = 0
    let begun = false
    await running
      .event((e) => {
        begun ||= e.type === 'stageStarted' && e.kind === 'train'
        if (begun) seen += 1
        return seen >= before.length
      })
      .catch(() => undefined)
    await sleep(at - last.ms)
    running.process.kill('SIGKILL')
    const { stderr, signal } = await running.ended
    assert.deepEqual(await leftOf(running.process.pid!), [], 'processes live on')
    const { event } = last
    const stage = 'stage' in event ? event.stage : ''
    const where = signal === null ? 'too late' : `${stage} behind ${event.type}`
    hit.set(where, (hit.get(where) ?? 0) + 1)
    return eventsOf(stderr)
  }

  const assertSame = (project: Project, again: RunOutcome) => {
    assert.equal(again.result.status, 'done')
    assert.deepEqual(essence(project, again.result), essence(undisturbed, whole.result))
    assert.deepEqual(
      again.result.stages.map(({ id, digest }) => [id, digest]),
      whole.result.stages.map(({ id, digest }) => [id, digest]),
    )
    assert.deepEqual(warnings(again.events), [])
    assert.deepEqual(readdirSync(join(project.store, 'work')), [])
  }

  for (let moment = 1; moment <= KILLS; moment += 1) {
    it(`moment ${moment}`, async () => {
      await using project = await clean.copy()
      const events = await kill(project, moment)
      const again = await project.run()
      assertSame(project, again)
      // It went on: what it had told of is at most begun once more.
      assert.ok(trained(again.events) <= EPOCHS - trained(events) + 1)
    })
  }

  it('again and again, until it is through', async () => {
    await using project = await clean.copy()
    for (let moment = 101; moment <= 103; moment += 1) await kill(project, moment)
    assertSame(project, await project.run())
  })
})
