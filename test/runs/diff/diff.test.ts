import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { diffSides, type RunDiff } from '../../../src/runs/diff/diff.ts'
import { sideOfRun } from '../../../src/runs/diff/side.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { answer, makeRun, picture, type MadeRun } from '../../support/made-run.ts'

let root: string
let next = 0
before(() => {
  root = mkdtempSync(join(tmpdir(), 'graft-diff-'))
})
after(() => rmSync(root, { recursive: true }))

function diffOf(a: Omit<MadeRun, 'id'>, b: Omit<MadeRun, 'id'>, options = {}): RunDiff {
  const side = (made: Omit<MadeRun, 'id'>) => {
    next += 1
    const id = `20261124-10${String(next).padStart(4, '0')}-${String(next).padStart(6, '0')}`
    return sideOfRun(makeRun(root, { id, ...made }), { store: join(root, 'none'), cwd: root })
  }
  return diffSides(side(a), side(b), options)
}

const accuracy = (value: number) => ({ metrics: { test: { accuracy: value } } })
const index = Array.from({ length: 20 }, (_, i) => picture(`${i}.png`, i % 2 ? 'cat' : 'dog'))
/** The first `right` pictures are named rightly. */
const answers = (right: number) =>
  index.map(({ path, label }, i) =>
    answer(path, label, i < right === (label === 'cat') ? 0.8 : 0.3),
  )

test('a run against itself: nothing differs', () => {
  const made = { record: accuracy(0.5), config: { seed: 1 }, index, predictions: answers(10) }
  const diff = diffOf(made, made)
  assert.equal(diff.verdict, 'Nothing differs.')
  assert.ok(diff.same)
  assert.deepEqual(
    [diff.metrics, diff.config, diff.data?.splits, diff.stages, diff.environment],
    [[], [], [], [], []],
  )
  assert.deepEqual(diff.predictions?.flips, [])
  assert.deepEqual(diff.notes, [])
})

test('the verdict: which one is better, by how much, beyond noise, and the one key', () => {
  const diff = diffOf(
    {
      record: accuracy(0.5),
      config: { optimizer: { learningRate: 0.1 } },
      index,
      predictions: answers(10),
    },
    {
      record: accuracy(0.9),
      config: { optimizer: { learningRate: 0.01 } },
      index,
      predictions: answers(18),
    },
  )
  assert.equal(
    diff.verdict,
    'B is better, beyond noise: accuracy on test 0.5000 -> 0.9000 (+0.4000; 8 wrong to right, ' +
      `0 right to wrong; McNemar's exact test p = 0.0078). One key differs: optimizer.learningRate 0.1 -> 0.01.`,
  )
  assert.equal(diff.metrics[0]?.p, 2 / 2 ** 8)
  assert.deepEqual(
    diff.predictions?.flips.map(({ image }) => image).sort(),
    index
      .slice(10, 18)
      .map(({ path }) => path)
      .sort(),
  )
  assert.deepEqual(diff.predictions?.classes, [
    { label: 'cat', lost: 0, won: 4 },
    { label: 'dog', lost: 0, won: 4 },
  ])
})

test('within noise no side is called better', () => {
  const diff = diffOf(
    { record: accuracy(0.5), config: { seed: 1 }, index, predictions: answers(10) },
    { record: accuracy(0.55), config: { seed: 2 }, index, predictions: answers(11) },
  )
  assert.match(
    diff.verdict,
    /^No difference beyond noise: accuracy on test .* p = 1\)\. Only the seed differs\.$/,
  )
})

test('the flips have what both said, and what they gave to the truth', () => {
  const two = [picture('a.png', 'cat'), picture('b.png', 'dog'), picture('c.png', 'dog')]
  const said = (a: number, b: number, c: number) => [
    answer('a.png', 'cat', a),
    answer('b.png', 'dog', b),
    answer('c.png', 'dog', c),
  ]
  const diff = diffOf(
    { index: two, predictions: said(0.9, 0.8, 0.1) },
    { index: two, predictions: said(0.4, 0.2, 0.2) },
  )
  assert.deepEqual(diff.predictions?.flips, [
    {
      split: 'test',
      image: 'b.png',
      truth: 'dog',
      change: 'won',
      a: { predicted: 'cat', probability: 0.8, ofTruth: 0.2 },
      b: { predicted: 'dog', probability: 0.8, ofTruth: 0.8 },
    },
    {
      split: 'test',
      image: 'a.png',
      truth: 'cat',
      change: 'lost',
      a: { predicted: 'cat', probability: 0.9, ofTruth: 0.9 },
      b: { predicted: 'dog', probability: 0.6, ofTruth: 0.4 },
    },
  ])
  const [split] = diff.predictions?.splits ?? []
  assert.deepEqual([split?.rightInBoth, split?.wrongInBoth, split?.lost, split?.won], [1, 0, 1, 1])
})

test('different test data is said before all else, and nothing is tested', () => {
  const diff = diffOf(
    { record: accuracy(0.5), config: { seed: 1 }, index, predictions: answers(10) },
    {
      record: accuracy(0.9),
      config: { seed: 1 },
      index: [...index.slice(1), picture('new.png', 'cat')],
      predictions: [...answers(18).slice(1), answer('new.png', 'cat', 0.9)],
    },
  )
  assert.match(
    diff.verdict,
    /^DIFFERENT TEST DATA: .* cannot be compared\. Of 19 pictures that both have, A names 0\.4737 right and B 0\.8947\. Accuracy on test 0\.5000 -> 0\.9000 \(\+0\.4000\)\./,
  )
  assert.deepEqual(
    diff.metrics.map(({ p, noise }) => [p, noise]),
    [[undefined, undefined]],
  )
  const [split] = diff.predictions?.splits ?? []
  assert.deepEqual([split?.onlyA, split?.onlyB, split?.both], [1, 1, 19])
})

