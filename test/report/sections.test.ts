import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findings } from '../../src/report/findings.ts'
import { figureText, percentText } from '../../src/report/figures.ts'
import { markup } from '../../src/report/html.ts'
import { pictureKey } from '../../src/report/pictures.ts'
import type { RunReport } from '../../src/report/read.ts'
import { runPage } from '../../src/report/run-page.ts'
import type { Scored } from '../../src/report/scored.ts'
import { augmentation } from '../../src/report/sections/augmentation.ts'
import { calibration } from '../../src/report/sections/calibration.ts'
import { classes } from '../../src/report/sections/classes.ts'
import { configuration } from '../../src/report/sections/configuration.ts'
import { confusion } from '../../src/report/sections/confusion.ts'
import { cost } from '../../src/report/sections/cost.ts'
import { environment } from '../../src/report/sections/environment.ts'
import { metrics } from '../../src/report/sections/metrics.ts'
import { mistakes } from '../../src/report/sections/mistakes.ts'
import { named } from '../../src/report/sections/named.ts'
import { training } from '../../src/report/sections/training.ts'
import { result } from '../../src/report/sections/verdict.ts'
import type { Section } from '../../src/report/page.ts'
import {
  evaluationOf,
  FROZEN,
  HOSTILE,
  manyClasses,
  PHASES,
  recordOf,
  reportOf,
  scoredOf,
  seen,
} from './reports.ts'

/** What a reader sees of a section. */
function text(section: Section | undefined): string {
  assert.ok(section)
  return seen(section.body.text)
}

const PICTURE = { uri: 'data:image/jpeg;base64,AAAA', width: 40, height: 30 }

describe('metrics', () => {
  it('have a column a split, the first one that counts most, with intervals', () => {
    const record = recordOf({
      metrics: { test: { accuracy: 0.727273 }, validation: { loss: 0.7 } },
    })
    const shown = text(metrics(reportOf({ record })))
    assert.ok(shown.includes('metric test validation Accuracy 72.7 % – Loss – 0.7000'), shown)
    assert.ok(shown.includes('Accuracy, 95 % interval 43.4 – 90.3 % – Pictures 11 10'), shown)
  })
})

