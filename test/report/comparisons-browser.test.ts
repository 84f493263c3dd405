import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import axe, { type AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { diffPage } from '../../src/report/diff/page.ts'
import type { Html } from '../../src/report/html.ts'
import { sweepPage } from '../../src/report/sweep/page.ts'
import { thumbnailOfPixels } from '../../src/report/thumbnail.ts'
import { needsChromium, openBrowser } from '../support/chromium.ts'
import { diffReportOf, twoRuns } from './comparisons.ts'
import { littleSweep, sweepReportOf, trained } from './sweeps.ts'

const WIDE = { width: 1280, height: 900 }
const PHONE = { width: 360, height: 740 }
const OPEN_ALL = "for (const one of document.querySelectorAll('details')) one.open = true"

async function pages(): Promise<Readonly<Record<string, Html>>> {
  const pixels = new Uint8Array(60 * 40 * 3).fill(90)
  const picture = await thumbnailOfPixels(pixels, { width: 60, height: 40, channels: 3 })
  const long = 'a-name-that-nobody-should-ever-have-given-to-anything-at-all'
  const [a, b] = twoRuns(long, `${long}/${long}/${long}.png`)
  const values = Array.from({ length: 9 }, (_, i) => `${long}${i}`)
  const wide = await sweepReportOf(
    `sweep:\n  parameters:\n    baseModel.name: {values: [${values.join(', ')}]}\n`,
    values.map((value, i) => ({
      parameters: { 'baseModel.name': value },
      log: trained([0.5, 0.5 + i / 20]),
    })),
  )
  return {
    'two runs': diffPage(diffReportOf(...twoRuns(), picture)),
    'two runs with long names': diffPage(diffReportOf(a, b, picture)),
    'a run and one of which little is known': diffPage(diffReportOf(a, {})),
    'a sweep': sweepPage(await littleSweep()),
    'a sweep of long values': sweepPage(wide),
  }
}

describe(
  'pages about more than one run in a browser',
  needsChromium('the pages of sweeps and of two runs in a browser, with axe-core'),
  () => {
    let browser: Browser
    let made: Readonly<Record<string, Html>>
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
      await page.setContent(made[name]!.text)
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

    it('fit a phone: tables scroll by themselves', async () => {
      for (const name of Object.keys(made)) {
        const page = await open(name, { viewport: PHONE })
        await page.evaluate(OPEN_ALL)
        const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        assert.equal(over, 0, `${name} is wider than the screen`)
        await page.close()
      }
    })

    it('show one of the two sizes of parallel coordinates, and ask for nothing', async () => {
      const shown = `['.wide', '.narrow'].map((by) => getComputedStyle(document.querySelector(by)).display)`
      for (const [viewport, displays] of [
        [WIDE, ['block', 'none']],
        [PHONE, ['none', 'block']],
      ] as const) {
        const page = await browser.newPage({ viewport })
        const asked: string[] = []
        page.on('request', (request) => asked.push(request.url()))
        await page.setContent(made['a sweep']!.text)
        assert.deepEqual(await page.evaluate(shown), displays)
        assert.deepEqual(
          asked.filter((url) => !url.startsWith('data:')),
          [],
        )
        await page.close()
      }
    })

    it('are printed in black on white, without the contents', async () => {
      const page = await open('a sweep', { viewport: WIDE, colorScheme: 'dark' })
      await page.emulateMedia({ media: 'print' })
      const shown = await page.evaluate(`[
        getComputedStyle(document.body).color,
        getComputedStyle(document.querySelector('nav')).display,
        getComputedStyle(document.documentElement).getPropertyValue('--side-b').trim(),
      ]`)
      assert.deepEqual(shown, ['rgb(27, 30, 35)', 'none', '#1a5fb4'])
      await page.close()
    })
  },
)
