import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { readAction, runAction } from '../support/composite.ts'
import { openGitHub, type GitHub } from '../support/github.ts'
import { makeRun } from '../support/made-run.ts'
import { ROOT } from '../support/paths.ts'

const ACTION = join(ROOT, '.github/actions/pipeline')

const PIPELINE = {
  name: 'cats',
  dataset: { source: { path: 'pictures' }, splits: { train: 'train', validation: 'validation' } },
  baseModel: { name: 'MobileNetV2' },
  head: ['GlobalAveragePooling2D', { Dense: { units: 'classes', activation: 'softmax' } }],
}

describe('the GitHub action pipeline', () => {
  const { inputs, runs } = readAction(ACTION)

  it('puts nothing into its scripts that others could have written', () => {
    assert.equal(runs.using, 'composite')
    for (const { run } of runs.steps) assert.ok(!run.includes('${{'), run)
  })

  it('has a file for each step, and uses every input', () => {
    const texts = JSON.stringify(runs)
    for (const name of Object.keys(inputs)) assert.ok(texts.includes(`inputs.${name}`), name)
    const files = runs.steps.flatMap(({ run }) => run.match(/\w+\.mjs/g) ?? [])
    assert.deepEqual(files, ['validate.mjs', 'compare.mjs', 'comment.mjs'])
    for (const file of files) assert.ok(existsSync(join(ACTION, file)), file)
  })
})

