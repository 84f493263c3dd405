import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parse, stringify } from 'yaml'
import { readSweep } from '../../src/pipeline/sweep-block.ts'
import { openSweep } from '../../src/sweeps/sweep.ts'
import { CLASSES, createProject, type Project, type Settings } from '../e2e/rig.ts'
import { ROOT } from '../support/paths.ts'

const page = readFileSync(join(ROOT, 'docs/sweeps.md'), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'))].map((m) => m[1]!)

/** What the examples are laid over. */
const PIPELINE: Settings = {
  name: 'cats',
  dataset: {
    source: { path: 'pictures' },
    splits: { train: 'train', validation: { from: 'train', fraction: 0.25 }, test: 'test' },
  },
  baseModel: { name: 'MobileNetV2', weights: 'none' },
  head: ['GlobalAveragePooling2D', CLASSES],
}

/** The words of a shell's line, without its comment. */
function wordsOf(line: string): string[] {
  const parts = line.match(/#.*|"[^"]*"|'[^']*'|[^\s"'#]+/g) ?? []
  return parts
    .filter((part) => !part.startsWith('#'))
    .map((part) => part.replace(/^["']|["']$/g, ''))
}

describe('docs/sweeps.md: its blocks', () => {
  let folder = ''
  before(async () => void (folder = await mkdtemp(join(tmpdir(), 'graft-sweeps-'))))
  after(() => rm(folder, { recursive: true }))

  for (const [number, block] of blocks('yaml').entries()) {
    const [, most, count] = /^# (at most )?(\d+) trials\n/.exec(block)!

    it(`block ${number + 1} makes ${most ?? ''}${count} trials, each of them valid`, async () => {
      const file = join(folder, `${number}.yaml`)
      writeFileSync(file, stringify({ ...PIPELINE, ...(parse(block) as object) }))
      const given = { set: [], env: {}, cwd: folder, runs: join(folder, 'runs') }
      const read = await readSweep(file, given)
      const { trials, warnings } = await openSweep(file, read!, given)
      if (most) assert.equal(read!.maxTrials, Number(count))
      else assert.equal(trials.length, Number(count))
      assert.deepEqual(warnings, [])
    })
  }
})

describe('docs/sweeps.md: its commands, on wasm', () => {
  let project: Project
  before(async () => {
    project = await createProject()
    const first = parse(blocks('yaml')[0]!) as Settings
    const places = { dataset: { source: { path: '../pictures' } } }
    const baseModel = { weights: '../trunk.h5' }
    const training = { epochs: 1 }
    const settings = { ...first, ...places, baseModel, training, name: 'cats' }
    await mkdir(join(project.path, 'pipelines'))
    project.configure(settings, 'pipelines/cats.yaml')
  })
  after(() => project[Symbol.asyncDispose]())

  it('work, one after the other', async () => {
    const lines = blocks('sh').flatMap((block) => block.trimEnd().split('\n'))
    assert.ok(lines.length > 12)
    for (const line of lines) {
      const [program, ...words] = wordsOf(line)
      assert.equal(program, 'pipeline')
      const { code, stderr } = await project.pipeline(words)
      assert.equal(code, 0, `${line}: ${stderr}`)
    }
    const csv = readFileSync(join(project.path, 'trials.csv'), 'utf8').trim().split('\n')
    assert.equal(csv.length, 5)
  })

  it('show the table that stands on the page', async () => {
    const { stdout } = await project.pipeline(['sweep', 'show', 'cats'])
    const table = (text: string) => text.split('\n').filter((line) => line !== '')
    const [theirs, shown] = [table(stdout), table(blocks('text')[0]!)]
    assert.equal(theirs[0], `${shown[0]}   4 more that the file no longer has`)
    const words = (line: string) => line.trim().split(/ {2,}/)
    assert.deepEqual(words(theirs[1]!), words(shown[1]!))
    const parameters = (rows: string[]) =>
      rows.map((row) => words(row).slice(0, 2).join(' ')).sort()
    assert.deepEqual(parameters(theirs.slice(2, 6)), parameters(shown.slice(2)))
  })

  it('leave the files that the page names', () => {
    const runs = join(project.path, 'runs')
    const [trial] = readdirSync(join(runs, 'cats/sweep/trials'))
    const rows = [...page.matchAll(/^\| `runs\/(\S+)` /gm)].map((match) => match[1]!)
    assert.equal(rows.length, 5)
    for (const row of rows.slice(1)) {
      const path = row.replace('NAME', 'cats').replace('TRIAL', trial!)
      assert.ok(existsSync(join(runs, path.replace(/\/open$/, '/closed'))), row)
    }
    const boards = readdirSync(join(runs, 'cats')).filter((id) =>
      existsSync(join(runs, 'cats', id, 'tensorboard/train')),
    )
    assert.ok(boards.length >= 4)
  })
})
