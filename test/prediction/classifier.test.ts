import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { IMAGENET_CLASSES } from '../../src/models/imagenet-classes.ts'
import { BASE_MODELS } from '../../src/models/catalogue.ts'
import { checkedLabels, imagenetLabels, parseLabels } from '../../src/models/labels.ts'
import { largest, probabilitiesOf } from '../../src/prediction/classifier.ts'
import { predictionCsv } from '../../src/prediction/files.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'

describe('labels', () => {
  it("ImageNet's 1,000 classes stand in the order of their synsets", async () => {
    assert.equal(IMAGENET_CLASSES.length, 1000)
    const ids = IMAGENET_CLASSES.map((line) => line.split(' ')[0]!)
    assert.deepEqual(ids, [...new Set(ids)].sort())
    assert.ok(IMAGENET_CLASSES.every((line) => /^n\d{8} [A-Za-z][\w'.-]*$/.test(line)))
    const names = await imagenetLabels(1000, 'a model')
    // Known from every published classifier.
    for (const [i, name] of [
      [0, 'tench'],
      [281, 'tabby'],
      [340, 'zebra'],
      [985, 'daisy'],
      [999, 'toilet_tissue'],
    ] as const) {
      assert.equal(names[i], name)
    }
    assert.deepEqual(new Set(BASE_MODELS.map(({ labels }) => labels)), new Set(['imagenet']))
  })

  it('a model of 1,001 outputs has a background class first', async () => {
    const names = await imagenetLabels(1001, 'a model')
    assert.deepEqual([names[0], names[1], names.length], ['background', 'tench', 1001])
  })

  it('their number and that of the outputs must agree', async () => {
    await assert.rejects(imagenetLabels(20, 'm'), /ImageNet has 1,000 labels, m has 20 outputs$/)
    const of = { model: 'm', labels: 'a.txt' }
    assert.throws(
      () => checkedLabels(['a', 'b', 'c'], 4, of),
      (error) => {
        assert.ok(error instanceof PipelineError)
        assert.match(error.message, /^WRONG_VALUE a.txt has 3 labels, m has 4 outputs$/)
        assert.match(error.diagnostics[0]!.hint!, /4 lines.*background/)
        return true
      },
    )
    assert.throws(() => checkedLabels(['a', 'b', 'c'], 1, of), /3 labels, m has 1 output$/)
    assert.deepEqual(checkedLabels(['a', 'b'], 1, of), ['a', 'b'])
  })

  it('are read from a file, one a line', () => {
    assert.deepEqual(parseLabels('\ufeffbig cat\r\n  dog \r\n\r\nowl\n\n'), [
      'big cat',
      'dog',
      '',
      'owl',
    ])
  })
})

describe('probabilities', () => {
  const of = (outputs: number[], activation: 'none' | 'softmax' | 'sigmoid', labels: string[]) => [
    ...probabilitiesOf(Float32Array.from(outputs), { activation, labels }),
  ]

  it('softmax and sigmoid of logits, however large', () => {
    const near = (a: number[], b: number[]) =>
      a.forEach((x, i) => assert.ok(Math.abs(x - b[i]!) < 1e-9, `${a.join()} and ${b.join()}`))
    near(of([1000, 1001], 'softmax', ['a', 'b']), [0.2689414213699951, 0.7310585786300049])
    near(of([0, -800], 'sigmoid', ['a', 'b']), [0.5, 0])
    near(of([0.25, 0.75], 'none', ['a', 'b']), [0.25, 0.75])
  })

  it('one output is the second of two classes', () => {
    assert.deepEqual(of([0.25], 'none', ['cat', 'dog']), [0.75, 0.25])
    assert.deepEqual(of([0], 'sigmoid', ['cat', 'dog']), [0.5, 0.5])
    assert.deepEqual(of([0.25], 'none', ['score']), [0.25])
  })

  it('the largest come first, of equal ones the first', () => {
    const values = Float64Array.of(0.1, 0.4, 0.4, 0.05, 0.9)
    assert.deepEqual(largest(values, 3), [4, 1, 2])
    assert.deepEqual(largest(values, 99), [4, 1, 2, 0, 3])
  })
})

it('a table of predictions quotes what needs it', () => {
  const top = [{ label: 'a, b', index: 3, probability: 0.5 }]
  assert.equal(
    predictionCsv([{ image: 'x"y.jpg', top }]),
    'image,rank,label,index,probability\n"x""y.jpg",1,"a, b",3,0.5\n',
  )
})
