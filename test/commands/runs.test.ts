import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { run as ls } from '../../src/commands/ls.ts'
import { ownerText, self } from '../../src/graph/owner.ts'
import { RUN_FILES } from '../../src/runs/record.ts'
import { textWidth } from '../../src/util/width.ts'
import { pipelineCommand } from '../support/command.ts'
import { madeRecord, writeManyRuns } from '../support/many-runs.ts'
import { fakeOutput } from '../support/output.ts'

const COUNT = 12
let project: string
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'graft-ls-'))
  writeManyRuns(join(project, 'runs'), COUNT)
})
afterEach(() => rmSync(project, { recursive: true }))

const pipeline = (...words: readonly string[]) => pipelineCommand(words, project)
const idOf = (i: number) => madeRecord(i, 5).id
const folderOf = (i: number) => join('runs', madeRecord(i, 5).name, idOf(i))
const fileOf = (i: number, name: string) => join(project, folderOf(i), name)

/** Standard output of a command that ends well. */
async function told(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await pipeline(...words)
  assert.equal(code, 0, stderr)
  return stdout
}

async function listed(...words: readonly string[]): Promise<Record<string, unknown>[]> {
  return JSON.parse(await told('ls', '--json', ...words)) as Record<string, unknown>[]
}

async function refused(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await pipeline(...words)
  assert.equal(stdout, '')
  return `${code} ${stderr}`
}

/** What `ls` prints in a terminal of so many columns. */
async function inTerminal(
  columns: number,
  options: Record<string, unknown> = {},
  names: string[] = [],
) {
  const { stream, text } = fakeOutput(columns)
  await ls(names, options, { stdout: stream, env: {}, cwd: project } as never)
  return text()
}

describe('pipeline ls', () => {
  it('tells the runs newest first, with what they are judged by', async () => {
    const lines = (await told('ls')).trimEnd().split('\n')
    assert.equal(lines.length, COUNT + 1)
    assert.match(lines[0]!, /^name +id +status +split +accuracy +loss +engine +tags$/)
    assert.match(
      lines[1]!,
      new RegExp(`^cats-and-dogs +${idOf(11)} +done +test +0\\.\\d{4} +0\\.\\d{4}`),
    )
    assert.deepEqual(
      (await listed()).map(({ id }) => id),
      Array.from({ length: COUNT }, (_, i) => idOf(COUNT - 1 - i)),
    )
    const [one] = await listed('--filter', `id = ${idOf(8)}`)
    const { name, status, started, seconds, metrics, tags } = madeRecord(8, 5)
    assert.deepEqual(one, {
      ...{ name, id: idOf(8), status, started, seconds, metrics },
      ...{ engine: 'tensorflow', tags: [...tags!].sort(), note: null },
    })
  })

  it('of names, patterns, filters that all must fit, sorted, and no more than asked for', async () => {
    const ids = async (...words: readonly string[]) => (await listed(...words)).map(({ id }) => id)
    assert.deepEqual(await ids('fruits-head', 'quick*'), [8, 7, 3, 2].map(idOf))
    assert.deepEqual(
      await ids('fruits*', '--filter', 'seed > 0', '--filter', 'tag = x'),
      [8].map(idOf),
    )
    const byRate = await listed(
      '--sort',
      '-learningRate',
      '--columns',
      'learningRate,freeze',
      '--limit',
      '3',
    )
    assert.deepEqual(byRate, [
      { learningRate: 0.01, freeze: 'all' },
      { learningRate: 0.01, freeze: 'first: 100' },
      { learningRate: 0.01, freeze: 'all' },
    ])
    assert.match(await told('ls', '--filter', 'accuracy > 2'), /^none of 12 runs fits$/m)
    assert.match(await told('ls', 'quick'), /^no runs of quick in runs; names there: .*quickstart/)
  })

  it('as a table for a spreadsheet has plain values, for Markdown and people rounded ones', async () => {
    const words = [
      'ls',
      '--limit',
      '1',
      '--columns',
      'id,started,seconds,accuracy,dataset.imageSize,commit',
    ]
    const { started, seconds, metrics, environment } = madeRecord(11, 5)
    const { commit } = environment['git'] as { commit: string }
    const accuracy = metrics['test']!['accuracy']!
    assert.equal(
      await told(...words, '--csv'),
      `id,started,seconds,accuracy,dataset.imageSize,commit\n${idOf(11)},${started},${seconds},${accuracy},224 224,${commit}\n`,
    )
    const [, rule, row] = (await told(...words, '--md')).split('\n')
    assert.equal(rule, '| --- | --- | --: | --: | --- | --- |')
    assert.equal(
      row,
      `| ${idOf(11)} | 2026-01-01 00:11 | 1 min 11 s | ${accuracy.toFixed(4)} | 224 224 | ${commit.slice(0, 8)} |`,
    )
  })

  it('--only-changed shows what was tried: settings that differ, and none that is always the same', async () => {
    const [header] = (await told('ls', '--only-changed')).split('\n')
    assert.equal(
      header!.split(/ +/).join(' '),
      'name id status accuracy loss tags seed freeze head.1.Dense.units optimizer.learningRate training.batchSize',
    )
    const [few] = (await told('ls', '--only-changed', '--columns', 'engine,seed,id')).split('\n')
    assert.equal(few, 'seed  id')
  })

  it('keeps the width of a terminal: columns go, names are cut, settings become blocks', async () => {
    for (const columns of [40, 60, 80, 120]) {
      for (const options of [
        {},
        { onlyChanged: true },
        { columns: '+note,freeze,optimizer.name' },
      ]) {
        const text = await inTerminal(columns, options)
        const widest = Math.max(...text.split('\n').map(textWidth))
        assert.ok(widest <= Math.max(columns, 57), `${widest} of ${columns}:\n${text}`)
        for (let i = 0; i < COUNT; i += 1) assert.ok(text.includes(idOf(i)))
      }
    }
    assert.match(await inTerminal(60), /^name +id +status +accuracy +loss$/m)
    assert.match(
      await inTerminal(60, { onlyChanged: true, limit: '2' }),
      /^optimizer\.learningRate {2}0\.003\ntraining\.batchSize {6}64\n\nname {20}/m,
    )
  })

  it('says what is wrong with an option, and where', async () => {
    assert.equal(
      await refused('ls', '--filter', 'acuracy > 0.9'),
      `2 USAGE --filter, character 1: unknown key "acuracy"; did you mean "accuracy"?
  acuracy > 0.9
  ^
  hint: keys are name, id, status, started, seconds, engine, tags, note, metrics (accuracy, validation.loss) and settings (optimizer.learningRate): see docs/runs.md
`,
    )
    assert.match(
      await refused('ls', '--sort', '-acuracy'),
      /^2 USAGE --sort: unknown key "acuracy"/,
    )
    assert.match(await refused('ls', '--columns', 'id,lrate'), /^2 USAGE --columns: unknown key/)
    assert.match(await refused('ls', '--columns', ','), /^2 USAGE --columns takes names of columns/)
    assert.match(await refused('ls', '--limit', '-1'), /^2 USAGE --limit takes a whole number/)
  })

  it('where there are no runs says how to make one, and is an empty table for programs', async () => {
    const there = ['--runs', 'other']
    assert.equal(
      await told('ls', ...there),
      'no runs in other yet: `pipeline run FILE` makes one\n',
    )
    assert.equal(await told('ls', '--json', ...there), '[]\n')
    assert.equal(await told('ls', '--csv', ...there), 'name,id,status,split,accuracy,loss,engine\n')
  })
})

