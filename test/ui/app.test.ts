import assert from 'node:assert/strict'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { addTrial } from '../../src/sweeps/trial-folder.ts'
import { answer } from '../support/made-run.ts'
import { writeManyRuns } from '../support/many-runs.ts'
import { seen } from '../report/reports.ts'
import { finishedRun, openUiRig, PORT, type UiRig } from './rig.ts'

const ID = '20261124-101500-8f2c1a'
const RUN = `/runs/made/${ID}`
/** Addresses that are what they seem. */
const THERE = new Set(['/', `${RUN}/files/run.json`])

describe('pages of pipeline ui', () => {
  let rig: UiRig
  let folder: string
  before(async () => {
    rig = await openUiRig()
    folder = finishedRun(rig.root, {
      id: ID,
      record: { metrics: { test: { accuracy: 0.75, loss: 0.5 } } },
      config: { name: 'made', dataset: { source: { path: '../../../pictures' } } },
      predictions: [answer('a.png', 'cat', 0.9)],
    }).folder
    finishedRun(rig.root, { name: '<b>&"', id: '20261124-101501-8f2c1b' })
  })
  after(() => rig[Symbol.asyncDispose]())

  it('lists the runs, newest first, with links to their pages', async () => {
    const page = await rig.text('/')
    assert.match(page, new RegExp(`<a href="${RUN}">${ID}</a>`))
    assert.ok(page.includes('/runs/%3Cb%3E%26%22/20261124-101501-8f2c1b'))
    assert.ok(page.includes('&lt;b&gt;&amp;&quot;') && !page.includes('<b>&"'))
    assert.ok(page.indexOf('101501-8f2c1b') < page.indexOf('101500-8f2c1a'))
    assert.match(seen(page), /75\.0 % 0\.5000/)
    assert.equal((await rig.ask('/runs/%3Cb%3E%26%22/20261124-101501-8f2c1b')).status, 200)
  })

  it('filters and sorts as pipeline ls does, and says what is no filter', async () => {
    const filtered = await rig.text('/?filter=accuracy+%3E+0.7')
    assert.ok(filtered.includes(ID) && !filtered.includes('8f2c1b'))
    assert.match(seen(filtered), /1 of 2 runs/)
    assert.ok(filtered.includes('value="accuracy &gt; 0.7"'))
    const sorted = await rig.text('/?sort=started')
    assert.ok(sorted.indexOf('8f2c1a') < sorted.indexOf('8f2c1b'))
    const wrong = await rig.ask('/?filter=acuracy+%3E+1')
    assert.equal(wrong.status, 400)
    assert.match(seen(await wrong.text()), /unknown key "acuracy"; did you mean "accuracy"\?/)
    assert.equal((await rig.ask('/?sort=%22%3Cscript%3E')).status, 400)
  })

  it('has of a run what its report has, and its files', async () => {
    const page = await rig.text(RUN)
    assert.match(page, /<section id="configuration"/)
    assert.match(page, new RegExp(`<a href="${RUN}/files/run\\.json">`))
    const json = await rig.ask(`${RUN}/files/run.json`)
    assert.equal(json.status, 200)
    assert.equal(json.headers.get('content-type'), 'text/plain; charset=utf-8')
    assert.match(json.headers.get('content-security-policy')!, /default-src 'none'.*sandbox/)
    assert.equal((JSON.parse(await json.text()) as { id: string }).id, ID)
    const head = await rig.ask(`${RUN}/files/run.json`, { method: 'HEAD' })
    assert.equal(await head.text(), '')
    assert.ok(Number(head.headers.get('content-length')) > 100)
  })

  it('compares two runs that are picked, the older one first', async () => {
    const id = '20261124-101400-8f2c19'
    finishedRun(rig.root, {
      id,
      record: { metrics: { test: { accuracy: 0.5, loss: 0.7 } } },
      config: { name: 'made', dataset: { source: { path: '../../../others' } } },
    })
    assert.ok((await rig.text('/')).includes(`type="checkbox" name="run" value="made/${id}"`))
    const page = await rig.text(`/diff?run=made%2F${ID}&run=made%2F${id}`)
    assert.ok(page.includes(`data-pages="/runs/made/${id} ${RUN}"`))
    assert.match(seen(page), /dataset\.source/)
    for (const [query, status] of [
      ['', 400],
      [`run=made/${id}`, 400],
      [`run=made/${id}&run=made/none`, 404],
      [`run=made/${id}&run=../made/${id}`, 404],
      [`run=made/${id}&run=made/${ID}/model`, 404],
    ] as const) {
      assert.equal((await rig.ask(`/diff?${query}`)).status, status, query)
    }
    rmSync(join(rig.root, 'made', id), { recursive: true })
  })

  it('lets styles and scripts in by a nonce that is new each time', async () => {
    const [first, second] = [await rig.ask('/'), await rig.ask('/')]
    const nonces = await Promise.all(
      [first, second].map(async (page) => {
        const policy = page.headers.get('content-security-policy')!
        const nonce = /script-src 'nonce-([^']+)'/.exec(policy)![1]!
        const text = await page.text()
        assert.ok(
          text.includes(`<script nonce="${nonce}">`) && text.includes(`<style nonce="${nonce}">`),
        )
        assert.doesNotMatch(policy, /script-src[^;]*unsafe/)
        return nonce
      }),
    )
    assert.notEqual(nonces[0], nonces[1])
    for (const [name, value] of [
      ['x-content-type-options', 'nosniff'],
      ['x-frame-options', 'DENY'],
      ['referrer-policy', 'no-referrer'],
      ['cache-control', 'no-store'],
    ] as const) {
      assert.equal(first.headers.get(name), value)
    }
    assert.equal(first.headers.get('access-control-allow-origin'), null)
  })

  it('is 204 for who has the page as it is, and anew once the run has changed', async () => {
    const version = async () => /data-version="(\w+)"/.exec(await rig.text(RUN))![1]!
    const had = await version()
    const again = () => rig.ask(RUN, { headers: { 'page-version': had } })
    assert.equal((await again()).status, 204)
    writeFileSync(join(folder, 'marks.json'), '{"note": "looked at", "tags": {}}\n')
    const changed = await again()
    assert.equal(changed.status, 200)
    assert.match(seen(await changed.text()), /looked at/)
    assert.notEqual(await version(), had)
  })

  it('refuses every name but its own, also with another port', async () => {
    for (const host of [
      'evil.example',
      `evil.example:${PORT}`,
      'localhost',
      'localhost:80',
      `localhost.evil:${PORT}`,
      '',
    ]) {
      const answered = await rig.ask('/', { headers: { host } })
      assert.equal(answered.status, 403, host)
      assert.match(await answered.text(), /http:\/\/localhost:4747\//)
    }
    for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '[::1]']) {
      assert.equal((await rig.ask('/', { headers: { host: `${host}:${PORT}` } })).status, 200, host)
    }
  })

  it('refuses what pages of other sites ask for, but not a link from there', async () => {
    const from = (site: string, mode: string) =>
      rig.ask('/', { headers: { 'sec-fetch-site': site, 'sec-fetch-mode': mode } })
    assert.equal((await from('cross-site', 'no-cors')).status, 403)
    assert.equal((await from('same-site', 'cors')).status, 403)
    assert.equal((await from('cross-site', 'navigate')).status, 200)
    assert.equal((await from('same-origin', 'cors')).status, 200)
  })

  it('refuses whatever is not to read', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE2']) {
      for (const path of ['/', RUN, '/events', '/nothing']) {
        const answered = await rig.ask(path, { method })
        assert.equal(answered.status, 405, `${method} ${path}`)
        assert.equal(answered.headers.get('allow'), 'GET, HEAD')
        assert.match(await answered.text(), /Only to read/)
      }
    }
  })

  it('says what is not there, with a way back', async () => {
    for (const [path, says] of [
      ['/nothing', 'No such page'],
      ['/runs/made', 'No such page'],
      ['/runs/made/none', 'No such run'],
      ['/runs/other/' + ID, 'No such run'],
      ['/sweeps/made', 'No such sweep'],
      ['/sweeps/none', 'No such sweep'],
      [`${RUN}/files/none.json`, 'No such file'],
      [`${RUN}/files/model`, 'No such file'],
      [`${RUN}/files/running.json`, 'No such file'],
    ] as const) {
      const answered = await rig.ask(path)
      assert.equal(answered.status, 404, path)
      const text = await answered.text()
      assert.ok(text.includes(`<h1>${says}</h1>`) && text.includes('<a href="/">'), path)
    }
  })

  it('leads nowhere but into run folders, however it is written', async () => {
    writeFileSync(join(rig.root, '../run.json'), '{"secret": true}')
    writeFileSync(join(rig.root, 'run.json'), '{"secret": true}')
    mkdirSync(join(rig.root, '.trash/made', ID), { recursive: true })
    writeFileSync(join(rig.root, '.trash/made', ID, 'run.json'), '{"secret": true}')
    const ups = [
      '..',
      '%2e%2e',
      '%2E%2E',
      '.%2e',
      '%2e',
      '%2e%2e%2f%2e%2e',
      '..%5c',
      '%00',
      '..%00',
      '.trash',
      '',
    ]
    for (const up of ups) {
      for (const path of [
        `/runs/${up}/run.json`,
        `/runs/${up}/${up}/files/run.json`,
        `/runs/made/${up}/files/run.json`,
        `/runs/${up}/made/files/run.json`,
        `${RUN}/files/${up}%2frun.json`,
        `${RUN}/files/${up}/run.json`,
        `${RUN}/files/${up}`,
        `/sweeps/${up}`,
        `/runs/.trash%2fmade/${ID}`,
      ]) {
        const answered = await rig.ask(path)
        // What is there, where the address was tidied before it was sent.
        const isOther = THERE.has(new URL(path, 'http://a').pathname)
        if (!isOther) assert.equal(answered.status, 404, path)
        assert.ok(!(await answered.text()).includes('secret'), path)
      }
    }
    assert.equal((await rig.ask('/runs/%ff%fe/%')).status, 404)
    assert.deepEqual(rig.failures, [])
  })

  it('follows no link out of the folder of runs', async () => {
    const outside = join(rig.root, '../outside')
    const record = { metrics: {} }
    finishedRun(outside, { name: 'away', id: ID, record, config: { name: 'secret' } })
    symlinkSync(join(outside, 'away'), join(rig.root, 'linked'))
    symlinkSync(join(outside, 'away', ID), join(rig.root, 'made/linked'))
    assert.equal((await rig.ask(`/runs/linked/${ID}`)).status, 404)
    assert.equal((await rig.ask('/runs/made/linked')).status, 404)
    assert.equal((await rig.ask(`/runs/linked/${ID}/files/run.json`)).status, 404)
    rmSync(join(rig.root, 'linked'))
    rmSync(join(rig.root, 'made/linked'))

    const id = '20261124-101502-8f2c1c'
    const own = finishedRun(rig.root, { id }).folder
    symlinkSync(join(outside, 'away', ID, 'resolved.yaml'), join(own, 'resolved.yaml'))
    const page = await rig.ask(`/runs/made/${id}`)
    assert.equal(page.status, 403)
    const text = await page.text()
    assert.ok(
      text.includes('resolved.yaml in the folder of this run is a link') &&
        !text.includes('secret'),
    )
    assert.equal((await rig.ask(`/runs/made/${id}/files/resolved.yaml`)).status, 404)
    // A link to another run here gives nothing away.
    rmSync(join(own, 'resolved.yaml'))
    symlinkSync(join(folder, 'resolved.yaml'), join(own, 'resolved.yaml'))
    assert.equal((await rig.ask(`/runs/made/${id}`)).status, 200)
    rmSync(own, { recursive: true })
  })

  it('tells of a page that cannot be made where it was started', async () => {
    const broken = await openUiRig()
    try {
      const id = '20261124-101503-8f2c1d'
      finishedRun(broken.root, { id, record: { metrics: null as never } })
      const answered = await broken.ask(`/runs/made/${id}`)
      assert.equal(answered.status, 500)
      const text = await answered.text()
      assert.ok(text.includes('could not be made') && !text.includes(broken.root))
      assert.ok(broken.failures[0] instanceof TypeError)
    } finally {
      await broken[Symbol.asyncDispose]()
    }
  })
})

