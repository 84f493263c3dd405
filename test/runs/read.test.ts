import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ownerText, self } from '../../src/graph/owner.ts'
import { newRunId } from '../../src/runs/layout.ts'
import { findRun, readRuns, runsRoot } from '../../src/runs/read.ts'
import type { RunRecord } from '../../src/runs/record.ts'
import { summaryMarkdown } from '../../src/runs/summary.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'

let root: string
before(() => {
  root = mkdtempSync(join(tmpdir(), 'graft-runs-'))
  save('fruits', '20261124-101500-aaaaaa', { accuracy: 0.9, loss: 0.4 })
  save('fruits', '20261124-111500-abbbbb', { accuracy: 0.95, loss: 0.5 })
  save('cats', '20261124-121500-cccccc', { accuracy: 0.8, loss: 0.3 })
  mkdirSync(join(root, 'cats', 'no-run'))
  writeFileSync(join(root, 'stray.txt'), '')
})
after(() => rmSync(root, { recursive: true }))

function save(name: string, id: string, figures: Record<string, number>, status = 'done') {
  const folder = join(root, name, id)
  mkdirSync(folder, { recursive: true })
  const started = `2026-11-24T${id.slice(9, 11)}:15:00Z`
  const record = {
    format: 1,
    name,
    id,
    status,
    started,
    seed: 8,
    engine: null,
    stages: [],
    epochs: [],
    metrics: { validation: figures },
    pictures: { validation: 10 },
    classes: ['a', 'b'],
    parameters: { total: 3, trainable: 2 },
  }
  writeFileSync(join(folder, 'run.json'), JSON.stringify(record))
}

const idOf = (reference: string) => findRun(reference, root, root).record.id
const problem = (reference: string): string => {
  try {
    findRun(reference, root, root)
  } catch (error) {
    assert.ok(error instanceof PipelineError)
    const [{ code, message, hint } = { code: '', message: '', hint: '' }] = error.diagnostics
    return `${code} ${message}; ${hint ?? ''}`
  }
  return assert.fail('found')
}

test('runs are read oldest first; what is no run is left aside', () => {
  assert.deepEqual(
    readRuns(root).map((run) => run.record.id.slice(-6)),
    ['aaaaaa', 'abbbbb', 'cccccc'],
  )
  assert.deepEqual(readRuns(join(root, 'nothing')), [])
})

test('a run is named by id, prefix, place, best figure or folder', () => {
  assert.equal(idOf('20261124-101500-aaaaaa'), '20261124-101500-aaaaaa')
  assert.equal(idOf('20261124-11'), '20261124-111500-abbbbb')
  assert.equal(idOf('cc'), '20261124-121500-cccccc')
  assert.equal(idOf('@latest'), '20261124-121500-cccccc')
  assert.equal(idOf('fruits@latest'), '20261124-111500-abbbbb')
  assert.equal(idOf('@-1'), '20261124-111500-abbbbb')
  assert.equal(idOf('fruits@-1'), '20261124-101500-aaaaaa')
  assert.equal(idOf('@best:validation.accuracy'), '20261124-111500-abbbbb')
  assert.equal(idOf('@best:validation.loss'), '20261124-121500-cccccc')
  assert.equal(idOf('@best:accuracy'), '20261124-111500-abbbbb')
  assert.equal(idOf('fruits@best:loss'), '20261124-101500-aaaaaa')
  assert.equal(idOf(join('fruits', '20261124-101500-aaaaaa')), '20261124-101500-aaaaaa')
})

test('what names no run, or several, says what there is', () => {
  assert.match(problem('zzz'), /^UNKNOWN_RUN no run zzz; .*names here: fruits, cats$/)
  assert.match(problem('a'), /^UNKNOWN_RUN a means 2 runs; write more of the id: /)
  assert.match(problem('@best:test.accuracy'), /no run has the metric test\.accuracy/)
  assert.match(problem('@newest'), /not a way to name a run/)
  assert.match(problem('@-7'), /there are only 3 runs/)
  assert.match(problem('dogs@latest'), /no run dogs@latest/)
})

test('a run that says it is running and whose process is gone was interrupted', () => {
  save('gone', '20261124-131500-dddddd', {}, 'running')
  const folder = join(root, 'gone', '20261124-131500-dddddd')
  assert.equal(findRun(folder, root, root).record.status, 'interrupted')
  writeFileSync(join(folder, 'running.json'), JSON.stringify({ process: ownerText(self()) }))
  assert.equal(findRun(folder, root, root).record.status, 'running')
  rmSync(join(root, 'gone'), { recursive: true })
})

test('where runs are: the flag, the variable, ./runs', () => {
  assert.equal(runsRoot('r', { GRAFT_RUNS: '/v' }, '/w'), '/w/r')
  assert.equal(runsRoot(undefined, { GRAFT_RUNS: '/v' }, '/w'), '/v')
  assert.equal(runsRoot(undefined, {}, '/w'), '/w/runs')
})

test('an id is time and digest', () => {
  const id = newRunId(new Date('2026-11-24T10:15:00.123Z'), `sha256:8f2c1a${'0'.repeat(58)}`)
  assert.equal(id, '20261124-101500-8f2c1a')
})

test('the summary has a table of metrics, of epochs and of stages', () => {
  const record = {
    ...findRun('cc', root, root).record,
    epochs: [{ epoch: 1, phase: 1, train: { loss: 0.5, accuracy: 0.75 }, seconds: 1 }],
    stages: [{ id: 'train', kind: 'train', cached: false, seconds: 2, bytes: 1 }],
  } as unknown as RunRecord
  const text = summaryMarkdown(record)
  assert.match(text, /^# cats\n/)
  assert.match(text, /\| accuracy \| 0\.8000 \|/)
  assert.match(text, /\| 1 \| 0\.5000 \| 0\.7500 \| {2}\| {2}\|/)
  assert.match(text, /\| train \| 2\.0 s \|/)
})
