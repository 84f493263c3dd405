import assert from 'node:assert/strict'
import { test } from 'node:test'
import { environmentDiff } from '../../../src/runs/diff/environment.ts'
import { isHigherBetter, metricsDiff } from '../../../src/runs/diff/metrics.ts'
import { stagesDiff } from '../../../src/runs/diff/stages.ts'
import type { RunRecord } from '../../../src/runs/record.ts'
import { digestOf } from '../../../src/util/digest.ts'

const record = (part: Partial<RunRecord>) => part as RunRecord

test('of metrics it is said which side is better, with the direction of each', () => {
  const a = record({
    metrics: {
      validation: { loss: 0.5, accuracy: 0.8 },
      test: { loss: 0.4, accuracy: 0.9, f1: 0.3 },
    },
  })
  const b = record({ metrics: { test: { loss: 0.3, accuracy: 0.8, auc: 0.7 } } })
  const answers = [
    {
      split: 'test',
      both: 10,
      onlyA: 0,
      onlyB: 0,
      relabelled: 0,
      rightInBoth: 1,
      wrongInBoth: 1,
      lost: 7,
      won: 1,
      p: 0.04,
    },
  ]
  const rows = metricsDiff({ record: a }, { record: b }, answers).map((row) => [
    row.split,
    row.name,
    row.delta,
    row.better,
    row.noise,
  ])
  assert.deepEqual(rows, [
    ['test', 'loss', -0.1, 'b', undefined],
    ['test', 'accuracy', -0.1, 'a', 'beyond'],
    ['test', 'f1', undefined, undefined, undefined],
    ['test', 'auc', undefined, undefined, undefined],
    ['validation', 'loss', undefined, undefined, undefined],
    ['validation', 'accuracy', undefined, undefined, undefined],
  ])
  assert.deepEqual(['loss', 'f1', 'topError', 'kappa'].map(isHigherBetter), [
    false,
    true,
    false,
    true,
  ])
})

test('of the environment, engine and commit are told by name', () => {
  const engine = { name: 'wasm', device: 'cpu', version: '4.22.0', threads: 1 } as const
  const a = record({
    engine,
    environment: { node: '20.20.2', git: { commit: 'aa', dirty: false } },
  })
  const b = record({ engine: { ...engine, threads: 2 }, environment: { node: '20.20.2' } })
  const rows = environmentDiff(a, b).filter(({ same }) => !same)
  assert.deepEqual(
    rows.map((row) => [row.name, row.a, row.b]),
    [
      ['engine.threads', 1, 2],
      ['git.commit', 'aa', undefined],
      ['git.dirty', false, undefined],
    ],
  )
})

test('of stages it is said which component of the fingerprint differs', () => {
  const [one, two] = [digestOf('1'), digestOf('2')]
  const document = (learningRate: number) => ({
    kind: 'train',
    version: 1,
    params: { optimizer: { learningRate } },
    inputs: { labels: one },
  })
  const stage = (id: string, more: object) => ({ id, kind: id, ...more })
  const a = [
    stage('index', { fingerprint: one, digest: one }),
    stage('train', { fingerprint: one, digest: one, document: document(0.1) }),
    stage('evaluate', { fingerprint: one, digest: one }),
    stage('gone', { fingerprint: one, digest: one }),
    stage('drawn', { fingerprint: one, digest: one }),
    stage('later', { fingerprint: one, digest: one }),
  ]
  const b = [
    stage('index', { fingerprint: one, digest: one }),
    stage('train', { fingerprint: two, digest: two, document: document(0.2) }),
    stage('evaluate', { fingerprint: two, digest: one }),
    stage('drawn', { fingerprint: one, digest: two }),
    stage('later', {}),
  ]
  assert.deepEqual(
    stagesDiff(a, b).map(({ id, why }) => `${id}: ${why}`),
    [
      'index: the same',
      'train: params.optimizer.learningRate 0.1 -> 0.2',
      'evaluate: its fingerprint differs; the output is the same',
      'drawn: computed twice from the same, with other output',
      'later: not known before it has run',
      'gone: only in A',
    ],
  )
})

test('of stages that are yet to run, their settings are compared, and what is ahead of them', () => {
  const one = digestOf('1')
  const planned = (id: string, units: number, needs: readonly string[]) => {
    return { id, kind: id, settings: { params: { units } }, needs }
  }
  const a = [
    { id: 'index', kind: 'index', fingerprint: one, digest: one },
    planned('pixels', 1, ['index']),
    {
      id: 'train',
      kind: 'train',
      fingerprint: one,
      digest: one,
      document: { kind: 'train', version: 3, params: { units: 1 }, inputs: { pixels: one } },
    },
    planned('evaluate', 1, ['train', 'index']),
  ]
  const now = [a[0]!, a[1]!, planned('train', 2, ['pixels']), a[3]!]
  assert.deepEqual(
    stagesDiff(a, now).map(({ id, why, same }) => [id, why, same]),
    [
      ['index', 'the same', true],
      ['pixels', 'the same', true],
      ['train', 'params.units 1 -> 2', false],
      ['evaluate', 'follows train', false],
    ],
  )
})

test('of many values of a stage only what they belong to is told', () => {
  const stage = (settings: number) => {
    const head = Object.fromEntries(['units', 'rate', 'bias', 'name'].map((key) => [key, settings]))
    const document = {
      kind: 'train',
      version: 1,
      params: { head, seed: 1 },
      inputs: { model: digestOf(String(settings)) },
    }
    return { id: 'train', kind: 'train', fingerprint: digestOf(String(settings)), document }
  }
  const [row] = stagesDiff([stage(1)], [stage(2)])
  assert.equal(row?.why, 'input model, params.head changed')
  assert.equal(row?.changes?.length, 5)
})
