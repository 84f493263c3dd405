import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runPage } from '../../src/report/run-page.ts'
import { evaluationOf, HOSTILE, recordOf, reportOf, seen } from './reports.ts'

describe('the page of a run', () => {
  it('says first what came out of it and how to repeat it', () => {
    const page = seen(runPage(reportOf()).text)
    assert.ok(page.includes('little done 20261124-101500-8f2c1a 24 Nov 2026, 10:15 UTC'))
    assert.ok(page.includes('72.7 % 8 of 11 test pictures named right'))
    // scipy 1.16: binomtest(8, 11).proportion_ci(method='wilson') = 0.434, 0.903
    assert.ok(
      page.includes('95 % interval 43.4 % to 90.3 %; always saying blue would be right on 36.4 %'),
    )
    assert.ok(page.includes('pipeline run runs/little/20261124-101500-8f2c1a/resolved.yaml'))
  })

  it('has no script and fetches nothing', () => {
    const { text } = runPage(reportOf())
    assert.doesNotMatch(text, /<script|<link|<iframe|javascript:|\son\w+=|@import|url\(/i)
    assert.doesNotMatch(text, /(?:src|href)="(?!#|data:image\/)/)
  })

  it('is the same whenever it is made', () => {
    assert.equal(runPage(reportOf()).text, runPage(reportOf()).text)
  })

  it('says of a failed run how far it came', () => {
    const record = recordOf({ status: 'failed', metrics: {}, pictures: {}, classes: [] })
    const page = seen(runPage(reportOf({ record, evaluations: [] })).text)
    assert.ok(page.includes('little failed'))
    assert.ok(page.includes('Failed after the stage train; the same command goes on from there'))
    assert.ok(page.includes('epoch 3, validation: accuracy 70.0 %, loss 0.7500'))
    assert.ok(!page.includes('Metrics'))
  })

  it('says of a run that came to nothing that it did', () => {
    const record = recordOf({ status: 'failed', metrics: {}, epochs: [], stages: [], engine: null })
    const page = seen(runPage(reportOf({ record, evaluations: [], resolved: undefined })).text)
    assert.ok(page.includes('Failed before any stage was done'))
    assert.ok(!page.includes('Repeat it') && !page.includes('Learning'))
  })

  it('marks phases and the best epoch, and has the curves as figures', () => {
    const { text } = runPage(reportOf())
    assert.match(text, /phase 2/)
    const page = seen(text)
    assert.ok(page.includes('best on validation after epoch 2: 80.0 %'))
    assert.ok(
      page.includes('Accuracy by epoch epoch train validation 1 50.0 % 60.0 % 2 70.0 % 80.0 %'),
    )
    assert.ok(
      text.includes(
        'aria-label="Loss by epoch: train from 1.1000 to 0.4000, validation from 0.9000 to 0.7000',
      ) === false,
    )
    assert.ok(
      text.includes(
        'aria-label="Loss by epoch: train from 1.1000 to 0.4000, validation from 0.9000 to 0.7500; best on validation after epoch 2, 0.7000."',
      ),
    )
  })

  it('tells warnings with what helps, before everything else', () => {
    const warnings = [
      { code: 'SPLIT_LEAK', message: '2 pictures are in two splits', hint: 'look' },
    ] as const
    const page = seen(runPage(reportOf({ record: recordOf({ warnings }) })).text)
    assert.ok(page.includes('Warning SPLIT_LEAK 2 pictures are in two splits look What stands out'))
  })

  it('tells what a failed run failed with, before all', () => {
    const problems = [
      { code: 'NOT_FINITE', message: 'the loss is NaN', hint: 'lower the rate' },
    ] as const
    const record = recordOf({ status: 'failed', metrics: {}, problems })
    const page = seen(runPage(reportOf({ record, evaluations: [] })).text)
    assert.ok(
      page.includes('What went wrong NOT_FINITE the loss is NaN lower the rate What stands out'),
    )
  })

  it('has tags and the note', () => {
    const page = seen(runPage(reportOf({ tags: ['good', 'paper'], note: 'The best so far.' })).text)
    assert.ok(page.includes('seed 8 good paper 72.7 %'), page)
    assert.ok(page.includes('would be right on 36.4 % The best so far.'))
  })

  it('escapes every name that a person can give', () => {
    for (const name of HOSTILE) {
      const record = recordOf({
        name,
        classes: [name, 'b', 'c'],
        warnings: [{ code: 'NOTE', message: name, hint: name }],
        environment: { git: { commit: name, dirty: true }, [name]: name },
      })
      const evaluations = [evaluationOf([name, 'b', 'c'])]
      const { text } = runPage(
        reportOf({
          record,
          evaluations,
          resolved: `name: ${name}`,
          place: name,
          tags: [name],
          note: name,
        }),
      )
      const { text: plain } = runPage(
        reportOf({
          tags: ['a'],
          note: 'b',
          record: recordOf({
            warnings: [{ code: 'NOTE', message: 'm', hint: 'h' }],
            environment: { git: { commit: 'c', dirty: true }, other: 'o' },
          }),
        }),
      )
      assert.deepEqual(tags(text), tags(plain))
    }
  })
})

/** How often each tag stands on the page: text adds none, whatever it is. */
function tags(page: string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [, tag] of page.matchAll(/<([a-z!/][^\s>]*)/gi)) counts[tag!] = (counts[tag!] ?? 0) + 1
  for (const tag of ['b', '/b']) delete counts[tag]
  return counts
}
