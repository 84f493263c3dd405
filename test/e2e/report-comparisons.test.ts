import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createProject, type Project, type RunResult } from './rig.ts'

describe('pipeline report of two runs', () => {
  let project: Project
  let [slow, fast]: RunResult[] = []
  before(async () => {
    project = await createProject({}, { test: 12 })
    slow = (await project.run('--set', 'optimizer.learningRate=0.0002')).result
    fast = (await project.run()).result
  })
  after(() => project[Symbol.asyncDispose]())

  it('has the verdict of diff, and the pictures that flipped', async () => {
    const args = [slow!.run.dir, fast!.run.dir]
    const { code, stdout, stderr } = await project.pipeline(['report', ...args])
    assert.equal(code, 0, stderr)
    const file = `${fast!.run.dir}/diff-${slow!.run.id}.html`
    assert.match(stdout, new RegExp(`^${file}  \\d`))
    const page = readFileSync(join(project.path, file), 'utf8')
    const diff = await project.pipeline(['diff', ...args, '--json'])
    const { verdict, flips } = JSON.parse(diff.stdout) as { verdict: string; flips: unknown[] }
    assert.ok(page.includes(verdict.replaceAll('>', '&gt;').replaceAll("'", '&#39;')), verdict)
    assert.ok(flips.length > 0)
    assert.equal(page.match(/<img src="data:image\/jpeg/g)?.length, Math.min(flips.length, 48))
    assert.ok(!page.includes(project.path), 'no path of this machine')
    assert.match(readFileSync(join(project.path, 'runs/.gitignore'), 'utf8'), /^diff-\*\.html$/m)
  })

  it('takes a pipeline file as a side, and says to a program what it compared', async () => {
    const args = ['report', fast!.run.dir, 'pipeline.yaml', '--json']
    const { code, stdout, stderr } = await project.pipeline(args)
    assert.equal(code, 0, stderr)
    const made = JSON.parse(stdout) as { a: object; b: object; file: string }
    const { name, id } = fast!.run
    assert.deepEqual([made.a, made.b], [{ run: { name, id } }, { file: 'pipeline.yaml' }])
    assert.equal(made.file, `${fast!.run.dir}/diff-file.html`)
    assert.match(readFileSync(join(project.path, made.file), 'utf8'), /a file, not run/)
  })
})

describe('pipeline report of a sweep', () => {
  let project: Project
  before(async () => {
    const parameters = { 'optimizer.learningRate': { values: [0.002, 0.01] } }
    project = await createProject({ training: { epochs: 2 }, sweep: { parameters } })
    await project.run()
  })
  after(() => project[Symbol.asyncDispose]())

  it('is found by file and by name, and has the best trial with its figure on test', async () => {
    const byName = await project.pipeline(['report', 'little', '--json'])
    assert.equal(byName.code, 0, byName.stderr)
    const made = JSON.parse(byName.stdout) as { sweep: object; file: string }
    assert.deepEqual([made.sweep, made.file], [{ name: 'little' }, 'runs/little/sweep/report.html'])
    const page = readFileSync(join(project.path, made.file), 'utf8')
    assert.match(page, /accuracy on validation of the best of 2 trials; [\d.]+.% on test/)
    assert.match(page, /validation\.accuracy of 2 trials by epoch\./)
    const again = await project.pipeline(['report', 'pipeline.yaml', '--out', 'by-file.html'])
    assert.equal(again.code, 0, again.stderr)
    assert.equal(readFileSync(join(project.path, 'by-file.html'), 'utf8'), page)
  })

  it('repeats the best trial with the command on the page', async () => {
    const page = readFileSync(join(project.path, 'runs/little/sweep/report.html'), 'utf8')
    const command = /<code class="command"[^>]*>pipeline ([^<]*)<\/code>/.exec(page)![1]!
    const words = command.replaceAll('&quot;', '').split(' ')
    const { code, stdout, stderr } = await project.pipeline([...words, '--json'])
    assert.equal(code, 0, stderr)
    const { metrics } = JSON.parse(stdout) as RunResult
    const accuracy = metrics['test']!['accuracy']!
    const share = [0, 1].includes(accuracy) ? String(100 * accuracy) : (100 * accuracy).toFixed(1)
    assert.ok(page.includes(`the best of 2 trials; ${share}\u00a0% on test`), share)
  })

  it('is a run where it is named as one, and a file without a sweep is told', async () => {
    const run = await project.pipeline(['report', 'little@latest', '--json'])
    assert.ok('run' in (JSON.parse(run.stdout) as object), run.stdout)
    project.configure({}, 'plain.yaml')
    const { code, stderr } = await project.pipeline(['report', 'plain.yaml'])
    assert.equal(code, 2)
    assert.match(stderr, /plain\.yaml has no sweep/)
  })
})
