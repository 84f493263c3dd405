import assert from 'node:assert/strict'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { openBoard, writeBoard } from '../../src/runs/tensorboard/board.ts'
import { scalarsRecord, stepsOf, versionRecord } from '../../src/runs/tensorboard/event-file.ts'
import { readBoard, readEvents } from '../support/event-files.ts'
import { makeRun } from '../support/made-run.ts'
import { ROOT } from '../support/paths.ts'

interface Case {
  readonly version: number
  readonly events: readonly {
    readonly wallTime: number
    readonly step: number
    readonly scalars: Readonly<Record<string, number>>
  }[]
  readonly base64: string
}

const golden = JSON.parse(readFileSync(join(ROOT, 'test/golden/event-files.json'), 'utf8')) as {
  readonly cases: readonly Case[]
}

describe('event files of TensorBoard', () => {
  for (const [number, { version, events, base64 }] of golden.cases.entries()) {
    const theirs = Buffer.from(base64, 'base64')

    it(`are those that TensorFlow writes, byte by byte: case ${number + 1}`, () => {
      const ours = Buffer.concat([
        versionRecord(version),
        ...events.map(({ wallTime, step, scalars }) => scalarsRecord(wallTime, step, scalars)),
      ])
      assert.deepEqual(ours, theirs)
    })

    it(`are read up to where they are torn or damaged: case ${number + 1}`, () => {
      const steps = events.map(({ step }) => step)
      assert.deepEqual([...stepsOf(theirs)], steps)
      for (const cut of [1, 4, 12, 15]) {
        assert.deepEqual([...stepsOf(theirs.subarray(0, -cut))], steps.slice(0, -1))
      }
      const damaged = Buffer.from(theirs)
      damaged[damaged.length - 6]! ^= 1
      assert.deepEqual([...stepsOf(damaged)], steps.slice(0, -1))
    })
  }
})

describe('a run for TensorBoard', () => {
  let folder = ''
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'graft-board-'))))
  afterEach(() => rmSync(folder, { recursive: true }))

  const figures = (split: 'train' | 'validation', at = folder) => {
    const board = readBoard(join(at, 'tensorboard', split))
    return [...board].map(([step, { epoch_loss }]) => [step, epoch_loss])
  }

  it('has each epoch as soon as it is told, validation where there is some', async () => {
    const board = await openBoard(folder)
    await board.epoch({ epoch: 1, train: { loss: 2, accuracy: 0.25 }, validation: { loss: 4 } })
    assert.deepEqual(
      [...readBoard(join(folder, 'tensorboard/train'))],
      [[1, { epoch_loss: 2, epoch_accuracy: 0.25 }]],
    )
    await board.epoch({ epoch: 2, train: { loss: 1, accuracy: 0.5 } })
    assert.deepEqual(figures('train'), [
      [1, 2],
      [2, 1],
    ])
    assert.deepEqual(figures('validation'), [[1, 4]])
  })

  it('goes on in a new file behind the old one, without a step twice', async () => {
    const now = () => 1764111845250
    const first = await openBoard(folder, { now })
    for (const epoch of [1, 2, 3]) await first.epoch({ epoch, train: { loss: 1 / epoch } })
    const split = join(folder, 'tensorboard/train')
    const [old] = readdirSync(split)
    // Killed while it wrote the third.
    const bytes = readFileSync(join(split, old!))
    truncateSync(join(split, old!), bytes.length - 3)
    const second = await openBoard(folder, { now })
    for (const epoch of [1, 2, 3, 4]) await second.epoch({ epoch, train: { loss: 1 / epoch } })
    const [torn, next, ...others] = readdirSync(split).sort()
    assert.deepEqual([torn, others], [old, []])
    const steps = (name: string) => [...stepsOf(readFileSync(join(split, name)))]
    assert.deepEqual(
      [steps(torn!), steps(next!)],
      [
        [1, 2],
        [3, 4],
      ],
    )
    assert.equal(readEvents(readFileSync(join(split, next!)))[1]!.wallTime, now() / 1000)
  })

  it('forgets what was there where a run is begun anew', async () => {
    const first = await openBoard(folder)
    for (const epoch of [1, 2]) await first.epoch({ epoch, train: { loss: 1 } })
    const again = await openBoard(folder, { restart: true })
    await again.epoch({ epoch: 1, train: { loss: 0.5 } })
    assert.deepEqual(figures('train'), [[1, 0.5]])
  })

  it('leaves out figures that are no numbers', async () => {
    const board = await openBoard(folder)
    const nothing = null as unknown as number
    await board.epoch({ epoch: 1, train: { loss: nothing, accuracy: 0.5 }, validation: {} })
    assert.deepEqual(
      [...readBoard(join(folder, 'tensorboard/train'))],
      [[1, { epoch_accuracy: 0.5 }]],
    )
    assert.deepEqual(figures('validation'), [])
  })

  it('is written of a finished run, its epochs as far apart as they were', async () => {
    const epochs = [1, 2, 3].map((epoch) => {
      const validation = { loss: 2 / epoch }
      return { epoch, phase: 1, train: { loss: 1 / epoch }, validation, seconds: 10 * epoch }
    })
    const run = makeRun(folder, { id: '20261124-101500-8f2c1a', record: { epochs } })
    await writeBoard(run)
    await writeBoard(run)
    assert.deepEqual(
      figures('validation', run.folder).map(([step]) => step),
      [1, 2, 3],
    )
    const split = join(run.folder, 'tensorboard/train')
    const [name, ...more] = readdirSync(split)
    assert.deepEqual(more, [])
    const [, ...events] = readEvents(readFileSync(join(split, name!)))
    const times = events.map(({ wallTime }) => wallTime)
    assert.deepEqual([times[1]! - times[0]!, times[2]! - times[1]!].map(Math.round), [20, 30])
    assert.ok(Math.abs(times[2]! - Date.now() / 1000) < 60)
  })

  it('stays out of git, whatever the .gitignore of runs says', async () => {
    writeFileSync(join(folder, '.gitignore'), '')
    await openBoard(folder)
    assert.equal(readFileSync(join(folder, 'tensorboard/.gitignore'), 'utf8'), '*\n')
  })
})
