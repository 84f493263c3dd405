import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { readSweep } from '../../src/pipeline/sweep-block.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'

describe('the sweep block', () => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-sweep-'))
  after(() => rmSync(folder, { recursive: true }))

  const read = (text: string, sweep: readonly string[] = []) => {
    const file = join(folder, 'a.yaml')
    writeFileSync(file, text)
    return readSweep(file, { env: {}, cwd: folder, sweep })
  }
  /** `line:col CODE message` of everything that is wrong. */
  const problems = async (text: string, sweep: readonly string[] = []): Promise<string[]> => {
    try {
      const block = await read(text, sweep)
      return (block?.warnings ?? []).map(
        ({ at, code, message }) => `${at?.line} ${code} ${message}`,
      )
    } catch (error) {
      assert.ok(error instanceof PipelineError, String(error))
      return error.diagnostics.map(
        ({ at, code, message }) => `${at ? `${at.line}:${at.col} ` : ''}${code} ${message}`,
      )
    }
  }

  it('is nothing where the file has none', async () => {
    assert.equal(await read('seed: 3\n'), undefined)
  })

  it('has defaults that depend on the rest of the file', async () => {
    const block = await read('seed: 3\nsweep: {parameters: {training.epochs: {values: [1]}}}\n')
    assert.deepEqual(
      [block!.seed, block!.method, block!.metric.name, block!.metric.goal, block!.retries],
      [3, 'grid', 'validation.accuracy', 'maximize', 0],
    )
    const loss = await read(
      'sweep: {metric: {name: validation.loss}, parameters: {seed: {values: [1]}}}',
    )
    assert.equal(loss!.metric.goal, 'minimize')
  })

  it('is made by --sweep, whose values replace those of the file', async () => {
    const block = await read(
      'sweep: {parameters: {seed: {values: [1]}, freeze: {values: [all]}}}',
      ['seed=4,5', 'freeze=all,{first: 3}', 'optimizer.learningRate=1e-3'],
    )
    assert.deepEqual(
      [...block!.parameters],
      [
        ['seed', { values: [4, 5] }],
        ['freeze', { values: ['all', { first: 3 }] }],
        ['optimizer.learningRate', { values: [0.001] }],
      ],
    )
  })

  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    [
      'without parameters',
      'sweep: {method: grid}\n',
      ['1:1 MISSING_KEY the sweep needs parameters'],
    ],
    [
      'random without an end',
      'sweep:\n  method: random\n  parameters: {seed: {values: [1]}}\n',
      ['1:1 MISSING_KEY method random needs maxTrials'],
    ],
    [
      'a list without points',
      'sweep: {method: list}\n',
      ['1:1 MISSING_KEY method list needs points'],
    ],
    [
      'a grid over a distribution, whose ends are crossed',
      'sweep:\n  parameters:\n    optimizer.learningRate: {distribution: logUniform, min: 1, max: 0}\n',
      [
        '3:5 CONFLICT a grid tries every value of optimizer.learningRate, and a distribution has no end of them',
        '3:5 CONFLICT optimizer.learningRate: min 1 is not below max 0',
      ],
    ],
    [
      'keys that no trial may change, and keys inside each other',
      'sweep:\n  parameters:\n    name: {values: [a]}\n    freeze: {values: [all]}\n    freeze.first: {values: [1]}\n',
      [
        '3:5 WRONG_VALUE name is the same in all trials of a sweep',
        '5:5 CONFLICT freeze.first stands inside freeze, which has values of its own',
      ],
    ],
    [
      'a zip that does not fit',
      'sweep:\n  parameters:\n    seed: {values: [1, 2]}\n    freeze: {values: [all]}\n  zip: [[seed, freeze], [sed, seed]]\n',
      [
        '5:9 CONFLICT keys of a zip have as many values each: seed 2, freeze 1',
        '5:25 UNKNOWN_KEY the sweep has no parameter "sed"',
        '5:25 CONFLICT seed stands in zip twice',
      ],
    ],
    [
      'conditions on what is not there',
      'sweep:\n  parameters: {seed: {values: [1]}}\n  exclude: [{sed: 1}]\n  when: [{if: {frees: all}, drop: [augment]}]\n  points: [{sead: 1}]\n',
      [
        '5:13 UNKNOWN_KEY the sweep has no parameter "sead"',
        '3:14 UNKNOWN_KEY the sweep has no parameter "sed"',
        '4:16 UNKNOWN_KEY the sweep has no parameter "frees"',
        '4:29 UNKNOWN_KEY the sweep has no parameter "augment"',
      ],
    ],
    [
      'a metric that is none',
      'sweep:\n  metric: {name: validation.acuracy}\n  parameters: {seed: {values: [1]}}\n',
      ['2:18 WRONG_VALUE trials cannot be judged by validation.acuracy: there is no such figure'],
    ],
    [
      'a split that is not there',
      'dataset: {splits: {train: a}}\nsweep: {parameters: {seed: {values: [1]}}}\n',
      [
        '2:1 MISSING_KEY trials are judged by validation.accuracy, and dataset.splits has no validation',
      ],
    ],
    [
      'a random seed',
      'seed: random\nsweep: {parameters: {freeze: {values: [all]}}}\n',
      [
        '1:7 CONFLICT seed is random, and the trials of a sweep must be the same when it is run again',
      ],
    ],
    [
      'beside prediction',
      'prediction: {images: [a.jpg]}\nsweep: {parameters: {seed: {values: [1]}}}\n',
      ['2:8 CONFLICT sweep is about training, and a file with prediction trains nothing'],
    ],
    [
      'a goal that is the wrong way',
      'sweep: {metric: {name: validation.loss, goal: maximize}, parameters: {seed: {values: [1]}}}\n',
      ['1 NOTE the best trial is the one with the highest validation.loss'],
    ],
    [
      'judged on test',
      'sweep: {metric: {name: test.accuracy}, parameters: {seed: {values: [1]}}}\n',
      ['1 NOTE trials are judged by test.accuracy: what chose the best one then measures it too'],
    ],
  ]
  for (const [name, text, wanted] of cases) {
    it(`says what is wrong: ${name}`, async () => assert.deepEqual(await problems(text), wanted))
  }

  it('says what is wrong with --sweep', async () => {
    assert.deepEqual(await problems('seed: 1\n', ['seed']), [
      'BAD_OVERRIDE --sweep seed: no values',
    ])
    assert.deepEqual(await problems('seed: 1\n', ['seed=']), [
      'BAD_OVERRIDE --sweep seed=: no values',
    ])
    assert.deepEqual(await problems('seed: 1\n', ['=1']), ['BAD_OVERRIDE --sweep =1: no key'])
  })
})
