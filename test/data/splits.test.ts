import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { PipelineError } from '../../src/util/diagnostic.ts'
import { byCodePoint } from '../../src/util/json.ts'
import { hasPictureExtension } from '../../src/data/formats/table.ts'
import { assignSplits } from '../../src/data/splits.ts'
import { kerasShuffle } from '../../src/data/splits-numpy.ts'
import { ROOT } from '../support/paths.ts'
import type { SplitMethod, SplitSpecs, Splittable } from '../../src/data/splits.ts'

interface Golden {
  readonly files: readonly string[]
  readonly generator: Readonly<Record<string, readonly string[]>>
  readonly dataset: readonly { seed: number; fraction: number; validation: readonly string[] }[]
  readonly shuffles: readonly { seed: number; n: number; order: readonly number[] }[]
}
const GOLDEN = JSON.parse(
  readFileSync(join(ROOT, 'test/golden/keras-splits.json'), 'utf8'),
) as Golden
const METHODS: readonly SplitMethod[] = [
  'stratified',
  'random',
  'hash',
  'kerasValidationSplit',
  'kerasImageDatasetFromDirectory',
]

function picture(path: string, sha256 = path, split = 'train'): Splittable {
  return { path, label: path.split('/')[0]!, split, sha256, bad: false }
}

/** As the folders layout lists the golden's files. */
const FOLDER = [...GOLDEN.files]
  .sort(byCodePoint)
  .filter(hasPictureExtension)
  .map((p) => picture(p))
const CLASSES = ['cat', 'dog 10', 'dog 5']

function members(pictures: readonly Splittable[], specs: SplitSpecs, split = 'validation') {
  const names = assignSplits(pictures, specs, [...new Set(pictures.map((p) => p.label))].sort())
  return pictures.filter((_, i) => names[i] === split).map((p) => p.path)
}

test("numpy's legacy shuffle, bit for bit", () => {
  for (const { seed, n, order } of GOLDEN.shuffles) {
    const list = kerasShuffle([...Array(n).keys()], seed)
    const seen = n < 20 ? list : [...list.slice(0, 8), ...list.slice(-8)]
    assert.deepEqual(seen, order, `seed ${seed}, ${n} items`)
  }
})

test('kerasValidationSplit takes the files that Keras takes', () => {
  for (const [fraction, files] of Object.entries(GOLDEN.generator)) {
    const part = { from: 'train', fraction: Number(fraction), how: 'kerasValidationSplit' } as const
    assert.deepEqual(CLASSES.length, 3)
    const taken = members(FOLDER, { train: '.', validation: part })
    assert.deepEqual(taken.sort(byCodePoint), [...files].sort(byCodePoint), fraction)
  }
})

test('kerasImageDatasetFromDirectory takes the files that Keras takes', () => {
  for (const { seed, fraction, validation } of GOLDEN.dataset) {
    const how = 'kerasImageDatasetFromDirectory'
    const taken = members(FOLDER, {
      train: '.',
      validation: { from: 'train', fraction, how, seed },
    })
    assert.deepEqual(
      taken.sort(byCodePoint),
      [...validation].sort(byCodePoint),
      `${seed} ${fraction}`,
    )
  }
})

const pictures = fc
  .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(500)), {
    minLength: 4,
    maxLength: 80,
    selector: ([label, n]) => `${label}${n}`,
  })
  .map((list) => list.map(([label, n]) => picture(`${label}/${n}.png`, `${label}${n % 300}`)))

test('parts are disjoint, of the size asked for, and the same every time', () => {
  for (const how of METHODS) {
    fc.assert(
      fc.property(
        pictures,
        fc.integer({ min: 1, max: 9 }),
        fc.nat(2 ** 32 - 1),
        (list, tenth, seed) => {
          const fraction = tenth / 10
          const specs: SplitSpecs = {
            train: '.',
            test: 'elsewhere',
            validation: { from: 'train', fraction, how, seed },
          }
          const taken = members(list, specs)
          const left = members(list, specs, 'train')
          assert.equal(new Set([...taken, ...left]).size, list.length)
          assert.equal(taken.length + left.length, list.length)
          assert.deepEqual(members(list, specs), taken)
          const twins = list.length - new Set(list.map((p) => p.sha256)).size
          const off = Math.abs(taken.length - list.length * fraction)
          if (how !== 'hash') assert.ok(off <= 3 + twins, `${how}: ${off} of ${list.length}`)
        },
      ),
      { numRuns: 60 },
    )
  }
})

