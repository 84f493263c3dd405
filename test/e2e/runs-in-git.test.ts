import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { RunRecord } from '../../src/runs/record.ts'
import { createProject, type Project, type RunOutcome } from './rig.ts'

const WORDS = { tags: ['b', 'a'], notes: 'Tries it.' }

describe('runs of a project in git, on wasm', () => {
  let project: Project
  let first: RunOutcome
  let second: RunOutcome
  const git = (...words: readonly string[]) => {
    const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.org']
    return execFileSync('git', [...who, ...words], { cwd: project.path, encoding: 'utf8' }).trim()
  }
  const recordOf = ({ result }: RunOutcome) =>
    JSON.parse(readFileSync(join(project.path, result.run.dir, 'run.json'), 'utf8')) as RunRecord
  before(async () => {
    project = await createProject(WORDS)
    git('init', '-q')
    git('add', 'pipeline.yaml')
    git('commit', '-qm', 'a pipeline')
    first = await project.run()
    project.configure({ ...WORDS, optimizer: { learningRate: 0.004 } })
    second = await project.run()
    git('add', 'runs')
    git('commit', '-qm', 'its runs')
  })
  after(() => project[Symbol.asyncDispose]())

  it('say the commit, whether files differ from it, and the file by the id that git has for it', () => {
    const [a, b] = [recordOf(first), recordOf(second)]
    assert.equal(a.blob, git('rev-parse', 'HEAD~1:pipeline.yaml'))
    assert.equal(b.blob, git('hash-object', 'pipeline.yaml'))
    const commit = git('rev-parse', 'HEAD~1')
    assert.deepEqual(a.environment['git'], { commit, dirty: false })
    assert.deepEqual(b.environment['git'], { commit, dirty: true })
    assert.deepEqual([a.tags, a.notes], [WORDS.tags, WORDS.notes])
  })

  it('differ in lines that each say one thing', () => {
    const files = [first, second].map(({ result }) => join(result.run.dir, 'run.json'))
    // It exits with 1 where there is a difference.
    const { stdout } = spawnSync('git', ['diff', '--no-index', '-U0', ...files], {
      cwd: project.path,
      encoding: 'utf8',
    })
    const lines = stdout.split('\n').filter((line) => /^[+-] /.test(line))
    const { accuracy, loss } = recordOf(second).metrics['test']!
    assert.ok(lines.includes(`+  "metrics": {"test": {"accuracy": ${accuracy}, "loss": ${loss}}},`))
    assert.ok(
      lines.every((line) => line.length <= 101),
      stdout,
    )
    assert.ok(lines.length < 100, stdout)
    const yaml = files.map((file) => file.replace('run.json', 'resolved.yaml'))
    const other = spawnSync('git', ['diff', '--no-index', '-U0', ...yaml], { cwd: project.path })
    assert.deepEqual(other.stdout.toString().split('\n').slice(5), [
      '-  learningRate: 0.002',
      '+  learningRate: 0.004',
      '',
    ])
  })

  it('are changed in git by a tag in one small file, and are back from the trash as they were', async () => {
    const { id, dir } = second.result.run
    await project.pipeline(['tag', id, '+best', '-a'])
    assert.equal(git('status', '--short', 'runs'), `?? ${dir}/marks.json`)
    await project.pipeline(['rm', id])
    assert.match(git('status', '--short', 'runs'), new RegExp(`D ${dir}/run.json$`, 'm'))
    assert.doesNotMatch(git('status', '--short', 'runs'), /\.trash|\.index/)
    await project.pipeline(['rm', '--restore', id])
    assert.equal(git('status', '--short', 'runs'), `?? ${dir}/marks.json`)
    const { stdout } = await project.pipeline(['ls', '--filter', 'tag = best', '--json'])
    assert.deepEqual((JSON.parse(stdout) as { tags: string[] }[])[0]!.tags, ['b', 'best'])
  })

  it('that were taken away run again from the store alone', async () => {
    await project.pipeline(['rm', second.result.run.id, '--purge'])
    const again = await project.run()
    assert.ok(again.result.stages.every(({ cached }) => cached))
    assert.deepEqual(again.result.metrics, second.result.metrics)
  })
})
