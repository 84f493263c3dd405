import assert from 'node:assert/strict'
import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import axe, { type AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { markRunning, removeMark } from '../../src/runs/mark.ts'
import { listen, type Listening } from '../../src/ui/serve.ts'
import { needsChromium, openBrowser } from '../support/chromium.ts'
import { madeRecord, writeManyRuns } from '../support/many-runs.ts'
import { finishedRun, openUiRig, type UiRig } from './rig.ts'

const WIDE = { width: 1280, height: 900 }
const PHONE = { width: 360, height: 740 }
const ID = '20261124-101500-8f2c1a'
const RUN = `/runs/made/${ID}`
const TWO = `/diff?${[2, 7].map((i) => `run=quickstart/${madeRecord(i, 2).id}`).join('&')}`

const epoch = (number: number, loss: number) =>
  `${JSON.stringify({ epoch: number, phase: 1, train: { loss }, validation: { loss: loss + 0.1 } })}\n`

describe('live pages in a browser', needsChromium('live pages in a browser, with axe-core'), () => {
  let browser: Browser
  let rig: UiRig
  let server: Listening
  let folder: string
  let at: string
  /** Errors of pages, such as what their policy forbids. */
  const told: string[] = []
  before(async () => {
    browser = await openBrowser()
    let port = 0
    rig = await openUiRig({ port: () => port })
    writeManyRuns(rig.root, 120, { epochs: 2 })
    folder = finishedRun(rig.root, {
      id: ID,
      record: { status: 'running' },
      config: { name: 'made', head: ['Flatten'], optimizer: { name: 'Adam', learningRate: 0.001 } },
    }).folder
    await markRunning(folder)
    writeFileSync(join(folder, 'metrics.jsonl'), epoch(1, 0.9))
    server = await listen(rig.ui.app.fetch, 0)
    port = server.port
    at = `http://localhost:${port}`
  })
  after(async () => {
    await browser.close()
    rig.ui.close()
    await server.close()
    await rig[Symbol.asyncDispose]()
  })

  async function open(
    path: string,
    options: Parameters<Browser['newPage']>[0] = { viewport: WIDE },
  ): Promise<Page> {
    const page = await browser.newPage(options)
    page.on('console', (message) => {
      const isAnswer = message.text().startsWith('Failed to load resource')
      if (message.type() === 'error' && !isAnswer) told.push(message.text())
    })
    await page.goto(at + path)
    return page
  }

  afterEach(() => assert.deepEqual(told.splice(0), []))

  const isLive = (page: Page) => page.waitForSelector('#live[data-state=live]')

  for (const [colorScheme, viewport] of [
    ['light', PHONE],
    ['dark', WIDE],
  ] as const) {
    it(`have nothing that axe-core finds, and fit, in ${colorScheme} at ${viewport.width} pixels`, async () => {
      for (const path of ['/', '/?filter=nonsense', RUN, TWO, '/nothing']) {
        // The script of axe-core is none of the page's.
        const page = await open(path, { viewport, colorScheme, bypassCSP: true })
        if (path !== '/nothing') await isLive(page)
        await page.evaluate(axe.source)
        const { violations } = (await page.evaluate('axe.run()')) as AxeResults
        const found = violations.map((one) => `${one.impact} ${one.id}: ${one.nodes[0]?.html}`)
        assert.deepEqual(found, [], path)
        const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        assert.equal(over, 0, `${path} is wider than the screen`)
        await page.close()
      }
    })
  }

  it('change by themselves as a run gets on, and leave what a person has opened', async () => {
    const page = await open(RUN)
    await isLive(page)
    await page.evaluate('window.isSame = true')
    const epochs = () => page.locator('#curves tbody tr').count()
    assert.equal(await epochs(), 1)
    await page.focus('#curves summary')
    await page.keyboard.press('Enter')
    await page.evaluate("document.querySelector('#configuration').mark = 'untouched'")
    appendFileSync(join(folder, 'metrics.jsonl'), epoch(2, 0.7))
    await page.waitForSelector('#curves tbody tr:nth-child(2)', { state: 'attached' })
    assert.match(await page.locator('main > header').innerText(), /after epoch 2/)
    const state = await page.evaluate(`[
      document.querySelector('#curves details').open,
      document.activeElement.localName,
      document.querySelector('#configuration').mark,
      window.isSame,
    ]`)
    assert.deepEqual(state, [true, 'summary', 'untouched', true])

    finishedRun(rig.root, {
      id: ID,
      record: { metrics: { test: { accuracy: 0.75, loss: 0.5 } } },
      config: { name: 'made', head: ['Flatten'] },
    })
    await removeMark(folder)
    await page.waitForSelector('main > header b.done')
    assert.equal(await page.locator('#curves').count(), 0, 'a part that is gone is taken away')
    assert.ok(!(await page.locator('#configuration').innerText()).includes('learningRate'))
    await page.close()
  })

  it('show a new run in the list, where what is typed stays', async () => {
    const page = await open('/')
    await isLive(page)
    const pick = page.locator('#runs input.pick').nth(2)
    const picked = await pick.getAttribute('value')
    await pick.check()
    await page.fill('#filter', 'accuracy > 0.')
    await page.evaluate("document.querySelector('#filter').setSelectionRange(3, 5)")
    const id = '20261125-090000-aaaaaa'
    const made = finishedRun(rig.root, { id, record: { started: '2026-11-25T09:00:00Z' } })
    await page.waitForSelector(`a[href="/runs/made/${id}"]`)
    const typed = await page.evaluate(`[
      document.activeElement.id,
      document.querySelector('#filter').value,
      document.querySelector('#filter').selectionStart,
    ]`)
    assert.deepEqual(typed, ['filter', 'accuracy > 0.', 3])
    assert.ok(await page.locator(`#runs input[value="${picked}"]`).isChecked())
    rmSync(made.folder, { recursive: true })
    await page.waitForSelector(`a[href="/runs/made/${id}"]`, { state: 'detached' })
    await page.close()
  })

  it('are walked by keyboard: past the contents, to a filter, to a run', async () => {
    const page = await open('/')
    await page.focus('#filter')
    await page.keyboard.type('name = quickstart and accuracy > 0.9')
    await page.keyboard.press('Enter')
    await page.waitForURL(/filter=/)
    const names = await page.locator('#runs tbody td:nth-of-type(2)').allInnerTexts()
    assert.ok(names.length > 3 && names.every((name) => name === 'quickstart'), names.join())
    const link = page.locator('#runs tbody a').first()
    await link.focus()
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/runs\/quickstart\//)
    assert.equal(await page.locator('h1').innerText(), 'quickstart')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.goBack()
    await isLive(page)
    await page.close()
  })

  it('are whole without script', async () => {
    const page = await open('/', { viewport: WIDE, javaScriptEnabled: false })
    assert.equal(await page.locator('#runs tbody tr').count(), 100)
    assert.match(await page.locator('#live').innerText(), /Reload to see what is new/)
    await page.selectOption('#sort', 'started')
    await page.click('.ask button')
    assert.match(page.url(), /sort=started/)
    await page.click('text=Next page')
    assert.ok((await page.locator('#runs tbody tr').count()) > 15)
    await page.close()
  })

  it('listen only while they are seen, and say when the server is gone', async () => {
    const own = await openUiRig({ port: () => port })
    const other = await listen(own.ui.app.fetch, 0)
    const { port } = other
    const page = await browser.newPage()
    await page.goto(`http://localhost:${port}/`)
    await isLive(page)
    const hide = (isHidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))`)
    assert.equal(own.ui.listeners(), 1)
    await hide(true)
    for (let i = 0; own.ui.listeners() > 0 && i < 50; i += 1) await page.waitForTimeout(50)
    assert.equal(own.ui.listeners(), 0)
    await hide(false)
    for (let i = 0; own.ui.listeners() === 0 && i < 50; i += 1) await page.waitForTimeout(50)
    assert.equal(own.ui.listeners(), 1)
    own.ui.close()
    await other.close()
    await page.waitForSelector('#live[data-state=lost]')
    await page.close()
    await own[Symbol.asyncDispose]()
  })
})