test('relabelled pictures are different test data too, and no flips', () => {
  const relabelled = index.map((row, i) => (i === 0 ? { ...row, label: 'cat' } : row))
  const predictions = answers(10)
  const diff = diffOf(
    { record: accuracy(0.5), index, predictions },
    {
      record: accuracy(0.45),
      index: relabelled,
      predictions: [{ ...predictions[0]!, label: 'cat' }, ...predictions.slice(1)],
    },
  )
  assert.match(diff.verdict, /^DIFFERENT TEST DATA/)
  assert.deepEqual(diff.predictions?.flips, [])
  assert.equal(diff.predictions?.splits[0]?.relabelled, 1)
})

test('renamed pictures are the same pictures', () => {
  const renamed = (name: string) => `other/${name}`
  const diff = diffOf(
    { record: accuracy(0.5), index, predictions: answers(10) },
    {
      record: accuracy(0.9),
      index: index.map((row) => ({ ...row, path: renamed(row.path) })),
      predictions: answers(18).map((line) => ({ ...line, image: renamed(line.image) })),
    },
  )
  assert.equal(diff.metrics[0]?.p, 2 / 2 ** 8)
  assert.equal(diff.predictions?.flips.length, 8)
})

test('without the lists of pictures the rest is compared, and what is missing is said', () => {
  const diff = diffOf(
    { record: accuracy(0.5), config: { seed: 1 } },
    { record: accuracy(0.9), config: { seed: 2 }, index, predictions: answers(18) },
  )
  assert.match(diff.verdict, /^B is better: accuracy on test .* Only the seed differs\.$/)
  assert.deepEqual(diff.notes, [
    'A without index.jsonl: which pictures differ is not known',
    'A without predictions.jsonl: which pictures flipped is not known',
  ])
  assert.equal(diff.data, undefined)
  assert.equal(diff.predictions, undefined)
})

test('a run that failed has no figures', () => {
  const diff = diffOf(
    { record: accuracy(0.5), config: {} },
    { record: { status: 'failed' }, config: {} },
  )
  assert.match(diff.verdict, /^B failed and has no figures\. No key differs\./)
})

test('runs without training: pictures that are named otherwise', () => {
  const line = (image: string, label: string) => ({
    image,
    top: [{ label, index: 0, probability: 0.7 }],
  })
  const record = { predicted: { pictures: 2, bad: 0 } }
  const made = (label: string) => ({
    record,
    config: {},
    predictions: [line('a.png', 'tabby'), line('b.png', label)] as object[],
  })
  const diff = diffOf(made('tiger'), made('lynx'))
  assert.deepEqual(
    diff.predictions?.flips.map((flip) => [
      flip.image,
      flip.change,
      flip.a.predicted,
      flip.b.predicted,
    ]),
    [['b.png', 'other', 'tiger', 'lynx']],
  )
  assert.equal(diff.verdict, '1 picture is named otherwise. No key differs.')
  assert.ok(!diff.same)
})

test('figures of other splits are not taken for equal ones', () => {
  const { verdict } = diffOf(
    { record: { metrics: { test: { accuracy: 0.5 } } }, config: {} },
    { record: { metrics: { validation: { accuracy: 0.6 } } }, config: {} },
  )
  assert.equal(verdict, 'The two have no figure in common. No key differs.')
})

test('a damaged line is told with its place', () => {
  const made = { index, predictions: answers(10) }
  const good = makeRun(root, { id: '20261124-110000-a00000', ...made })
  const bad = makeRun(root, { id: '20261124-110001-b00000', ...made })
  const path = join(bad.folder, 'predictions.jsonl')
  writeFileSync(path, `${readFileSync(path, 'utf8').slice(0, -200)}\n`)
  const options = { store: join(root, 'none'), cwd: root }
  assert.throws(
    () => diffSides(sideOfRun(good, options), sideOfRun(bad, options)),
    (error: unknown) => {
      assert.ok(error instanceof PipelineError)
      const [{ code, at } = { code: '' }] = error.diagnostics
      assert.deepEqual([code, at?.file], ['UNKNOWN_RUN', path])
      assert.ok(at!.line > 15 && at!.line <= 20)
      return true
    },
  )
})

test('pictures of training that differ are told in the verdict too', () => {
  const train = (names: readonly string[], label: string) => [
    ...names.map((name) => picture(name, 'cat', 'train')),
    picture('odd.png', label, 'train'),
  ]
  const diff = diffOf(
    {
      record: accuracy(0.5),
      config: {},
      index: [...index, ...train(['a.png'], 'cat')],
      predictions: answers(10),
    },
    {
      record: accuracy(0.9),
      config: {},
      index: [...index, ...train(['a.png', 'b.png'], 'dog')],
      predictions: answers(18),
    },
  )
  assert.match(
    diff.verdict,
    /^B is better, beyond noise: .* No key differs\. The pictures of train differ: 1 added, 1 relabelled\.$/,
  )
})