describe('pipeline tag and note', () => {
  it('leave run.json as it was and a small file that says what changed', async () => {
    const record = readFileSync(fileOf(8, RUN_FILES.record), 'utf8')
    assert.equal(
      await told('tag', idOf(8), '@latest', '+thesis', '-x', '+best', '-h2'),
      `fruits-head ${idOf(8)}  best course thesis\ncats-and-dogs ${idOf(11)}  best thesis\n`,
    )
    await told('note', idOf(8), ' Overfits. ')
    assert.equal(
      readFileSync(fileOf(8, RUN_FILES.marks), 'utf8'),
      `{
  "note": "Overfits.",
  "tags": {
    "best": true,
    "thesis": true,
    "x": false
  }
}
`,
    )
    assert.equal(readFileSync(fileOf(8, RUN_FILES.record), 'utf8'), record)
    const [one] = await listed('--filter', 'tag = best and note ~ Over* and not tag = x')
    assert.deepEqual([one!['tags'], one!['note']], [['best', 'course', 'thesis'], 'Overfits.'])
    assert.match(await told('show', idOf(8)), /^tags: best course thesis\nOverfits\.$/m)
    const shown = JSON.parse(await told('show', idOf(8), '--json')) as Record<string, unknown>
    assert.deepEqual([shown['tags'], shown['note']], [['best', 'course', 'thesis'], 'Overfits.'])
  })

  it('taken back leave no file; without a change they tell what there is', async () => {
    await told('tag', idOf(8), '+best', '-x')
    await told('note', idOf(8), 'hm')
    assert.equal(await told('tag', idOf(8)), `fruits-head ${idOf(8)}  best course\n`)
    assert.equal(await told('note', idOf(8)), `fruits-head ${idOf(8)}  hm\n`)
    await told('tag', idOf(8), '-best', '+x')
    assert.equal(await told('note', idOf(8), ''), `fruits-head ${idOf(8)}  no note\n`)
    assert.ok(!existsSync(fileOf(8, RUN_FILES.marks)))
    assert.deepEqual(JSON.parse(await told('tag', idOf(7), '--json')), [
      { name: 'quickstart', id: idOf(7), tags: [] },
    ])
  })

  it('change nothing where one run is not there, or a tag is no word', async () => {
    assert.match(await refused('tag', '@latest', 'nope', '+best'), /^1 UNKNOWN_RUN no run nope/)
    assert.match(await refused('tag', '@latest', '+a b'), /^2 USAGE a tag is one word/)
    assert.match(await refused('tag', '+best'), /^2 USAGE no run is named/)
    assert.match(await refused('tag', '@latest', '--best'), /^2 USAGE unknown option "--best"/)
    assert.ok(!existsSync(fileOf(11, RUN_FILES.marks)))
    assert.match(await told('tag', '-h'), /^ {2}\$ pipeline tag @latest \+best/m)
  })

  it('of others move no cursor', async () => {
    writeFileSync(fileOf(8, RUN_FILES.marks), JSON.stringify({ note: 'a\u001b[2Jb\r\nc' }))
    for (const words of [
      ['ls', '--columns', 'id,note'],
      ['show', idOf(8)],
      ['note', idOf(8)],
    ]) {
      const text = await told(...words)
      assert.ok(text.includes('a [2Jb c'), text)
      assert.ok(!text.includes('\u001b'))
    }
  })

  it('a marks.json that cannot be read is as none', async () => {
    writeFileSync(fileOf(8, RUN_FILES.marks), '<<<<<<< HEAD')
    assert.deepEqual((await listed('--filter', `id = ${idOf(8)}`))[0]!['tags'], ['course', 'x'])
  })
})