describe('the confusion matrix', () => {
  it('is drawn in pictures and in shares, with its figures and its pairs', () => {
    const { text: page } = confusion(reportOf())!.body
    const shown = seen(page)
    assert.equal(page.match(/<svg/g)?.length, 2)
    assert.ok(shown.includes('is blue green red blue 3 0 1 green 1 2 1 red 0 0 3'), shown)
    assert.ok(shown.includes('The 3 pairs that are confused most'))
    assert.ok(
      page.includes(
        'aria-label="Confusion matrix of test in pictures: 8 of 11 pictures on the diagonal. Most often taken for another: blue for red, 1; green for blue, 1; green for red, 1."',
      ),
    )
    const numbers = [...page.matchAll(/<text[^>]*-text\)[^>]*>([^<]*)</g)].map((match) => match[1])
    assert.deepEqual(numbers, ['3', '1', '1', '2', '1', '3', '75', '25', '25', '50', '25', '100'])
  })

  it('tells each cell by name, as text whatever the name is', () => {
    assert.match(
      confusion(reportOf())!.body.text,
      /<title>green taken for blue: 1 of 4 pictures, 25\.0&#160;%<\/title>/,
    )
    for (const name of HOSTILE) {
      const { text: page } = confusion(
        reportOf({ evaluations: [evaluationOf([name, 'b', 'c'])] }),
      )!.body
      const plain = confusion(reportOf())!.body.text
      assert.equal(page.match(/<[a-z]/g)?.length, plain.match(/<[a-z]/g)?.length)
    }
  })

  it('of more than 40 classes is the pairs and a drawing without names', () => {
    const whole = confusion(reportOf({ evaluations: [manyClasses(40)] }))!.body.text
    assert.ok(whole.includes('type="radio"') && !whole.includes('overview"'))
    const { text: page } = confusion(reportOf({ evaluations: [manyClasses(41)] }))!.body
    assert.ok(!page.includes('type="radio"') && page.includes('class="chart overview"'))
    assert.ok(seen(page).includes('class 0 class 1 3 of 4 75.0 %'))
    assert.equal(page.match(/M\d+ \d+h1v1h-1z/g)?.length, 42)
  })

  it('of a second split is behind a summary', () => {
    const evaluations = [evaluationOf(), evaluationOf(undefined, 'validation')]
    const { text: page } = confusion(reportOf({ evaluations }))!.body
    assert.match(page, /<summary>The same of validation<\/summary>/)
    assert.equal(new Set(page.match(/ name="[^"]*"/g)).size, 2)
  })
})

describe('class by class', () => {
  it('has the weakest first', () => {
    const shown = text(classes(reportOf()))
    assert.ok(
      shown.includes('class F1 precision recall pictures green 0.6667 1.0000 0.5000 4'),
      shown,
    )
    assert.ok(!shown.includes('AUC'))
  })

  it('of many is the weakest, and the rest behind a summary', () => {
    const shown = text(classes(reportOf({ evaluations: [manyClasses(60)] })))
    assert.ok(shown.includes('class 0 0.4000 1.0000 0.2500 0.9000 4 class 1 0.7273 0.5714'), shown)
    assert.ok(shown.includes('36 more, all of them better'))
  })
})

describe('the worst mistakes', () => {
  const scored = scoredOf()

  it('are pictures, the most costly first, with what the model said and what is', () => {
    const thumbnails = new Map([[pictureKey(scored[3]!), PICTURE]])
    const { text: page } = mistakes(reportOf({ scored, thumbnails }))!.body
    const shown = seen(page)
    assert.ok(
      shown.startsWith(
        '3 test pictures were named wrong, the most costly first. named red 97.0 % is blue 1.0 % 3.png',
      ),
      shown,
    )
    assert.ok(
      page.includes('<img src="data:image/jpeg;base64,AAAA" width="40" height="30" alt="">'),
    )
    assert.ok(shown.includes('no picture named blue 60.0 % is green 30.0 % 6.png'), shown)
    assert.ok(!shown.includes('names alone'))
  })

  it('are names alone where no picture is left, and say so', () => {
    assert.ok(text(mistakes(reportOf({ scored }))).includes('so there are names alone'))
  })

  it('say why they are not known', () => {
    assert.ok(text(mistakes(reportOf())).includes('the run has no predictions.jsonl'))
    assert.equal(mistakes(reportOf({ evaluations: [], scored })), undefined)
  })

  it('are what was the least sure where nothing was wrong', () => {
    const right = scored.filter(({ label, predicted }) => label === predicted)
    const section = mistakes(reportOf({ scored: right }))
    assert.equal(section?.title, 'Least sure')
    assert.ok(text(section).includes('is blue 55.0 % 0.png'))
  })

  it('of many are all told by name', () => {
    const many = Array.from({ length: 400 }, (_, i): Scored => {
      return {
        split: 'test',
        image: `${i}.png`,
        label: 'blue',
        predicted: 'red',
        probability: 0.9,
        loss: 400 - i,
      }
    })
    const shown = text(mistakes(reportOf({ scored: many })))
    assert.ok(shown.includes('24 of the 400 test pictures that were named wrong'))
    assert.ok(shown.includes('The first 300 of 400 mistakes by name'))
    assert.ok(shown.includes('299.png') && !shown.includes('300.png'))
  })
})

describe('calibration on the page', () => {
  it('has the diagram, the counts and their figures', () => {
    const { text: page } = calibration(reportOf({ scored: scoredOf() }))!.body
    assert.equal(page.match(/<svg/g)?.length, 2)
    const shown = seen(page)
    assert.ok(shown.includes('(15 bins, 11 test pictures)'), shown)
    assert.ok(shown.includes('53.3 % – 60.0 % 50.0 % 57.5 % 2'), shown)
    assert.match(page, /aria-label="Reliability diagram, expected calibration error \d/)
  })

  it('is not there without predictions', () => {
    assert.equal(calibration(reportOf()), undefined)
  })
})

describe('what was trained', () => {
  it('is told in the words of `show`, with a stripe and every layer', () => {
    const report = reportOf({
      record: recordOf({ phases: PHASES }),
      frozen: FROZEN,
    })
    const { text: page } = training(report)!.body
    const shown = seen(page)
    assert.ok(shown.includes('train: epochs 1 to 3'), shown)
    assert.ok(
      shown.includes(
        "{first: 2}: 2 of 3 layers frozen; 40 of the trunk's 100 parameters train, in 2 tensors",
      ),
      shown,
    )
    assert.ok(shown.includes('All 3 layers'))
    assert.ok(shown.includes('bn frozen 40 inference dense head trained 12'), shown)
    assert.ok(
      page.includes(
        '<i class="cold" style="flex-grow:2"></i><i class="warm" style="flex-grow:1"></i>',
      ),
    )
  })

  it('needs no freeze.json', () => {
    const shown = text(training(reportOf({ record: recordOf({ phases: PHASES }) })))
    assert.ok(shown.includes('2 of 3 layers') && !shown.includes('All 3 layers'))
    assert.equal(training(reportOf()), undefined)
  })
})

describe('the other sections', () => {
  it('show the sheet of augmented pictures', () => {
    const { text: page } = augmentation(reportOf({ sheet: PICTURE }))!.body
    assert.match(
      page,
      /<img class="sheet" src="data:image\/jpeg;base64,AAAA" width="40" height="30" alt="Training/,
    )
    assert.equal(augmentation(reportOf()), undefined)
  })

  it('tell what each stage cost', () => {
    const { text: page } = cost(reportOf())!.body
    const shown = seen(page)
    assert.ok(shown.includes('13 s in all. 1 of 2 stages were in the store already.'), shown)
    assert.ok(shown.includes('index cached 2.0 kB train 3.2 s 31.0 kB'), shown)
    assert.ok(page.includes('width:100%') && page.includes('width:0%'))
  })

  it('have the resolved pipeline line by line', () => {
    const { text: page } = configuration(reportOf())!.body
    assert.ok(page.includes('<code><b>name:</b> little\n<b>head:</b>\n  - Flatten\n</code>'), page)
  })

  it('tell the environment', () => {
    const record = recordOf({
      environment: { graft: '0.1.0', git: { commit: 'a'.repeat(40), dirty: true }, other: [1] },
    })
    const shown = text(environment(reportOf({ record })))
    assert.ok(
      shown.startsWith(
        'Graft 0.1.0 Engine wasm 4.22.0 Device cpu Threads 2 Precision float32 Commit aaaaaaaaaaaa , with changes',
      ),
      shown,
    )
    assert.ok(shown.includes('other [1]'))
  })
})

describe('what stands out', () => {
  const told = (report: RunReport) =>
    findings(report).map(({ text: said }) => seen(markup`${said}`.text))

  it('is the best epoch, a gap, the weakest class, the worst pair, and sure mistakes', () => {
    assert.deepEqual(told(reportOf({ scored: scoredOf(), evaluations: [manyClasses(5)] })), [
      'The validation loss was lowest after epoch 2 of 3.',
      'In the last epoch 90.0 % of the training pictures were named right and 70.0 % of the validation pictures: a gap of 20.0 points.',
      'The weakest class is class 0 : 1 of 4 found, and 100 % of what is named so is right.',
      'Most often class 0 is taken for class 1 : 3 of 4 times.',
      'One mistake was made with a probability above 90 %.',
    ])
  })

  it('says where more epochs may help', () => {
    const epochs = recordOf().epochs.slice(0, 2)
    assert.deepEqual(told(reportOf({ record: recordOf({ epochs }), evaluations: [] })), [
      'The validation loss was still falling in the last epoch, the 2nd.',
    ])
  })

  it('is nothing where nothing is known', () => {
    assert.deepEqual(told(reportOf({ record: recordOf({ epochs: [] }), evaluations: [] })), [])
  })
})

describe('a run without training', () => {
  const record = recordOf({
    predicted: { pictures: 2, bad: 1 },
    metrics: {},
    epochs: [],
    classes: [],
    pictures: {},
  })
  const predictions = [
    {
      image: 'photos/cat.jpg',
      top: [
        { label: 'tabby', index: 281, probability: 0.71 },
        { label: 'tiger cat', index: 282, probability: 0.2 },
      ],
    },
    { image: 'photos/dog.jpg', top: [{ label: 'beagle', index: 162, probability: 0.4 }] },
  ]
  const bare = { record, evaluations: [] }

  it('has its pictures with the most probable classes', () => {
    const thumbnails = new Map([[pictureKey({ split: '', image: 'photos/cat.jpg' }), PICTURE]])
    const page = runPage(reportOf({ ...bare, named: predictions, thumbnails })).text
    const shown = seen(page)
    assert.ok(shown.includes('2 pictures named 1 other could not be read'), shown)
    assert.ok(
      shown.includes('tabby 71.0 % tiger cat 20.0 % cat.jpg no picture beagle 40.0 % dog.jpg'),
      shown,
    )
    assert.equal(page.match(/<img/g)?.length, 1)
  })

  it('says that pictures or predictions are gone', () => {
    assert.ok(
      text(named(reportOf({ ...bare, named: predictions }))).includes('so there are names alone'),
    )
    assert.ok(text(named(reportOf(bare))).includes('no predictions.jsonl'))
  })
})

it('says what came out of a run whose confusion has no pictures', () => {
  const confusion = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ]
  const evaluations = [{ ...evaluationOf(), confusion }]
  assert.equal(result(reportOf({ evaluations })).big, '–')
})

it('writes the loss of a training that went wild, and one of nearly nothing', () => {
  const shown = [5.5676e31, 123.4567, 0.00001, 0].map((value) => figureText('loss', value))
  assert.deepEqual(shown, ['5.57e+31', '123.4567', '1.00e-5', '0.0000'])
})

it('never rounds a mistake away', () => {
  assert.equal(percentText(0.99999), '99.9\u00a0%')
  assert.equal(percentText(0.00001), '0.1\u00a0%')
  assert.deepEqual(
    [percentText(0), percentText(1), percentText(0.5, 0)],
    ['0\u00a0%', '100\u00a0%', '50\u00a0%'],
  )
})
