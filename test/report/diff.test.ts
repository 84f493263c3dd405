import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answers } from '../../src/report/diff/answers.ts'
import { curves } from '../../src/report/diff/curves.ts'
import { data } from '../../src/report/diff/data.ts'
import { environment } from '../../src/report/diff/environment.ts'
import { flips } from '../../src/report/diff/flips.ts'
import { keys } from '../../src/report/diff/keys.ts'
import { metrics } from '../../src/report/diff/metrics.ts'
import { diffPage } from '../../src/report/diff/page.ts'
import { stages } from '../../src/report/diff/stages.ts'
import type { Section } from '../../src/report/page.ts'
import { answer, picture } from '../support/made-run.ts'
import { answersOf, diffReportOf, INDEX, tagsOf, twoRuns } from './comparisons.ts'
import { HOSTILE, seen } from './reports.ts'

const PICTURE = { uri: 'data:image/jpeg;base64,AAAA', width: 40, height: 30 }
const text = (section: Section | undefined) => seen(section!.body.text)

describe('the page of two runs', () => {
  const report = diffReportOf(...twoRuns(), PICTURE)

  it('says the verdict first, in the words of `diff`', () => {
    const page = seen(diffPage(report).text)
    const at = page.indexOf(report.diff.verdict)
    assert.match(
      report.diff.verdict,
      /^B is better, beyond noise: accuracy on test 0.5000 -> 0.9000 \(\+0.4000; /,
    )
    assert.ok(at > 0 && at < page.indexOf('Metrics', at), page)
    assert.ok(page.includes('A made 20261124-100000-aaaaa0 B made 20261124-100001-aaaaa1'), page)
  })

  it('says it loudly where the test pictures are not the same', () => {
    const [a, b] = twoRuns()
    const other = { ...b, index: INDEX.with(3, picture('test/other.png', 'cat')) }
    const { text: page } = diffPage(diffReportOf(a, other))
    assert.match(page, /<p class="judgement loud">DIFFERENT TEST DATA/)
    assert.doesNotMatch(diffPage(report).text, /judgement loud/)
  })

  it('has each metric with its direction, and its noise where pictures are the same', () => {
    const [a, b] = twoRuns()
    const shown = text(metrics(diffReportOf(a, { ...b, index: INDEX })))
    // scipy.stats.binomtest(1, 9).pvalue = 0.0390625
    assert.ok(
      shown.includes(
        'Accuracy test 50.0\u00a0% 90.0\u00a0% +40.0 points B beyond (p 0.039)'.replaceAll(
          '\u00a0',
          ' ',
        ),
      ),
      shown,
    )
    assert.ok(shown.includes('Loss test 0.5000 0.1000 −0.4000 B'), shown)
  })

  it('has the keys that differ, with their lines', () => {
    const shown = text(keys(report))
    assert.ok(
      shown.endsWith('optimizer.learningRate 0.1 resolved.yaml:4 0.01 resolved.yaml:4'),
      shown,
    )
    assert.equal(text(keys(diffReportOf(twoRuns()[0], twoRuns()[0]))), 'No key differs.')
  })

  it('counts answers, also by class', () => {
    const shown = text(answers(report))
    assert.ok(shown.includes('test 20 9 2 1 8 0'), shown)
    assert.ok(shown.includes('dog 1 4 cat 0 4'), shown)
  })

  it('shows what flipped with both answers, the most certain of B first', () => {
    const { text: page } = flips(report)!.body
    const shown = seen(page)
    assert.equal(page.match(/<img /g)?.length, 9)
    assert.ok(
      shown.includes(
        'Right to wrong 1 picture, the most certain answer of B first. is dog A ✓ dog 70.0 % B ✗ cat 90.0 % dog 10.0 % 0.png',
      ),
      shown,
    )
    assert.ok(shown.includes('Wrong to right 8 pictures'))
    assert.match(page, /role="img" aria-label="wrong">✗/)
    assert.ok(!shown.includes('names alone'))
    assert.ok(text(flips(diffReportOf(...twoRuns()))).includes('so there are names alone'))
  })

  it('lists flips that are more than anybody looks at', () => {
    const many = Array.from({ length: 40 }, (_, i) => picture(`${i}.png`, 'cat'))
    const named = (cat: number) => many.map(({ path }) => answer(path, 'cat', cat))
    const [a, b] = [0.2, 0.8].map((cat) => ({ index: many, predictions: named(cat) }))
    const { text: page } = flips(diffReportOf(a!, b!, PICTURE))!.body
    assert.equal(page.match(/<img /g)?.length, 24)
    assert.ok(seen(page).includes('40 pictures, 24 of them here'))
    assert.ok(seen(page).includes('All 40 pictures by name'))
  })

  it('draws both curves in one drawing', () => {
    const { text: page } = curves(report)!.body
    assert.match(
      page,
      /aria-label="Accuracy by epoch: A train from 25.0.% to 50.0.%, A validation from 25.0.% to 50.0.%, B train from 45.0.% to 90.0.%,/,
    )
    assert.ok(page.includes('stroke="var(--side-a)"') && page.includes('stroke="var(--side-b)"'))
    assert.ok(
      seen(page).includes('best on validation: A 50.0 % after epoch 2, B 90.0 % after epoch 2'),
    )
  })

  it('has data, stages and machine', () => {
    const pictures = text(data(report))
    assert.ok(
      pictures.includes('1 added Pictures added picture class split test/new.png cat train'),
      pictures,
    )
    assert.ok(
      text(stages(report)).includes('train its fingerprint differs 1 stage is the same: weights.'),
    )
    assert.ok(text(environment(report)).includes('node 20 22'))
    const same = diffReportOf(twoRuns()[0], twoRuns()[0])
    assert.ok(text(data(same)).startsWith('The same pictures with the same labels'))
    assert.ok(text(environment(same)).includes('are the same'))
  })

  it('says what is not known', () => {
    const page = seen(diffPage(diffReportOf({}, { predictions: answersOf(3) })).text)
    assert.ok(
      page.includes('A without predictions.jsonl: which pictures flipped is not known'),
      page,
    )
  })

  it('has no script, whatever things are called', () => {
    let plain: Record<string, number> | undefined
    for (const name of ['x', ...HOSTILE]) {
      const [a, b] = twoRuns('made', name)
      const label = (made: typeof a) => ({
        ...made,
        record: {
          ...made.record,
          name,
          environment: { [name]: made.record!.metrics!['test']!['loss']! },
        },
        config: { ...made.config, [name]: made.record!.metrics!['test']!['loss'] },
        predictions: made.predictions!.map((one) => ({
          ...one,
          label: name,
          image: name + one.image,
        })),
      })
      plain ??= tagsOf(diffPage(diffReportOf(label(a), label(b))).text)
      assert.deepEqual(tagsOf(diffPage(diffReportOf(label(a), label(b))).text), plain, name)
    }
  })
})
