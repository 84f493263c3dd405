import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import axe, { type AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { pictureKey } from '../../src/report/pictures.ts'
import type { RunReport } from '../../src/report/read.ts'
import { runPage } from '../../src/report/run-page.ts'
import { thumbnailOfPixels } from '../../src/report/thumbnail.ts'
import { needsChromium, openBrowser } from '../support/chromium.ts'
import { evaluationOf, fullReport, manyClasses, recordOf, reportOf } from './reports.ts'

const WIDE = { width: 1280, height: 900 }
const OPEN_ALL = "for (const one of document.querySelectorAll('details')) one.open = true"
const PHONE = { width: 360, height: 740 }

async function pages(): Promise<Readonly<Record<string, RunReport>>> {
  const picture = await thumbnailOfPixels(new Uint8Array(60 * 40 * 3).fill(90), {
    width: 60,
    height: 40,
    channels: 3,
  })
  const full = fullReport(picture)
  const long = 'a class with a name that nobody should ever have given it, and more'
  const record = recordOf({
    predicted: { pictures: 1, bad: 0 },
    metrics: {},
    epochs: [],
    classes: [],
  })
  const top = [{ label: 'tabby_'.repeat(20), index: 281, probability: 0.7 }]
  return {
    full,
    'of 30 classes': { ...full, evaluations: [manyClasses(30)] },
    'of 60 classes': { ...full, evaluations: [manyClasses(60), manyClasses(60, 'validation')] },
    'with long names': {
      ...full,
      evaluations: [evaluationOf([long, `${long}${long}`, 'x'.repeat(90)])],
      scored: full.scored!.map((one) => ({
        ...one,
        label: 'y'.repeat(80),
        image: 'z'.repeat(200),
      })),
      record: recordOf({ name: 'n'.repeat(80) }),
      resolved: `name: ${'n'.repeat(300)}\nbaseModel: { tfjs: ${'m'.repeat(120)} }\n`,
    },
    'of a failed run': reportOf({
      record: recordOf({ status: 'failed', metrics: {} }),
      evaluations: [],
    }),
    'of predictions': reportOf({
      record,
      evaluations: [],
      named: [{ image: 'a.jpg', top }],
      thumbnails: new Map([[pictureKey({ split: '', image: 'a.jpg' }), picture]]),
    }),
  }
}

describe(
  'pages in a browser',
  needsChromium('the pages of reports in a browser, with axe-core'),
  () => {
    let browser: Browser
    let made: Readonly<Record<string, RunReport>>
    before(async () => {
      browser = await openBrowser()
      made = await pages()
    })
    after(() => browser.close())

    async function open(
      name: string,
      options: Parameters<Browser['newPage']>[0] = { viewport: WIDE },
    ): Promise<Page> {
      const page = await browser.newPage(options)
      await page.setContent(runPage(made[name]!).text)
      return page
    }

    for (const [colorScheme, viewport] of [
      ['light', PHONE],
      ['dark', WIDE],
    ] as const) {
      it(`have nothing that axe-core finds, in ${colorScheme} at ${viewport.width} pixels`, async () => {
        for (const name of Object.keys(made)) {
          const page = await open(name, { viewport, colorScheme })
          await page.evaluate(OPEN_ALL)
          await page.evaluate(axe.source)
          const { violations } = (await page.evaluate('axe.run()')) as AxeResults
          const told = violations.map(
            ({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0]?.html}`,
          )
          assert.deepEqual(told, [], name)
          await page.close()
        }
      })
    }

    it('fit a phone: tables and wide drawings scroll by themselves', async () => {
      for (const name of Object.keys(made)) {
        const page = await open(name, { viewport: PHONE })
        await page.evaluate(OPEN_ALL)
        const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        assert.equal(over, 0, `${name} is wider than the screen`)
        await page.close()
      }
    })

    it('work by keyboard: first a way past the contents, then what can be chosen and opened', async () => {
      const page = await open('full')
      await page.keyboard.press('Tab')
      const focused = await page.evaluate(
        '[document.activeElement.textContent, document.activeElement.getBoundingClientRect().left >= 0]',
      )
      assert.deepEqual(focused, ['To the content', true])
      await page.keyboard.press('Enter')
      assert.equal(await page.evaluate('document.activeElement.id'), 'content')
      await page.focus('input[value=pictures]')
      const visible = 'by => getComputedStyle(document.querySelector(by)).display !== "none"'
      const shown = () => page.evaluate(`['.by-pictures', '.by-share'].map(${visible})`)
      assert.deepEqual(await shown(), [true, false])
      await page.keyboard.press('ArrowRight')
      assert.deepEqual(await shown(), [false, true])
      await page.focus('#curves summary')
      await page.keyboard.press('Enter')
      assert.equal(await page.evaluate("document.querySelector('#curves details').open"), true)
      await page.close()
    })

    it('need no script and ask for nothing', async () => {
      const page = await open('full', { javaScriptEnabled: false })
      const asked: string[] = []
      page.on('request', (request) => asked.push(request.url()))
      await page.setContent(runPage(made['full']!).text)
      assert.deepEqual(
        asked.filter((url) => !url.startsWith('data:')),
        [],
      )
      await page.close()
    })

    it('are printed in black on white, with the configuration and without the contents', async () => {
      const page = await open('full', { viewport: WIDE, colorScheme: 'dark' })
      await page.emulateMedia({ media: 'print' })
      const shown = await page.evaluate(`[
      getComputedStyle(document.body).color,
      getComputedStyle(document.querySelector('nav')).display,
      document.querySelector('#configuration pre').getBoundingClientRect().height > 20,
      document.querySelector('#curves details').getBoundingClientRect().height,
    ]`)
      assert.deepEqual(shown, ['rgb(27, 30, 35)', 'none', true, 0])
      const pdf = await page.pdf({ format: 'A4' })
      assert.equal(pdf.subarray(0, 5).toString(), '%PDF-')
      await page.close()
    })

    it('show the pictures that they have', async () => {
      const page = await open('full')
      const sizes = await page.evaluate(
        '[...document.images].map(({ naturalWidth }) => naturalWidth)',
      )
      assert.deepEqual(new Set(sizes as number[]), new Set([60]))
      const shot = await page.screenshot()
      const { width } = await sharp(shot).metadata()
      assert.equal(width, WIDE.width)
      await page.close()
    })
  },
)
