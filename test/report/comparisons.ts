import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DiffReport } from '../../src/report/diff/read.ts'
import { pictureKey } from '../../src/report/pictures.ts'
import type { Thumbnail } from '../../src/report/thumbnail.ts'
import { diffSides } from '../../src/runs/diff/diff.ts'
import { sideOfRun } from '../../src/runs/diff/side.ts'
import { digestOf } from '../../src/util/digest.ts'
import type { EpochRecord } from '../../src/runs/record.ts'
import { answer, makeRun, picture, stageRecord, type MadeRun } from '../support/made-run.ts'

type Made = Omit<MadeRun, 'id'>

/** The page's data of two made-up runs; every picture that flipped has `shown`. */
export function diffReportOf(a: Made, b: Made, shown?: Thumbnail): DiffReport {
  const root = mkdtempSync(join(tmpdir(), 'graft-report-'))
  try {
    const options = { store: join(root, 'none'), cwd: root }
    const [left, right] = [a, b].map((made, i) =>
      sideOfRun(makeRun(root, { id: `20261124-10000${i}-aaaaa${i}`, ...made }), options),
    )
    const diff = diffSides(left!, right!, { all: true })
    const flips = diff.predictions?.flips ?? []
    const thumbnails = new Map(shown ? flips.map((flip) => [pictureKey(flip), shown]) : [])
    return { diff, thumbnails }
  } finally {
    rmSync(root, { recursive: true })
  }
}

export const INDEX = Array.from({ length: 20 }, (_, i) =>
  picture(`test/${i}.png`, i % 2 ? 'cat' : 'dog'),
)

/** The first `right` pictures of INDEX are named rightly. */
export function answersOf(right: number) {
  return INDEX.map(({ path, label }, i) =>
    answer(path, label, i < right === (label === 'cat') ? 0.8 : 0.3),
  )
}

function epoch(n: number, accuracy: number): EpochRecord {
  const figures = { accuracy, loss: 1 - accuracy }
  return { epoch: n, phase: 1, train: figures, validation: figures, seconds: 1 }
}

/** Two runs that differ in a key, a picture, a stage and the machine; B is better. */
export function twoRuns(name = 'made', path = 'test/new.png'): readonly [Made, Made] {
  const more = [...INDEX, picture(path, 'cat', 'train')]
  const record = (accuracy: number, node: string, index: object) => ({
    metrics: { test: { accuracy, loss: 1 - accuracy } },
    pictures: { test: 20 },
    epochs: [epoch(1, accuracy / 2), epoch(2, accuracy)],
    environment: { graft: '0.1.0', node },
    stages: [
      stageRecord('weights'),
      stageRecord('index', digestOf(JSON.stringify(index))),
      stageRecord('train', `sha256:${node.padEnd(64, '0')}`),
    ],
  })
  const config = (learningRate: number) => ({ seed: 1, optimizer: { learningRate } })
  return [
    {
      name,
      record: record(0.5, '20', INDEX),
      config: config(0.1),
      index: INDEX,
      predictions: answersOf(10),
    },
    {
      name,
      record: record(0.9, '22', more),
      config: config(0.01),
      index: more,
      predictions: answersOf(18).with(0, answer('test/0.png', 'dog', 0.9)),
    },
  ]
}

/** How often each tag and each attribute's name stands on the page: text adds none, whatever it is. */
export function tagsOf(page: string): Record<string, number> {
  const counts: Record<string, number> = {}
  const count = (name: string) => (counts[name] = (counts[name] ?? 0) + 1)
  for (const [, tag, attributes] of page.matchAll(
    /<([a-z!/][^\s>]*)((?:\s+[^\s=>]+="[^"]*")*)/gi,
  )) {
    count(tag!)
    for (const [, attribute] of attributes!.matchAll(/\s([^\s=>]+)="/g)) count(attribute!)
  }
  return counts
}