describe('the page of a sweep', () => {
  it('has its trials, the best first, with links to their runs', async () => {
    await using rig = await openUiRig()
    const trials = join(rig.root, 'made/sweep/trials')
    const definition = {
      ...{ format: 1, name: 'made', file: '../sweep.yaml', set: [], sweep: [], method: 'grid' },
      metric: { name: 'validation.accuracy', goal: 'maximize' },
    }
    mkdirSync(trials, { recursive: true })
    writeFileSync(join(rig.root, 'made/sweep/sweep.json'), JSON.stringify(definition))
    for (const [id, rate, accuracy] of [
      ['aaaa', 0.1, 0.5],
      ['bbbb', 0.01, 0.9],
      ['cccc', 0.001, undefined],
    ] as const) {
      const added = await addTrial(trials, { id, parameters: { 'optimizer.learningRate': rate } })
      assert.ok(added)
      if (accuracy === undefined) continue
      const time = '2026-11-24T10:15:00Z'
      const metrics = { 'validation.accuracy': accuracy }
      const done = {
        type: 'done',
        time,
        run: `made/${ID}`,
        metrics,
        epochs: 3,
        seconds: 2,
        cached: false,
      }
      writeFileSync(join(trials, id, 'log.jsonl'), `${JSON.stringify(done)}\n{"type":"do`)
    }
    finishedRun(rig.root, { id: ID })
    const page = await rig.text('/sweeps/made')
    const rows = [...page.matchAll(/<tr><th scope="row">[^]*?<\/tr>/g)].map(([row]) => seen(row))
    assert.deepEqual(rows, [
      'bbbb 0.01 done 90.0 % 3 2.0 s',
      'aaaa 0.1 done 50.0 % 3 2.0 s',
      'cccc 0.001 waiting – 0 –',
    ])
    assert.match(page, new RegExp(`<a href="${RUN}">bbbb</a>`))
    assert.match(seen(await rig.text('/')), /made grid validation\.accuracy 3 2 0 0/)
    assert.ok((await rig.text(RUN)).includes('<a href="/sweeps/made">'))
  })
})

describe('the list of runs', () => {
  it('says how to make the first run', async () => {
    await using rig = await openUiRig()
    assert.match(seen(await rig.text('/')), /There are no runs here yet: pipeline run FILE/)
  })

  it('is turned page by page where there are many', async () => {
    await using rig = await openUiRig()
    writeManyRuns(rig.root, 250, { epochs: 1 })
    const rows = (page: string) => page.match(/<th scope="row">/g)?.length
    const first = await rig.text('/?sort=loss')
    assert.equal(rows(first), 100)
    assert.ok(first.includes('href="/?sort=loss&amp;page=2"') && first.includes('Page 1 of 3'))
    assert.equal(rows(await rig.text('/?page=3')), 50)
    assert.equal(rows(await rig.text('/?page=999')), 50)
    assert.equal(rows(await rig.text('/?page=-1')), 100)
  })
})