describe('a pull request', { concurrency: 1 }, () => {
  let folder = ''
  let github: GitHub
  let base = ''
  beforeEach(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'graft-action-')))
    for (const name of ['repository', 'temporary']) mkdirSync(join(folder, name))
    github = await openGitHub()
    git('init', '-q', '-b', 'main')
    pipeline('cats', {})
    pipeline('other', { name: 'other' })
    run('cats', '20261124-101500-8f2c1a', 0.01, 0.75)
    base = commit('before')
  })
  afterEach(async () => {
    await github[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })

  const repository = () => join(folder, 'repository')
  const git = (...args: string[]) => {
    const who = ['-c', 'user.name=T', '-c', 'user.email=t@example.org']
    return execFileSync('git', [...who, ...args], { cwd: repository(), encoding: 'utf8' }).trim()
  }
  const commit = (message: string) => {
    git('add', '-A')
    git('commit', '-qm', message)
    return git('rev-parse', 'HEAD')
  }
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(repository(), path)), { recursive: true })
    writeFileSync(join(repository(), path), text)
  }
  const pipeline = (file: string, settings: object) =>
    write(`pipelines/${file}.yaml`, stringify({ ...PIPELINE, ...settings }))
  /** A run as git has it: its record, its epochs, its settings; no predictions. */
  const run = (name: string, id: string, learningRate: number, accuracy: number) => {
    makeRun(join(repository(), 'runs'), {
      name,
      id,
      config: { ...PIPELINE, name, optimizer: { learningRate } },
      record: { metrics: { validation: { accuracy } } },
    })
    write(`runs/${name}/${id}/metrics.jsonl`, `{"epoch":1,"validation":{"accuracy":${accuracy}}}\n`)
  }
  /** The action on what is committed now. */
  const act = async (given: Readonly<Record<string, string>> = {}, api: GitHub = github) => {
    const event = join(folder, 'event.json')
    writeFileSync(event, JSON.stringify({ pull_request: { number: 7, base: { sha: base } } }))
    const summary = join(folder, 'summary.md')
    writeFileSync(summary, '')
    const { code, log } = await runAction(ACTION, {
      cwd: repository(),
      with: given,
      github: { 'github.token': 'secret', 'github.event.pull_request.base.sha': base },
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        GRAFT_STORE: join(folder, 'store'),
        GITHUB_ACTIONS: 'true',
        GITHUB_API_URL: api.url,
        GITHUB_EVENT_PATH: event,
        GITHUB_REPOSITORY: 'o/r',
        GITHUB_STEP_SUMMARY: summary,
        RUNNER_TEMP: join(folder, 'temporary'),
      },
    })
    return { code, log, summary: readFileSync(summary, 'utf8') }
  }

  it('that changes no pipeline and no run is said nothing to', async () => {
    write('README.md', 'words')
    commit('words')
    const { code, log, summary } = await act()
    assert.equal(code, 0, log)
    assert.match(log, /no pipeline file was changed\nno run was added or changed\n/)
    assert.deepEqual([summary, github.comments], ['', []])
  })

  it('gets an annotation at the line that is wrong, of the files that it changed alone', async () => {
    // Wrong as well, but no matter of this pull request.
    pipeline('other', { name: 'other', sead: 8 })
    base = commit('wrong before')
    pipeline('cats', { training: { epochs: 5, bachSize: 8 } })
    pipeline('new', { name: 'new' })
    commit('a word mistyped')
    const { code, log } = await act()
    assert.equal(code, 2)
    const annotations = log.split('\n').filter((line) => line.startsWith('::'))
    assert.equal(annotations.length, 1, log)
    assert.match(annotations[0]!, /^::error file=pipelines\/cats\.yaml,line=\d+,col=\d+.*bachSize/)
    assert.match(log, /pipelines\/new\.yaml: valid/)
    assert.ok(!log.includes('other.yaml'))
  })

  it('is told how its run differs from the newest before, once, also when it is pushed to again', async () => {
    run('cats', '20261124-113000-03bd77', 0.001, 0.875)
    commit('a better rate')
    // What others do on the base's branch meanwhile is none of its changes.
    git('checkout', '-q', '-b', 'elsewhere', base)
    run('other', '20261124-120000-aaaaaa', 0.01, 0.5)
    base = commit('of others')
    git('checkout', '-q', 'main')
    const first = await act()
    assert.equal(first.code, 0, first.log)
    assert.match(first.summary, /^## Runs\n\n### `cats`\n/)
    assert.match(first.summary, /\| validation \| accuracy \| 0\.7500 \| 0\.8750 \| \+0\.1250 \|/)
    assert.match(first.summary, /`optimizer\.learningRate` \| `0\.01 -> 0\.001` \| `runs\/cats/)
    assert.ok(!first.summary.includes('other'))
    assert.equal(github.comments.length, 1)
    const [comment] = github.comments
    assert.equal(comment!.body, `<!-- graft: pipeline compare -->\n${first.summary}`)
    const calls = github.calls.length
    await act()
    assert.deepEqual(github.calls.slice(calls), ['GET /repos/o/r/issues/7/comments'])

    run('cats', '20261124-150000-5e5e5e', 0.0001, 0.9)
    commit('one more')
    const second = await act()
    assert.equal(second.code, 0, second.log)
    assert.match(second.summary, /0\.7500 \| 0\.9000 \|/)
    assert.match(second.summary, /2 new runs; the newest against the newest before/)
    assert.match(second.summary, /20261124-113000-03bd77.*0\.8750/)
    assert.equal(github.comments.length, 1)
    assert.equal(comment!.body, `<!-- graft: pipeline compare -->\n${second.summary}`)

    git('rm', '-rqf', 'runs/cats/20261124-150000-5e5e5e', 'runs/cats/20261124-113000-03bd77')
    commit('neither')
    const third = await act()
    assert.equal(third.summary, '')
    assert.match(comment!.body, /No run is added or changed/)
  })

  it('that changes a run itself is told what it was before; one of a new name stands alone', async () => {
    run('cats', '20261124-101500-8f2c1a', 0.02, 0.5)
    run('dogs', '20261124-140000-d0d0d0', 0.01, 0.625)
    commit('again')
    const { code, log, summary } = await act()
    assert.equal(code, 0, log)
    assert.match(summary, /0\.7500 \| 0\.5000 \| -0\.2500/)
    assert.match(summary, /`0\.01 -> 0\.02` \| `runs\/cats\/20261124-101500-8f2c1a\/resolved\.yaml/)
    assert.ok(!summary.includes('before-'), summary)
    assert.match(summary, /### `dogs`\n\nThe first runs of this name\.\n\n.*\n.*\n.*0\.6250/)
  })

  it('takes names as names, whatever is in them', async () => {
    const name = '$(touch hacked)`touch hacked`;"\'&'
    pipeline(`-x ${name}`, { name: 'odd', seed: 3 })
    run(name, '20261124-140000-d0d0d0', 0.01, 0.625)
    commit('odd')
    const { code, log, summary } = await act()
    assert.equal(code, 0, log)
    assert.ok(log.includes(`pipelines/-x ${name}.yaml: valid`), log)
    assert.match(summary, /0\.6250/)
    assert.ok(!existsSync(join(repository(), 'hacked')))
  })

  it('is compared although its files are wrong, and fails all the same', async () => {
    pipeline('cats', { sead: 1 })
    run('cats', '20261124-113000-03bd77', 0.001, 0.875)
    commit('both')
    const { code, summary } = await act({ comment: 'false' })
    assert.equal(code, 2)
    assert.match(summary, /0\.8750/)
    assert.deepEqual(github.calls, [])
  })

  it("finds its comment among hundreds, and never takes a person's for it", async () => {
    const mark = '<!-- graft: pipeline compare -->\nmine'
    const people = Array.from({ length: 250 }, (_, id) => {
      return { id, body: id === 3 ? mark : 'words', user: { login: 'p', type: 'User' as const } }
    })
    const bot = { id: 777, body: mark, user: { login: 'b', type: 'Bot' as const } }
    github.comments.push(...people, bot)
    run('cats', '20261124-113000-03bd77', 0.001, 0.875)
    commit('a better rate')
    const { code, log } = await act()
    assert.equal(code, 0, log)
    assert.equal(github.comments.length, 251)
    assert.equal(github.comments[3]!.body, mark)
    assert.match(bot.body, /0\.8750/)
  })

  it('from a fork, whose token may only read, has the summary and a warning', async () => {
    await using readOnly = await openGitHub({ mayWrite: false })
    run('cats', '20261124-113000-03bd77', 0.001, 0.875)
    commit('a better rate')
    const { code, log, summary } = await act({}, readOnly)
    assert.equal(code, 0, log)
    assert.match(log, /::warning::no comment: GitHub answered 403 .* \(the job summary has it\)/)
    assert.match(summary, /0\.8750/)
    const refused = await act({ token: 'another' })
    assert.equal(refused.code, 1)
    assert.match(refused.log, /::error::GitHub answered 401 to GET/)
  })

  it('with more to say than a comment holds is cut at a line, what is folded is closed', async () => {
    const folded = '<details><summary>many</summary>\n\n'
    const text = `${folded}x\n</details>\n${folded}${'a line of pictures\n'.repeat(4000)}</details>\n`
    writeFileSync(join(folder, 'temporary/pipeline-comment.md'), text)
    const event = join(folder, 'event.json')
    writeFileSync(event, JSON.stringify({ pull_request: { number: 7 } }))
    const { stdout } = await promisify(execFile)(process.execPath, [join(ACTION, 'comment.mjs')], {
      env: {
        GITHUB_API_URL: github.url,
        GITHUB_EVENT_PATH: event,
        GITHUB_REPOSITORY: 'o/r',
        GITHUB_TOKEN: 'secret',
        RUNNER_TEMP: join(folder, 'temporary'),
      },
    })
    assert.equal(stdout, 'commented\n')
    const { body } = github.comments[0]!
    assert.ok(body.length > 64_000 && body.length < 65_536)
    assert.match(body, /a line of pictures\n\n<\/details>\n\nThe rest stands in the job summary\.$/)
    assert.equal(body.split('</details>').length, body.split('<details>').length)
  })

  it('without its base in the clone is told what to do', async () => {
    write('pipelines/cats.yaml', stringify({ ...PIPELINE, seed: 2 }))
    commit('seed')
    for (const [sha, says] of [
      ['0123456789012345678901234567890123456789', /::error::.* fetch-depth: 0/],
      ['', /::error::there is no base to compare with/],
      ['--output=hacked', /::error::the base is no commit/],
    ] as const) {
      const { code, log } = await act({ base: sha })
      assert.equal(code, 1)
      assert.match(log, says)
    }
  })
})
