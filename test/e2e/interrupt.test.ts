import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { stream } from '../../src/util/rng.ts'
import { groupOf, leftOf } from './processes.ts'
import { computed, createProject, essence, eventsOf, filesOf } from './rig.ts'
import type { LoggedEvent, Project, RunOutcome, Running } from './rig.ts'

/** Milliseconds from the start of the process to its first event. */
const START = 300
const RUN = ['run', 'pipeline.yaml', '--json', '--log', 'json']

/** Only whole things are in the store and in the runs: nothing temporary, claimed, doomed or damaged. */
function assertTidy(project: Project): void {
  for (const folder of ['tmp', 'trash', 'quarantine', 'claims']) {
    const path = join(project.store, folder)
    assert.deepEqual(existsSync(path) ? [...filesOf(path).keys()] : [], [], folder)
  }
  const odd = [...filesOf(join(project.path, 'runs')).keys()].filter((path) =>
    /\.tmp$|running\.json$/.test(path),
  )
  assert.deepEqual(odd, [])
}

function runFolders(project: Project): string[] {
  return readdirSync(join(project.path, 'runs/little'))
}

function statusOf(project: Project): string {
  const [id] = runFolders(project)
  const text = readFileSync(join(project.path, 'runs/little', id!, 'run.json'), 'utf8')
  return (JSON.parse(text) as { status: string }).status
}

