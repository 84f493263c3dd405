import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { FIXED } from '../../src/runs/list/columns.ts'
import { pipelineCommand } from '../support/command.ts'
import { writeManyRuns } from '../support/many-runs.ts'
import { ROOT } from '../support/paths.ts'

const page = readFileSync(join(ROOT, 'docs/runs.md'), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'))].map((m) => m[1]!)

/** The words of a shell's line, without its comment. */
function wordsOf(line: string): string[] {
  const parts = line.match(/#.*|"[^"]*"|'[^']*'|[^\s"'#]+/g) ?? []
  return parts
    .filter((part) => !part.startsWith('#'))
    .map((part) => part.replace(/^["']|["']$/g, ''))
}

describe('docs/runs.md', () => {
  let project: string
  before(() => {
    project = mkdtempSync(join(tmpdir(), 'graft-docs-'))
    writeManyRuns(join(project, 'runs'), 12)
  })
  after(() => rmSync(project, { recursive: true }))

  it('has commands that work, one after the other, and the output that it shows', async () => {
    const lines = blocks('sh').flatMap((block) => block.trimEnd().split('\n'))
    assert.ok(lines.length > 20)
    for (const line of lines) {
      const [program, ...words] = wordsOf(line)
      assert.equal(program, 'pipeline')
      const { code, stdout, stderr } = await pipelineCommand(words, project)
      assert.equal(code, 0, `${line}: ${stderr}`)
      if (words.includes('--only-changed')) assert.equal(stdout, blocks('text')[0])
      if (words.includes('-x')) {
        const marks = join(project, 'runs/fruits-head/20260101-000800-353ce1/marks.json')
        assert.equal(readFileSync(marks, 'utf8'), blocks('json')[0])
      }
    }
  })

  it('names every key that all runs have', () => {
    for (const key of Object.keys(FIXED)) assert.ok(page.includes(`\`${key}\``), key)
  })
})
