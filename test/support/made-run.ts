import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { IndexRow } from '../../src/data/index-table.ts'
import { readRun, type StoredRun } from '../../src/runs/read.ts'
import type { RunRecord } from '../../src/runs/record.ts'
import type { PredictionLine } from '../../src/stages/evaluate.ts'
import { digestOf } from '../../src/util/digest.ts'

export interface MadeRun {
  readonly name?: string
  readonly id: string
  readonly record?: Partial<RunRecord>
  /** resolved.yaml; undefined: there is none. */
  readonly config?: object
  /** index.jsonl and predictions.jsonl; undefined: there is none. */
  readonly index?: readonly Partial<IndexRow>[]
  readonly predictions?: readonly Partial<PredictionLine>[]
}

/** A run folder as a finished run leaves it, with made-up content. */
export function makeRun(root: string, made: MadeRun): StoredRun {
  const { name = 'made', id, record = {}, config, index, predictions } = made
  const folder = join(root, name, id)
  mkdirSync(folder, { recursive: true })
  const lines = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  const file = (path: string, text: string) => writeFileSync(join(folder, path), text)
  const whole: Partial<RunRecord> = {
    format: 1,
    name,
    id,
    status: 'done',
    seed: 1,
    engine: { name: 'wasm', device: 'cpu', version: '4.22.0', threads: 1 },
    started: `2026-11-24T${id.slice(9, 11)}:${id.slice(11, 13)}:${id.slice(13, 15)}Z`,
    seconds: 1,
    stages: index ? [stageRecord('index', digestOf(lines(index)))] : [],
    epochs: [],
    metrics: {},
    pictures: {},
    classes: ['cat', 'dog'],
    parameters: { total: 3, trainable: 2 },
    warnings: [],
    environment: { graft: '0.1.0', node: '20.20.2' },
    ...record,
  }
  file('run.json', JSON.stringify(whole))
  if (config) file('resolved.yaml', `# resolved\n${stringify(config)}`)
  if (index) file('index.jsonl', lines(index))
  if (predictions) file('predictions.jsonl', lines(predictions))
  return readRun(folder)!
}

export function stageRecord(id: string, digest = digestOf(id), fingerprint = digest) {
  const kind = id.split(':')[0]!
  return { id, kind, cached: false, seconds: 1, fingerprint, digest, bytes: 1 }
}

/** A line of index.jsonl. */
export function picture(path: string, label: string, split = 'test', bytes = path): IndexRow {
  const sha256 = digestOf(bytes).slice(7)
  return { path, label, split, sha256, width: 8, height: 8, format: 'png', bytes: 100 }
}

/** A line of predictions.jsonl over the classes cat and dog. */
export function answer(image: string, label: string, cat: number, split = 'test'): PredictionLine {
  const predicted = cat > 0.5 ? 'cat' : 'dog'
  const probabilities = [cat, Number((1 - cat).toFixed(6))]
  const probability = Math.max(...probabilities)
  return { split, image, label, predicted, probability, loss: 0.1, probabilities }
}
