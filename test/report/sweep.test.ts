import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { Section } from '../../src/report/page.ts'
import { against } from '../../src/report/sweep/against.ts'
import { axisOf } from '../../src/report/sweep/axis.ts'
import { cost } from '../../src/report/sweep/cost.ts'
import { curves } from '../../src/report/sweep/curves.ts'
import { failures } from '../../src/report/sweep/failures.ts'
import { header } from '../../src/report/sweep/header.ts'
import { importance } from '../../src/report/sweep/importance.ts'
import { sweepPage } from '../../src/report/sweep/page.ts'
import { parallel } from '../../src/report/sweep/parallel.ts'
import type { SweepReport } from '../../src/report/sweep/read.ts'
import { trials } from '../../src/report/sweep/trials.ts'
import { tagsOf } from './comparisons.ts'
import { HOSTILE, seen } from './reports.ts'
import { failed, littleSweep, sweepReportOf, trained } from './sweeps.ts'

const text = (section: Section | undefined) => seen(section!.body.text)

describe('the page of a sweep', () => {
  let report: SweepReport
  before(async () => {
    report = await littleSweep()
  })

  it('says first which trial is the best and how to repeat it', () => {
    const shown = seen(header(report).text)
    assert.ok(shown.startsWith('made sweep grid 6 trials 4 done 1 stopped 1 failed 90.0 %'), shown)
    assert.ok(
      shown.includes(
        'accuracy on validation of the best of 6 trials learningRate 0.01, batchSize 16',
      ),
      shown,
    )
    assert.ok(
      shown.endsWith(
        'pipeline run sweep.yaml --set "~sweep" --set seed=2 --set optimizer.learningRate=0.01 --set training.batchSize=16',
      ),
      shown,
    )
  })

  it('has trials that failed with what they failed with', () => {
    const shown = text(failures(report))
    assert.ok(shown.startsWith('NOT_FINITE the loss is NaN learningRate 0.1, batchSize 8'), shown)
  })

  it('has a table of what varies, the best first, those without a figure last', () => {
    const shown = text(trials(report))
    assert.ok(
      shown.includes(
        'place validation.accuracy learningRate batchSize epochs time status run 1 90.0 % 0.01 16 3 2.0 s done 20261124-101503-aaaaaa 2 80.0 % 0.001 16',
      ),
      shown,
    )
    assert.ok(shown.endsWith('5 40.0 % 0.1 16 1 – stopped – 6 – 0.1 8 0 – failed –'), shown)
  })

  it('draws a line a trial through its values, the best on top', () => {
    const { text: page } = parallel(report)!.body
    assert.match(
      page,
      /aria-label="Parallel coordinates of 5 trials over learningRate, batchSize, validation\.accuracy\. The best: learningRate 0\.01, batchSize 16, 90\.0.%\."/,
    )
    const [wide] = page.split('class="narrow"')
    const strokes = [...wide!.matchAll(/<path[^>]*stroke="(var\([^"]*\))"/g)].map(([, s]) => s)
    assert.equal(strokes.length, 5)
    assert.deepEqual([strokes[0], strokes.at(-1)], ['var(--rank-0)', 'var(--good)'])
    assert.ok(page.includes('1 without a figure'))
  })

  it('draws the figure against each parameter, with the mean of each value', () => {
    const { text: page } = against(report)!.body
    assert.match(
      page,
      /aria-label="validation\.accuracy against optimizer\.learningRate, 5 trials\. Means: 0\.001 75\.0.%, 0\.01 85\.0.%, 0\.1 40\.0.%\."/,
    )
    const shown = seen(page)
    assert.ok(
      shown.includes('batchSize trials mean best 8 2 75.0 % 80.0 % 16 3 70.0 % 90.0 %'),
      shown,
    )
    assert.ok(shown.includes('an empty one a trial that ended early'))
  })

  it('draws all curves, dashed those that ended early', () => {
    const { text: page } = curves(report)!.body
    assert.match(
      page,
      /validation\.accuracy of 5 trials by epoch\. The best from 70\.0.% to 90\.0.%\./,
    )
    assert.match(
      page,
      /stroke="var\(--good\)"[^>]*stroke-width="3"|stroke-width="3"[^>]*stroke="var\(--good\)"/,
    )
    const shown = seen(page)
    assert.ok(shown.includes('1 learningRate 0.01, batchSize 16 70.0 % 80.0 % 90.0 %'), shown)
    assert.ok(shown.includes('5 learningRate 0.1, batchSize 16 40.0 % – –'), shown)
  })

  it('tells what it cost, and what was saved', () => {
    const shown = text(cost(report))
    assert.ok(shown.includes('13 epochs in 6 trials, 8.0 s of work.'), shown)
    assert.ok(
      shown.includes('1 trial was ended early (median): 13 epochs instead of 15, 86.7 %'),
      shown,
    )
  })

  it('joins repeats: mean and spread', async () => {
    const repeated = await sweepReportOf(
      'sweep:\n  parameters:\n    training.batchSize: {values: [8, 16]}\n  repeat: {seed: [1, 2]}\n',
      [0.6, 0.8, 0.5, 0.5].map((accuracy, i) => ({
        parameters: { 'training.batchSize': i < 2 ? 8 : 16, seed: 1 + (i % 2) },
        log: trained([accuracy]),
      })),
    )
    const shown = text(trials(repeated))
    // numpy.std([0.6, 0.8], ddof=1) = 0.1414
    assert.ok(shown.includes('1 70.0 % 14.1 % 8 1 2.0 s done'), shown)
    assert.ok(seen(header(repeated).text).includes('the best of 2 settings, 4 trials'))
  })

  it('draws a parameter that only some trials have', async () => {
    const kinds = await sweepReportOf(
      'sweep:\n  parameters:\n    optimizer.name: {values: [sgd, adam]}\n    optimizer.momentum: {values: [0, 0.9]}\n  when: [{if: {optimizer.name: adam}, drop: [optimizer.momentum]}]\n',
      [
        { parameters: { 'optimizer.name': 'adam' }, log: trained([0.7]) },
        { parameters: { 'optimizer.name': 'sgd', 'optimizer.momentum': 0 }, log: trained([0.6]) },
        { parameters: { 'optimizer.name': 'sgd', 'optimizer.momentum': 0.9 }, log: trained([0.8]) },
      ],
    )
    const shown = text(against(kinds))
    assert.ok(shown.includes('momentum trials mean best – 1 70.0 % 70.0 % 0 1 60.0 %'), shown)
    assert.ok(!parallel(kinds)!.body.text.includes('NaN'))
  })

  it('has what the figure depends on once enough trials are done', async () => {
    assert.equal(importance(report), undefined)
    const rates = [0.1, 0.01, 0.001, 0.0001]
    const more = await sweepReportOf(
      'sweep:\n  parameters:\n    optimizer.learningRate: {distribution: logUniform, min: 0.0001, max: 0.1}\n    training.batchSize: {values: [8, 16]}\n  method: random\n  maxTrials: 8\n',
      rates.flatMap((rate, i) =>
        [8, 16].map((size) => ({
          parameters: { 'optimizer.learningRate': rate, 'training.batchSize': size },
          log: trained([0.5 + i / 10]),
        })),
      ),
    )
    const shown = text(importance(more))
    assert.match(shown, /optimizer\.learningRate \d+ % -1\.00 training\.batchSize/)
    assert.ok(text(against(more)).includes('learningRate optimizer.learningRate logarithmic'))
  })

  it('is there before anything is done, and when all has failed', async () => {
    const block = 'sweep:\n  parameters:\n    training.batchSize: {values: [8, 16]}\n'
    const sizes = [8, 16].map((size) => ({ parameters: { 'training.batchSize': size } }))
    const open = seen(sweepPage(await sweepReportOf(block, sizes)).text)
    assert.ok(open.includes('2 trials 2 waiting None of 2 trials has a figure yet'), open)
    const log = failed('disk')
    const bad = await sweepReportOf(
      block,
      sizes.map((trial) => ({ ...trial, log })),
    )
    assert.ok(
      seen(sweepPage(bad).text).includes(
        '2 trials failed NOT_FINITE disk batchSize 8; batchSize 16',
      ),
    )
  })

  it('has no script, whatever values and messages are', async () => {
    let plain: Record<string, number> | undefined
    for (const value of ['x', ...HOSTILE]) {
      const block = 'sweep:\n  parameters:\n    baseModel.name: {values: [a, b, c]}\n'
      const made = [trained([0.5, 0.6]), trained([0.7, 0.8]), failed(value)].map((log, i) => ({
        parameters: { 'baseModel.name': `${i}${value}` },
        log,
      }))
      const { text: page } = sweepPage(await sweepReportOf(block, made, { name: value }))
      plain ??= tagsOf(page)
      assert.deepEqual(tagsOf(page), plain, value)
    }
  })
})