describe('pipeline rm', () => {
  it('moves runs into the trash, and back', async () => {
    const before = readFileSync(fileOf(3, RUN_FILES.record), 'utf8')
    const text = await told('rm', idOf(3), '@latest', folderOf(3))
    assert.match(
      text,
      new RegExp(
        `^fruits-head ${idOf(3)} is in runs/.trash/fruits-head/${idOf(3)}; back: .* rm --restore ${idOf(3)}$`,
        'm',
      ),
    )
    assert.equal(text.match(/is in/g)?.length, 2)
    assert.equal((await listed()).length, COUNT - 2)
    assert.deepEqual(
      (await listed('--trash')).map(({ id }) => id),
      [idOf(11), idOf(3)],
    )
    assert.match(
      await refused('show', idOf(3)),
      new RegExp(`hint: it is in the trash: pipeline rm --restore ${idOf(3)}`),
    )
    assert.equal(
      await told('rm', '--restore', idOf(3)),
      `fruits-head ${idOf(3)} is back: ${folderOf(3)}\n`,
    )
    assert.equal(readFileSync(fileOf(3, RUN_FILES.record), 'utf8'), before)
    assert.equal((await listed()).length, COUNT - 1)
  })

  it('deletes for good where it is asked to, also out of the trash', async () => {
    await told('rm', idOf(3), idOf(4), idOf(5))
    assert.equal(
      await told('rm', '--purge', idOf(3), idOf(6)),
      `fruits-head ${idOf(3)} is deleted\ncats-and-dogs ${idOf(6)} is deleted\n`,
    )
    assert.equal((await listed('--trash')).length, 2)
    assert.equal(await told('rm', '--empty-trash'), 'runs/.trash is empty\n')
    assert.ok(!existsSync(join(project, 'runs', '.trash')))
    assert.equal((await listed()).length, COUNT - 4)
  })

  it('refuses a run that is under way, and takes none of those beside it', async () => {
    writeFileSync(fileOf(2, RUN_FILES.running), JSON.stringify({ process: ownerText(self()) }))
    assert.match(await refused('rm', idOf(1), idOf(2)), /^2 USAGE quickstart \S+ is running\n/)
    assert.match(await refused('rm', '--purge', idOf(2)), /^2 USAGE quickstart \S+ is running\n/)
    assert.equal((await listed()).length, COUNT)
  })

  it('refuses what it does not understand, and folders that are elsewhere', async () => {
    assert.match(await refused('rm'), /^2 USAGE no run is named/)
    assert.match(
      await refused('rm', '--empty-trash', idOf(1)),
      /^2 USAGE --empty-trash takes no run/,
    )
    assert.match(await refused('rm', '--purge', '--restore', idOf(1)), /^2 USAGE .*three different/)
    assert.match(await refused('rm', folderOf(1), '--runs', 'other'), /^2 USAGE .* is not below/)
    assert.match(await refused('rm', '--restore', idOf(1)), /^1 UNKNOWN_RUN/)
    await told('rm', idOf(1))
    writeManyRuns(join(project, 'runs'), 2)
    assert.match(await refused('rm', '--restore', idOf(1)), /^2 USAGE there is a run in/)
  })
})
