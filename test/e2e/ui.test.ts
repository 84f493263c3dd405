import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createServer } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { readEvents } from '../ui/rig.ts'
import { createProject, type Project, type Running } from './rig.ts'

describe('pipeline ui', () => {
  let project: Project
  before(async () => {
    project = await createProject({}, { train: 6, test: 3 })
  })
  after(() => project[Symbol.asyncDispose]())

  /** Started on a port that is free; `at` is the address that it has printed. */
  async function start(...args: readonly string[]): Promise<{ ui: Running; at: string }> {
    const ui = project.start(['ui', '--port', '0', ...args])
    const printed = once(ui.process.stdout!, 'data').then(([text]) => String(text))
    const at = await Promise.race([
      printed,
      ui.ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
    ])
    assert.match(at, /^http:\/\/localhost:\d+\/\n$/)
    return { ui, at: at.trim() }
  }

  it('shows a training that begins after it, as it goes on, and ends at once by Ctrl-C', async () => {
    const { ui, at } = await start()
    try {
      assert.match(await (await fetch(at)).text(), /There are no runs here yet/)
      const events = readEvents((await fetch(`${at}events`)).body!)
      assert.equal((await events.next()).event, 'hello')
      const training = project.run()
      const isRun = ({ pages }: { readonly pages: readonly string[] }) =>
        pages.some((page) => page.startsWith('/runs/little/'))
      const { pages } = await events.next(isRun)
      const path = pages.find((page) => page.startsWith('/runs/little/'))!
      assert.match(await (await fetch(new URL(path, at))).text(), /<b class="(running|done)">/)
      const { result } = await training
      assert.equal(path, `/${result.run.dir}`)
      const page = async () => (await fetch(new URL(path, at))).text()
      while (!(await page()).includes('<b class="done">')) await events.next(isRun)
      const whole = await page()
      assert.ok(whole.includes('test pictures named right'))
      assert.match(whole, /<img src="data:image\/jpeg;base64,/)
      assert.ok(!whole.includes(project.path), 'no path of this machine')
      assert.match(await (await fetch(at)).text(), /href="\/runs\/little\//)
      const files = [...whole.matchAll(/href="(\/runs\/[^"]+\/files\/[^"]+)"/g)].map(
        ([, href]) => href!,
      )
      assert.ok(files.length >= 8, files.join(' '))
      for (const file of files) assert.equal((await fetch(new URL(file, at))).status, 200, file)
      project.configure({ name: 'swept' }, 'swept.yaml')
      const rates = 'optimizer.learningRate=0.002,0.01'
      assert.equal((await project.pipeline(['run', 'swept.yaml', '--sweep', rates])).code, 0)
      await events.next(({ pages: changed }) => changed.includes('/sweeps/swept'))
      const sweep = await (await fetch(`${at}sweeps/swept`)).text()
      assert.ok(sweep.includes('<section id="parallel"'), 'what pipeline report says of it')
      assert.equal(sweep.match(/href="\/runs\/swept\/[^"]+"/g)?.length, 2)
    } finally {
      const asked = performance.now()
      ui.process.kill('SIGINT')
      const { code, stderr } = await ui.ended
      assert.equal(code, 130, stderr)
      assert.equal(stderr, 'Ctrl-C ends it.\n')
      // With a stream of events still open.
      assert.ok(performance.now() - asked < 3000)
    }
  })

  it('answers by its own names alone, and to nothing but requests of HTTP', async () => {
    const { ui, at } = await start()
    const port = Number(new URL(at).port)
    try {
      assert.equal(await statusLine(port, 'GET / HTTP/1.1\r\nHost: evil.example\r\n'), 403)
      assert.equal(await statusLine(port, `GET / HTTP/1.1\r\nHost: localhost:${port}\r\n`), 200)
      const up = `GET /runs/../../../etc/passwd HTTP/1.1\r\nHost: localhost:${port}\r\n`
      assert.equal(await statusLine(port, up), 404)
      assert.equal(await statusLine(port, `POST / HTTP/1.1\r\nHost: localhost:${port}\r\n`), 405)
      assert.equal(await statusLine(port, 'nonsense\r\n'), 400)
      assert.equal(await statusLine(port, 'GET / HTTP/1.1\r\n'), 400)
    } finally {
      ui.process.kill('SIGTERM')
      assert.equal((await ui.ended).code, 143)
    }
  })

  it('says what to do where the port is taken, or is none', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const taken = await project.pipeline(['ui', '--port', String(port)])
    other.close()
    assert.equal(taken.code, 2)
    assert.match(
      taken.stderr,
      new RegExp(`USAGE port ${port} is taken by another program[^]*--port 0`),
    )
    for (const wrong of ['x', '-1', '65536', '']) {
      const { code, stderr } = await project.pipeline(['ui', `--port=${wrong}`])
      assert.equal(code, 2, wrong)
      assert.match(stderr, /USAGE --port takes a number/)
    }
  })
})

/** The status that a socket gets for these lines, sent as they are. */
async function statusLine(port: number, lines: string): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${lines}Connection: close\r\n\r\n`)
  let text = ''
  for await (const part of socket.setEncoding('utf8')) text += String(part)
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1])
}
