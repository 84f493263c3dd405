import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { Checked } from '../../src/pipeline/check.ts'
import { checkBest, checkMonitors, checkPlateau } from '../../src/pipeline/check-callbacks.ts'
import type { Optimizer, Pipeline, Training } from '../../src/pipeline/pipeline.ts'

const EARLY = { monitor: 'validation.loss', patience: 3, minDelta: 0, restoreBest: true }
const PLATEAU = { monitor: 'validation.loss', factor: 0.1, patience: 5, minLearningRate: 0 }
const COSINE = { name: 'CosineDecay', initialLearningRate: 0.1, decaySteps: 10 } as const
const SGD = { name: 'SGD', learningRate: 0.1, momentum: 0, nesterov: false } as const

/** What the checks say of a pipeline, as `severity path: message`. */
function saidOf(
  training: Partial<Training>,
  splits: readonly string[] = ['train', 'validation', 'test'],
  optimizer: Optimizer = SGD,
  written = true,
): string[] {
  const said: string[] = []
  const pipeline = {
    dataset: { splits: Object.fromEntries(splits.map((name) => [name, name])) },
    optimizer,
    training: { checkpoint: { every: ['epoch'] }, ...training },
  } as unknown as Pipeline
  const checked: Checked = {
    pipeline,
    model: undefined,
    known: undefined,
    classes: undefined,
    isWritten: () => written,
    report: (code, path, message, { severity = 'error' } = {}) =>
      void said.push(`${severity} ${code} ${path.join('.')}: ${message}`),
  }
  for (const check of [checkMonitors, checkBest, checkPlateau]) check(checked)
  return said
}

const keepBest = (monitor: string) => ({ checkpoint: { every: ['epoch'], keepBest: monitor } })

describe('checks of callbacks', () => {
  test('say nothing where all is well', () => {
    assert.deepEqual(saidOf({}), [])
    assert.deepEqual(saidOf({ earlyStopping: EARLY, reduceLROnPlateau: PLATEAU }), [])
    assert.deepEqual(saidOf({ earlyStopping: EARLY, ...keepBest('validation.loss') }), [])
    const stops = { ...EARLY, restoreBest: false }
    assert.deepEqual(saidOf({ earlyStopping: stops, ...keepBest('train.top5Accuracy') }), [])
    assert.deepEqual(saidOf({}, ['train'], { ...SGD, learningRate: COSINE }), [])
  })

  test('a split that is not there, also where it is the default', () => {
    const loss = { earlyStopping: EARLY }
    assert.deepEqual(saidOf(loss, ['train']), [
      'error WRONG_VALUE training.earlyStopping.monitor: there is no split "validation" to monitor (validation.loss)',
    ])
    assert.deepEqual(saidOf(loss, ['train'], SGD, false), [
      'error WRONG_VALUE training.earlyStopping: there is no split "validation" to monitor (validation.loss, its default)',
    ])
  })

  test('a figure that is none', () => {
    const plateau = { reduceLROnPlateau: { ...PLATEAU, monitor: 'validation.acuracy' } }
    assert.deepEqual(saidOf(plateau), [
      'error WRONG_VALUE training.reduceLROnPlateau.monitor: there is no figure "acuracy"',
    ])
    assert.deepEqual(saidOf(keepBest('validation.toString')), [
      'error WRONG_VALUE training.checkpoint.keepBest: there is no figure "toString"',
    ])
  })

  test('the test split is a warning', () => {
    assert.deepEqual(saidOf(keepBest('test.f1')), [
      'warning NOTE training.checkpoint.keepBest: test.f1: a model that is chosen by the test split looks better on it than it is',
    ])
  })

  test('two best epochs', () => {
    assert.deepEqual(saidOf({ earlyStopping: EARLY, ...keepBest('validation.accuracy') }), [
      'error CONFLICT training.earlyStopping.restoreBest: the best epoch is that of validation.accuracy by keepBest, and that of validation.loss by restoreBest',
    ])
  })

  test('reduceLROnPlateau on a schedule, of the file or of a phase', () => {
    const message =
      'error CONFLICT training.reduceLROnPlateau: reduceLROnPlateau cannot lower a learning rate that is a schedule (CosineDecay)'
    const scheduled = { ...SGD, learningRate: COSINE }
    assert.deepEqual(saidOf({ reduceLROnPlateau: PLATEAU }, undefined, scheduled), [message])
    const phases = [SGD, scheduled].map(
      (optimizer) => ({ epochs: 1, freeze: 'all', optimizer }) as const,
    )
    assert.deepEqual(saidOf({ reduceLROnPlateau: PLATEAU, phases }), [message])
  })
})