test('stratified keeps the proportions of classes, and gives each class to both sides', () => {
  const list = [
    ...Array.from({ length: 100 }, (_, i) => picture(`a/${i}.png`)),
    ...Array.from({ length: 50 }, (_, i) => picture(`b/${i}.png`)),
    ...Array.from({ length: 2 }, (_, i) => picture(`c/${i}.png`)),
  ]
  const part = { from: 'train', fraction: 0.2 }
  const taken = members(list, { train: '.', validation: part })
  const count = (label: string) => taken.filter((path) => path.startsWith(label)).length
  assert.deepEqual([count('a'), count('b'), count('c')], [20, 10, 1])
})

test('equal pictures are never parted by stratified, random and hash', () => {
  for (const how of ['stratified', 'random', 'hash'] as const) {
    fc.assert(
      fc.property(pictures, fc.nat(1000), (list, seed) => {
        const specs = { train: '.', validation: { from: 'train', fraction: 0.3, how, seed } }
        const taken = new Set(members(list, specs))
        const shas = new Set(list.filter((p) => taken.has(p.path)).map((p) => p.sha256))
        assert.ok(list.every((p) => taken.has(p.path) || !shas.has(p.sha256)))
      }),
      { numRuns: 60 },
    )
  }
})

test('hash moves no picture when others come or go', () => {
  fc.assert(
    fc.property(pictures, fc.nat(1000), fc.nat(1000), (list, seed, drop) => {
      const specs: SplitSpecs = {
        train: '.',
        validation: { from: 'train', fraction: 0.3, how: 'hash', seed },
        test: { from: 'train', fraction: 0.2, how: 'hash', seed },
      }
      const fewer = list.filter((_, i) => i !== drop % list.length)
      for (const split of ['validation', 'test']) {
        const before = members(list, specs, split).filter((p) => fewer.some((f) => f.path === p))
        assert.deepEqual(members(fewer, specs, split), before)
      }
    }),
  )
})

test('several parts of one split take their shares of the whole', () => {
  const list = Array.from({ length: 2000 }, (_, i) => picture(`${i % 2 ? 'a' : 'b'}/${i}.png`))
  for (const how of ['stratified', 'random', 'hash'] as const) {
    const specs: SplitSpecs = {
      train: '.',
      validation: { from: 'train', fraction: 0.3, how },
      test: { from: 'train', fraction: 0.3, how },
    }
    for (const split of ['validation', 'test']) {
      const n = members(list, specs, split).length
      assert.ok(Math.abs(n - 600) <= (how === 'hash' ? 80 : 1), `${how} ${split}: ${n}`)
    }
  }
})

test('a damaged picture counts for Keras and for nobody else', () => {
  const list = Array.from({ length: 10 }, (_, i) => ({ ...picture(`a/${i}.png`), bad: i === 0 }))
  const of = (how: SplitMethod) =>
    members(list, { train: '.', validation: { from: 'train', fraction: 0.2, how } })
  assert.deepEqual(of('kerasValidationSplit'), ['a/0.png', 'a/1.png'])
  assert.ok(!of('random').includes('a/0.png'))
})

test('parts that cannot be are refused', () => {
  const refused: [SplitSpecs, RegExp][] = [
    [{ train: '.', validation: { from: 'trian', fraction: 0.2 } }, /part of "trian"/],
    [{ train: '.', validation: { from: 'train', fraction: 1 } }, /nothing would be left/],
    [{ train: '.', validation: { from: 'train', fraction: Number.NaN } }, /nothing would be left/],
    [
      {
        train: '.',
        validation: { from: 'train', fraction: 0.5 },
        test: { from: 'train', fraction: 0.5 },
      },
      /nothing would be left/,
    ],
    [
      {
        train: '.',
        validation: { from: 'train', fraction: 0.2, how: 'kerasValidationSplit' },
        test: { from: 'train', fraction: 0.2 },
      },
      /Keras takes one part/,
    ],
  ]
  for (const [specs, message] of refused) {
    assert.throws(
      () => assignSplits([picture('a/1.png')], specs, ['a']),
      (error) => error instanceof PipelineError && message.test(error.message),
    )
  }
})
