import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { PredictionLine } from '../../src/stages/evaluate.ts'
import { writePicture } from './pictures.ts'
import { createProject, type Outcome, type Project, type RunResult } from './rig.ts'

interface Answer {
  readonly predicted: string
  readonly probability: number
}

/** What `diff --json` promises (spec: cli.md). */
interface DiffJson {
  readonly a: object
  readonly b: object
  readonly verdict: string
  readonly same: boolean
  readonly metrics: readonly {
    name: string
    split: string
    a: number
    b: number
    delta: number
    better: string | null
    p: number | null
  }[]
  readonly config: readonly { path: string; a: unknown; b: unknown; at: { a: string; b: string } }[]
  readonly data: {
    added: { image: string }[]
    removed: unknown[]
    changed: unknown[]
    relabelled: unknown[]
  }
  readonly stages: readonly { id: string; why: string }[]
  readonly environment: readonly { name: string; a: unknown; b: unknown }[]
  readonly flips: readonly { image: string; truth: string; change: string; a: Answer; b: Answer }[]
}

/** Two trainings that differ by the learning rate, and a third on more test pictures. */
describe('pipeline diff of runs that were trained', () => {
  let project: Project
  let [slow, fast, more]: RunResult[] = []
  before(async () => {
    project = await createProject({}, { test: 12 })
    slow = (await project.run('--set', 'optimizer.learningRate=0.0002')).result
    fast = (await project.run()).result
    await writePicture(join(project.path, 'pictures/test/red/new.png'), 'red', 4711)
    more = (await project.run()).result
  })
  after(() => project[Symbol.asyncDispose]())

  const diff = async (...args: readonly string[]): Promise<DiffJson> => {
    const { code, stdout, stderr } = await project.pipeline(['diff', ...args, '--json'])
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout) as DiffJson
  }
  const linesOf = ({ run }: RunResult) =>
    readFileSync(join(project.path, run.dir, 'predictions.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as PredictionLine)

  it('names the key, the stages and exactly the pictures that flipped', async () => {
    const { config, stages, data, environment, flips, metrics, verdict } = await diff(
      slow!.run.id,
      fast!.run.id,
    )
    const path = 'optimizer.learningRate'
    assert.deepEqual(
      config.map((row) => [row.path, row.a, row.b]),
      [[path, 0.0002, 0.002]],
    )
    for (const [run, at] of [
      [slow, config[0]!.at.a],
      [fast, config[0]!.at.b],
    ] as const) {
      const [file, line] = at.split(':')
      assert.equal(file, `${run!.run.dir}/resolved.yaml`)
      const text = readFileSync(join(project.path, file!), 'utf8').split('\n')[Number(line) - 1]
      assert.match(text!, /^ {2}learningRate: 0\.000?2$/)
    }
    assert.deepEqual(
      stages.map(({ id, why }) => [id, why]),
      [
        ['train', 'params.optimizer.learningRate 0.0002 -> 0.002'],
        ['evaluate:test', 'input model changed'],
      ],
    )
    assert.deepEqual(data, {
      splits: [],
      added: [],
      removed: [],
      changed: [],
      relabelled: [],
      moved: [],
    })
    assert.deepEqual(environment, [])

    const [before, now] = [linesOf(slow!), linesOf(fast!)]
    const expected = now.flatMap((line, i) => {
      const old = before[i]!
      assert.equal(old.image, line.image)
      const [was, is] = [old.predicted === old.label, line.predicted === line.label]
      if (was === is) return []
      const shown = ({ predicted, probability }: PredictionLine) => ({ predicted, probability })
      return [
        {
          image: line.image,
          truth: line.label,
          change: is ? 'won' : 'lost',
          a: shown(old),
          b: shown(line),
        },
      ]
    })
    assert.ok(expected.length > 3)
    const byImage = (a: { image: string }, b: { image: string }) => (a.image < b.image ? -1 : 1)
    const got = flips.map(({ image, truth, change, a, b }) => {
      const shown = ({ predicted, probability }: Answer) => ({ predicted, probability })
      return { image, truth, change, a: shown(a), b: shown(b) }
    })
    assert.deepEqual(got.sort(byImage), expected.sort(byImage))
    const confidence = flips.map(({ b }) => b.probability)
    assert.deepEqual(
      confidence,
      confidence.toSorted((a, b) => b - a),
    )

    const accuracy = metrics.find(({ name }) => name === 'accuracy')!
    assert.deepEqual(
      [accuracy.a, accuracy.b],
      [slow!.metrics['test']!['accuracy'], fast!.metrics['test']!['accuracy']],
    )
    assert.equal(accuracy.better, 'b')
    assert.ok(accuracy.p! < 1)
    assert.match(verdict, /One key differs: optimizer\.learningRate 0\.0002 -> 0\.002\.$/)
  })

  it('takes the two newest where none is named, and says loudly that their test data differs', async () => {
    const { verdict, config, data, metrics } = await diff()
    assert.match(verdict, /^DIFFERENT TEST DATA: .*No key differs\.$/)
    assert.deepEqual(config, [])
    assert.deepEqual(
      data.added.map(({ image }) => image),
      ['test/red/new.png'],
    )
    assert.ok(metrics.every(({ p }) => p === null))
    assert.deepEqual((await diff(fast!.run.id)).b, {
      run: { name: 'little', id: more!.run.id },
      status: 'done',
    })
  })

  it('prints sections in their order, and only those that have something', async () => {
    const { stdout } = await project.pipeline([
      'diff',
      slow!.run.id,
      fast!.run.id,
      '--precision',
      '2',
    ])
    const titles = ['Metrics', 'Config', 'Stages', 'Predictions', 'Wrong to right: ']
    assert.deepEqual(
      titles,
      titles.toSorted((a, b) => stdout.indexOf(`\n${a}`) - stdout.indexOf(`\n${b}`)),
    )
    assert.ok(
      titles.every((title) => stdout.includes(`\n${title}`)),
      stdout,
    )
    assert.doesNotMatch(stdout, /\nData|\nEnvironment/)
    assert.match(stdout, /\ntest +loss +\d\.\d\d +\d\.\d\d +-\d\.\d\d +B\n/)
    const all = await project.pipeline(['diff', slow!.run.id, fast!.run.id, '--all'])
    assert.match(all.stdout, /\nData\n.*\ntrain +27 +27/)
    assert.match(all.stdout, /\nEnvironment\n/)
    assert.match(all.stdout, /\ntraining\.epochs +3 /)
  })

  it('writes Markdown with folded lists of pictures', async () => {
    const { stdout } = await project.pipeline(['diff', slow!.run.id, fast!.run.id, '--md'])
    assert.match(stdout, /^\*\*.*One key differs: .*\*\*\n/)
    assert.match(
      stdout,
      /\n### Config\n\n\| key \| A -> B \|.*\n.*\n\| `optimizer\.learningRate` \| `0\.0002 -> 0\.002` \|/,
    )
    assert.match(stdout, /\n<details><summary>Wrong to right: \d+<\/summary>\n\n\| picture /)
  })

  it('ends with 1 where something differs, if asked as git is', async () => {
    const code = async (...args: readonly string[]) =>
      (await project.pipeline(['diff', ...args])).code
    assert.equal(await code('@-1', '@latest', '--exit-code'), 1)
    assert.equal(await code('@latest', '@latest', '--exit-code'), 0)
  })

  it('compares the rest of runs whose lists of pictures git has left out', async () => {
    await using clone = await project.copy()
    for (const { run } of [slow!, fast!]) {
      for (const file of ['index.jsonl', 'predictions.jsonl', 'model']) {
        rmSync(join(clone.path, run.dir, file), { recursive: true })
      }
    }
    const env = { GRAFT_STORE: join(clone.path, 'empty') }
    const { code, stdout } = await clone.pipeline(['diff', slow!.run.id, fast!.run.id], { env })
    assert.equal(code, 0)
    assert.match(stdout, /One key differs: optimizer\.learningRate/)
    assert.match(stdout, /\ntrain +its fingerprint differs/)
    assert.match(
      stdout,
      /\nthis store does not have what stages were made of: why they differ is not known\n/,
    )
    assert.match(
      stdout,
      /\nA and B without predictions\.jsonl: which pictures flipped is not known\n/,
    )
  })

  it('compares a run with a file: its keys, and what would run', async () => {
    project.configure({ training: { epochs: 4 } }, 'longer.yaml')
    const { a, b, verdict, config, stages, metrics, environment } = await diff(
      more!.run.id,
      'longer.yaml',
    )
    assert.deepEqual(
      [a, b],
      [{ run: { name: 'little', id: more!.run.id }, status: 'done' }, { file: 'longer.yaml' }],
    )
    assert.equal(
      verdict,
      'B is a file and has no figures yet. One key differs: training.epochs 3 -> 4. To run: train, evaluate:test.',
    )
    const [row] = config
    assert.equal(
      readFileSync(join(project.path, 'longer.yaml'), 'utf8').split('\n')[
        Number(row!.at.b.split(':')[1]) - 1
      ],
      '  epochs: 4',
    )
    assert.deepEqual(
      stages.map(({ id, why }) => [id, why]),
      [
        ['train', 'params.epochs 3 -> 4'],
        ['evaluate:test', 'follows train'],
      ],
    )
    assert.deepEqual([metrics, environment], [[], []])
    project.configure({ engine: 'tensorflow' }, 'native.yaml')
    const none = join(project.path, 'none')
    const env = {
      GRAFT_ENGINES: none,
      XDG_CACHE_HOME: none,
      GRAFT_LIBTENSORFLOW: join(none, 'lib.so'),
    }
    const lacking = await project.pipeline(['diff', more!.run.id, 'native.yaml'], { env })
    assert.match(lacking.stdout, /engine\.name +wasm -> tensorflow/)
    assert.match(lacking.stdout, /\nB: which stages would run is not known: ENGINE_MISSING /)
    assert.doesNotMatch(lacking.stdout, /\nStages/)
    const same = await project.pipeline(['diff', more!.run.id, 'pipeline.yaml', '--exit-code'])
    assert.deepEqual([same.code, same.stdout.includes('Nothing differs.')], [0, true])
  })

  it('compares with a file at a revision of git, and what it extends there', async () => {
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], {
        cwd: project.path,
        stdio: 'pipe',
      })
    const write = (path: string, text: string) => writeFileSync(join(project.path, path), text)
    project.configure({ optimizer: { learningRate: 0.5 } }, 'base.yaml')
    write('child.yaml', 'extends: base.yaml\ntraining: {epochs: 3}\n')
    git('init', '--quiet')
    git('add', 'base.yaml', 'child.yaml')
    git('commit', '--quiet', '-m', 'one')
    project.configure({}, 'base.yaml')
    const { a, config } = await diff('HEAD:child.yaml', 'child.yaml')
    assert.deepEqual(a, { file: 'HEAD:child.yaml' })
    assert.deepEqual(
      config.map((row) => [row.path, row.a, row.b]),
      [['optimizer.learningRate', 0.5, 0.002]],
    )
    assert.match(config[0]!.at.a, /^HEAD:base\.yaml:\d+$/)
    assert.match(config[0]!.at.b, /^base\.yaml:\d+$/)

    write('child.yaml', 'extends: base.yaml\nsead: 3\n')
    git('commit', '--quiet', '-a', '-m', 'two')
    write('child.yaml', 'a line of today\nand another\n')
    const { code, stderr } = await project.pipeline(['diff', 'HEAD:child.yaml'])
    assert.equal(code, 2)
    assert.match(stderr, /^HEAD:child\.yaml:2:1 UNKNOWN_KEY unknown key "sead"/)
    assert.doesNotMatch(stderr, /today|another/)
  })

  it('compares any number of runs, a name standing for all of its runs', async () => {
    const { code, stdout } = await project.pipeline(['compare', 'little', '@latest', '--json'])
    assert.equal(code, 0)
    const { runs, keys, metrics, curves } = JSON.parse(stdout) as {
      runs: { id: string }[]
      keys: { path: string; values: unknown[] }[]
      metrics: { name: string; values: number[]; best: number[] }[]
      curves: { split: string; name: string; values: number[][] }[]
    }
    const all = [slow!, fast!, more!]
    assert.deepEqual(
      runs.map(({ id }) => id),
      all.map(({ run }) => run.id),
    )
    assert.deepEqual(keys, [{ path: 'optimizer.learningRate', values: [0.0002, 0.002, 0.002] }])
    const accuracies = all.map((run) => run.metrics['test']!['accuracy']!)
    const accuracy = metrics.find(({ name }) => name === 'accuracy')!
    assert.deepEqual(accuracy.values, accuracies)
    assert.ok(accuracy.best.every((i) => accuracies[i] === Math.max(...accuracies)))
    const losses = curves.find(({ split, name }) => split === 'validation' && name === 'loss')!
    assert.deepEqual(
      losses.values,
      all.map(({ epochs }) => epochs.map((epoch) => epoch.validation!['loss'])),
    )
    const md = await project.pipeline(['compare', slow!.run.id, fast!.run.id, '--md'])
    assert.match(md.stdout, /^\| run \| optimizer\.learningRate \| test\.accuracy \|/)
    const none = await project.pipeline(['compare', 'nothing'])
    assert.match(`${none.code} ${none.stderr}`, /^1 UNKNOWN_RUN no run nothing/)
  })

  it('says what is wrong with what is named', async () => {
    const problem = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr }: Outcome = await project.pipeline(['diff', ...args])
      assert.equal(stdout, '')
      return `${code} ${stderr}`
    }
    assert.match(await problem('nothing'), /^1 UNKNOWN_RUN no run nothing/)
    assert.match(
      await problem('nothing.yaml'),
      /^2 FILE_NOT_FOUND the file nothing\.yaml is not there/,
    )
    assert.match(await problem('HEAD~50:child.yaml'), /^2 USAGE git knows no revision "HEAD~50"/)
    assert.match(
      await problem('HEAD:none.yaml'),
      /^2 FILE_NOT_FOUND the file none\.yaml is not there at HEAD/,
    )
    const nowhere = await project.pipeline(['diff', 'HEAD:child.yaml'], {
      env: { PATH: project.path },
    })
    assert.match(
      `${nowhere.code} ${nowhere.stderr}`,
      /^3 TOOL_MISSING a file at a revision is read by git/,
    )
    assert.match(await problem('--precision', 'many'), /^2 USAGE --precision takes a whole number/)
    assert.match(await problem('--runs', 'elsewhere'), /^1 UNKNOWN_RUN there are no runs here/)
  })
})