describe('interrupted runs on wasm', { concurrency: 2 }, () => {
  const settings = { training: { epochs: 40 } }
  let clean: Project
  let undisturbed: Project
  let whole: RunOutcome
  before(async () => {
    clean = await createProject(settings)
    undisturbed = await clean.copy()
    whole = await undisturbed.run()
  })
  after(async () => {
    await clean[Symbol.asyncDispose]()
    await undisturbed[Symbol.asyncDispose]()
  })

  /** Runs it again to the end: in the same folder, to the bytes of the undisturbed run. */
  const finish = async (project: Project) => {
    const again = await project.run()
    assert.equal(again.result.status, 'done')
    assert.deepEqual(essence(project, again.result), essence(undisturbed, whole.result))
    assertTidy(project)
    assert.deepEqual(readdirSync(join(project.store, 'work')), [])
    assert.deepEqual(runFolders(project), [again.result.run.id])
    return again
  }

  const moments: readonly { name: string; wants: (event: LoggedEvent) => boolean }[] = [
    {
      name: 'while it trains',
      wants: (e) => e.type === 'stageProgress' && e.stage === 'train' && e.done >= 8,
    },
    {
      name: 'while pictures go through the trunk',
      wants: (e) => e.type === 'stageStarted' && e.kind === 'features',
    },
    { name: 'at its start', wants: (e) => e.type === 'planStarted' },
  ]
  for (const { name, wants } of moments) {
    it(`Ctrl-C ${name}`, async () => {
      await using project = await clean.copy()
      // A shell sends Ctrl-C to the whole group, the decoders and the processes of the engine included.
      const running = project.start(RUN, { detached: true })
      await running.event(wants)
      process.kill(-running.process.pid!, 'SIGINT')
      const { code, stdout, stderr } = await running.ended
      assert.equal(code, 130, stderr)
      assert.equal(stdout, '')
      const events = eventsOf(stderr)
      assert.deepEqual(
        events.filter((e) => e.type === 'stageFailed' || e.type === 'runDone').map((e) => e.type),
        ['runDone'],
        stderr,
      )
      assert.deepEqual(
        stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{')),
        [],
      )
      assert.deepEqual(await leftOf(running.process.pid!), [])
      assert.equal(statusOf(project), 'interrupted')
      assertTidy(project)
      const listed = await project.pipeline(['ls'])
      assert.match(listed.stdout, /little +\S+ +interrupted/)
      const again = await finish(project)
      // What was finished before is not computed again.
      const before = computed(events)
      assert.deepEqual(
        computed(again.events).filter((id) => before.includes(id)),
        [],
      )
    })
  }

  it('SIGTERM ends it as cleanly, with 143', async () => {
    await using project = await clean.copy()
    const running = project.start(RUN, { detached: true })
    await running.event(moments[0]!.wants)
    running.process.kill('SIGTERM')
    const { code, stderr } = await running.ended
    assert.equal(code, 143, stderr)
    assert.deepEqual(await leftOf(running.process.pid!), [])
    assert.equal(statusOf(project), 'interrupted')
    assertTidy(project)
    await finish(project)
  })

  it('a second signal ends it at once, in the middle of a batch, with its own code', async () => {
    await using project = await clean.copy()
    project.configure({
      dataset: { imageSize: [192, 192] },
      freeze: 'none',
      training: { epochs: 9, batchSize: 64 },
    })
    const running = project.start(RUN, { detached: true })
    // An epoch is one batch, which takes seconds.
    await running.event((e) => e.type === 'epochDone')
    await sleep(300)
    running.process.kill('SIGINT')
    await running.event((e) => e.type === 'note' && e.message.startsWith('stopping'))
    await sleep(300)
    const began = performance.now()
    running.process.kill('SIGTERM')
    const { code, stderr } = await running.ended
    assert.equal(code, 143)
    assert.ok(performance.now() - began < 2000)
    assert.deepEqual(
      eventsOf(stderr).filter((e) => e.type === 'runDone'),
      [],
      'it did not end at once',
    )
    assert.deepEqual(await leftOf(running.process.pid!), [])
    const listed = await project.pipeline(['ls'])
    assert.match(listed.stdout, /little +\S+ +interrupted/)
    project.configure(settings)
    assert.equal((await project.run()).result.status, 'done')
  })

  it('kill -9 while processes of their own decode the pictures: they end too', async () => {
    await using project = await createProject(settings, { train: 40, test: 20 })
    const running = project.start(RUN, { detached: true })
    await running.event((e) => e.type === 'stageProgress' && e.stage === 'pixels:train')
    const group = groupOf(running.process.pid!)
    running.process.kill('SIGKILL')
    await running.ended
    assert.ok(group.length > 1, 'there were processes')
    assert.deepEqual(await leftOf(running.process.pid!), [])
    const again = await project.run()
    assert.equal(again.result.status, 'done')
    assertTidy(project)
  })

  it('two at the same time compute each stage once, and come to the same', async () => {
    await using project = await clean.copy()
    const outcomes = await Promise.all([project.run(), project.run()])
    const ran = outcomes.flatMap(({ events }) => computed(events))
    assert.deepEqual(ran.sort(), computed(whole.events))
    for (const { result } of outcomes) {
      assert.deepEqual(essence(project, result), essence(undisturbed, whole.result))
    }
    assertTidy(project)
  })

  /**
   * Kills it at a moment drawn from the time that the undisturbed run took, its start included. The moment is then
   * told by the number of events, so that it is in the same place when the machine is busy.
   */
  const kill = async (running: Running, moment: number) => {
    const draw = stream('kill', moment)
    const times = whole.events.map(({ time }) => Date.parse(time))
    const at = draw.uniform() * (times.at(-1)! - times[0]! + START) - START
    const after = times.filter((time) => time - times[0]! < at).length
    let seen = 0
    const reached = running.event(() => (seen += 1) >= after).catch(() => undefined)
    await (after === 0 ? sleep(draw.uniform() * START) : reached)
    await sleep(draw.uniform() * 40)
    running.process.kill('SIGKILL')
    return running.ended
  }

  for (let moment = 1; moment <= 10; moment += 1) {
    it(`kill -9, moment ${moment}`, async () => {
      await using project = await clean.copy()
      const running = project.start(RUN, { detached: true })
      await kill(running, moment)
      assert.deepEqual(await leftOf(running.process.pid!), [], 'processes live on')
      await finish(project)
    })
  }
})
