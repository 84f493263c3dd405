import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parse, stringify } from 'yaml'
import { writePictures } from '../e2e/pictures.ts'
import { pipelineCommand } from '../support/command.ts'
import { readAction } from '../support/composite.ts'
import { makeRun } from '../support/made-run.ts'
import { ROOT } from '../support/paths.ts'

const page = readFileSync(join(ROOT, 'docs/continuous-integration.md'), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'))].map((m) => m[1]!)

const PIPELINE = {
  name: 'cats',
  dataset: {
    source: { path: '../pictures' },
    splits: { train: 'train', validation: 'test' },
  },
  baseModel: { name: 'MobileNetV2', weights: 'none' },
  head: ['GlobalAveragePooling2D', { Dense: { units: 'classes', activation: 'softmax' } }],
}

interface Workflow {
  readonly on: string
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<
    Record<string, { steps: { uses: string; with: Record<string, unknown> }[] }>
  >
}

describe('docs/continuous-integration.md', () => {
  let project = ''
  before(async () => {
    project = mkdtempSync(join(tmpdir(), 'graft-ci-'))
    await writePictures(join(project, 'pictures'), {})
    mkdirSync(join(project, 'pipelines'))
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], {
        cwd: project,
      })
    git('init', '-q')
    for (const seed of [1, 2]) {
      writeFileSync(join(project, 'pipelines/cats.yaml'), stringify({ ...PIPELINE, seed }))
      git('add', 'pipelines')
      git('commit', '-qm', `seed ${seed}`)
      makeRun(join(project, 'runs'), {
        name: 'cats',
        id: `20261124-10150${seed}-8f2c1a`,
        config: { ...PIPELINE, seed },
        record: { metrics: { validation: { accuracy: 1 - seed / 8 } } },
      })
    }
  })
  after(() => rmSync(project, { recursive: true }))

  const lines = blocks('sh').flatMap((block) => block.trimEnd().split('\n'))
  for (const line of lines) {
    it(line, async () => {
      const [program, ...words] = line.replace(/ +#.*/, '').split(' ')
      assert.equal(program, 'pipeline')
      const given = words.map((word) => word.replace('*.yaml', 'cats.yaml'))
      const { code, stdout, stderr } = await pipelineCommand(given, project)
      assert.equal(code, words.includes('--exit-code') ? 1 : 0, stderr)
      assert.notEqual(stdout, '')
    })
  }

  it('shows a workflow that calls the action as it is', () => {
    const { on, permissions, jobs } = parse(blocks('yml')[0]!) as Workflow
    assert.deepEqual(
      [on, permissions],
      ['pull_request', { contents: 'read', 'pull-requests': 'write' }],
    )
    const [checkout, , ours] = jobs['pipelines']!.steps
    assert.equal(checkout!.with['fetch-depth'], 0)
    const path = /^OWNER\/graft\/(.+)@main$/.exec(ours!.uses)![1]!
    assert.ok(existsSync(join(ROOT, path, 'action.yml')))
    const { inputs } = readAction(join(ROOT, path))
    for (const name of Object.keys(ours!.with)) assert.ok(name in inputs, name)
    const rows = [...page.matchAll(/^\| `(\w+)` +\| (.+?) +\|/gm)]
    assert.deepEqual(
      rows.map(([, name]) => name),
      Object.keys(inputs),
    )
    for (const [, name, value] of rows) {
      const literal = /^`(.*)`$/.exec(value!)?.[1]
      if (literal !== undefined) assert.equal(inputs[name!]!.default, literal)
    }
  })
})