describe('axes', () => {
  const listed = { type: 'values', values: [] } as const

  it('put listed numbers in their order, each at a place', () => {
    const axis = axisOf(listed, [32, 8, 16, 8])
    assert.deepEqual(
      axis.ticks.map(({ at, text: said }) => [at, said]),
      [
        [0, '8'],
        [0.5, '16'],
        [1, '32'],
      ],
    )
    assert.equal(axis.at(64), undefined)
  })

  it('are logarithmic where a range is, and where many numbers are far apart', () => {
    const range = { type: 'logUniform', min: 1e-4, max: 1 } as const
    const axis = axisOf(range, [1e-4, 0.01, 1])
    assert.equal(axis.kind, 'log')
    assert.deepEqual([axis.at(1e-4), axis.at(0.01), axis.at(1)], [0, 0.5, 1])
    assert.deepEqual(
      axis.ticks.map(({ text: said }) => said),
      ['0.0001', '0.001', '0.01', '0.1', '1'],
    )
    const powers = Array.from({ length: 13 }, (_, i) => 2 ** i)
    assert.equal(axisOf(listed, powers).kind, 'log')
    assert.equal(axisOf({ type: 'uniform', min: 0, max: 1 }, [0.2, 0.4]).kind, 'linear')
  })

  it('have a place for what is not there, and for one value', () => {
    assert.deepEqual(
      axisOf({ type: 'uniform', min: 0, max: 1 }, [undefined, 0.5]).ticks.map(
        ({ text: said }) => said,
      ),
      ['–', '0.5'],
    )
    assert.equal(axisOf(listed, ['a']).at('a'), 0.5)
  })
})
