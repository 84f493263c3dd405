import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { stringify } from 'yaml'
import { createProject, type Project } from './rig.ts'
import { writeTrunk } from './weights.ts'

describe('pipeline report', () => {
  let project: Project
  let dir = ''
  before(async () => {
    project = await createProject({}, { train: 6, test: 3 })
    const { result } = await project.run()
    dir = result.run.dir
  })
  after(() => project[Symbol.asyncDispose]())

  it('writes one page into the folder of the run, which git leaves alone', async () => {
    const { code, stdout, stderr } = await project.pipeline(['report', 'little@latest'])
    assert.equal(code, 0, stderr)
    assert.match(stdout, new RegExp(`^${dir}/report\\.html  \\d[\\d.]* kB\n$`))
    const page = readFileSync(join(project.path, dir, 'report.html'), 'utf8')
    assert.match(page, /^<!doctype html>\n<html lang="en">/)
    assert.ok(page.includes('test pictures named right'))
    assert.match(page, /<img src="data:image\/jpeg;base64,/)
    assert.ok(!page.includes(project.path), 'no path of this machine')
    assert.match(readFileSync(join(project.path, 'runs/.gitignore'), 'utf8'), /^report\.html$/m)
  })

  it('writes it where it is told to, and says so to a program', async () => {
    const args = ['report', dir, '--out', 'pages/best.html', '--json']
    const { code, stdout } = await project.pipeline(args)
    assert.equal(code, 0)
    const { run, file, bytes } = JSON.parse(stdout) as {
      run: { name: string }
      file: string
      bytes: number
    }
    assert.deepEqual([run.name, file], ['little', 'pages/best.html'])
    assert.equal(readFileSync(join(project.path, file)).length, bytes)
    const [first, again] = [file, join(dir, 'report.html')].map((path) =>
      readFileSync(join(project.path, path), 'utf8'),
    )
    assert.equal(first, again)
  })

  it('has pictures from the store where the files are gone, and says it where those are gone too', async () => {
    const copy = await project.copy()
    try {
      const report = async () => {
        const { code, stderr } = await copy.pipeline(['report', '@latest'])
        assert.equal(code, 0, stderr)
        return readFileSync(join(copy.path, dir, 'report.html'), 'utf8')
      }
      const images = (page: string) => page.match(/<img src="data:image\/jpeg/g)?.length ?? 0
      const before = images(await report())
      rmSync(join(copy.path, 'pictures'), { recursive: true })
      const kept = await report()
      assert.ok(before > 0 && images(kept) === before)
      assert.ok(!kept.includes('names alone'))
      rmSync(join(copy.path, 'store'), { recursive: true })
      const bare = await report()
      assert.equal(images(bare), 0)
      assert.ok(bare.includes('so there are names alone'))
    } finally {
      await copy[Symbol.asyncDispose]()
    }
  })

  it('needs neither store nor what git does not keep', async () => {
    const copy = await project.copy()
    try {
      rmSync(join(copy.path, 'store'), { recursive: true })
      rmSync(join(copy.path, 'pictures'), { recursive: true })
      for (const name of ['predictions.jsonl', 'index.jsonl', 'model']) {
        rmSync(join(copy.path, dir, name), { recursive: true })
      }
      const { code, stderr } = await copy.pipeline(['report', '@latest', '--out', 'bare.html'])
      assert.equal(code, 0, stderr)
      const page = readFileSync(join(copy.path, 'bare.html'), 'utf8')
      assert.ok(page.includes('the run has no predictions.jsonl'))
      assert.ok(!existsSync(join(copy.path, 'store')), 'reading makes no store')
    } finally {
      await copy[Symbol.asyncDispose]()
    }
  })

  it('is there of a run that failed, and of one without training', async () => {
    project.configure(
      { name: 'broken', optimizer: { name: 'SGD', learningRate: 1e38 } },
      'broken.yaml',
    )
    const failed = await project.pipeline(['run', 'broken.yaml'])
    assert.equal(failed.code, 1, failed.stderr)
    assert.equal(
      (await project.pipeline(['report', 'broken@latest', '--out', 'broken.html'])).code,
      0,
    )
    const broken = readFileSync(join(project.path, 'broken.html'), 'utf8')
    assert.match(broken, /<b class="failed">failed<\/b>/)
    assert.match(broken, /Failed after the stage/)
    assert.match(broken, /What went wrong[^]*<code>NOT_FINITE<\/code>/)

    const shape = { name: 'MobileNetV2', alpha: 0.35, inputShape: [32, 32, 3] }
    await writeTrunk(join(project.path, 'whole.h5'), { ...shape, includeTop: true })
    const named = {
      name: 'named',
      engine: 'wasm',
      dataset: { imageSize: [32, 32] },
      baseModel: { name: 'MobileNetV2', alpha: 0.35, weights: 'whole.h5' },
      prediction: { images: ['pictures/test'], top: 3 },
    }
    writeFileSync(join(project.path, 'named.yaml'), stringify(named))
    assert.equal((await project.pipeline(['run', 'named.yaml'])).code, 0)
    assert.equal(
      (await project.pipeline(['report', 'named@latest', '--out', 'named.html'])).code,
      0,
    )
    const page = readFileSync(join(project.path, 'named.html'), 'utf8')
    assert.match(page, /<strong>9<\/strong>\s*<p>pictures named/)
    assert.equal(page.match(/<img src="data:image\/jpeg/g)?.length, 9)
    assert.equal(page.match(/class="ranked"/g)?.length, 27)
  })

  it('refuses a run that there is not', async () => {
    const { code, stderr } = await project.pipeline(['report', 'nothing'])
    assert.equal(code, 1)
    assert.match(stderr, /UNKNOWN_RUN no run nothing/)
  })

  it('refuses a place that cannot be written', async () => {
    mkdirSync(join(project.path, 'folder'))
    writeFileSync(join(project.path, 'file'), '')
    for (const [out, what] of [
      ['folder', 'folder is a folder'],
      ['file/report.html', 'the report cannot be written to'],
    ] as const) {
      const { code, stderr } = await project.pipeline(['report', dir, '--out', out])
      assert.equal(code, 3)
      assert.ok(stderr.includes('NOT_WRITABLE') && stderr.includes(what), stderr)
      assert.ok(stderr.includes('--out FILE'), stderr)
    }
  })

  it(
    'refuses a folder that is not its own to write',
    { skip: process.getuid?.() !== 0 && 'needs root' },
    async () => {
      const closed = join(project.path, 'closed')
      mkdirSync(closed)
      chmodSync(closed, 0o555)
      chmodSync(project.path, 0o755)
      const { code, stderr } = await project.start(['report', dir, '--out', 'closed/a.html'], {
        uid: 65534,
      }).ended
      assert.equal(code, 3, stderr)
      assert.match(stderr, /NOT_WRITABLE[^]*--out FILE/)
    },
  )
})
