import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { COMMANDS } from '../../src/commands/table.ts'
import { createProject } from '../e2e/rig.ts'
import { jsonOf, shown } from '../e2e/sweep-ledger.ts'
import { fakeSlurm } from '../support/fake-slurm.ts'
import { ROOT } from '../support/paths.ts'

const page = readFileSync(join(ROOT, 'docs/cluster.md'), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'))].map((m) => m[1]!)

describe('docs/cluster.md', () => {
  it('has commands that work one after the other, and the script that it shows', async () => {
    await using project = await createProject()
    project.configure(
      {
        name: 'sweep-cats',
        training: { epochs: 1 },
        sweep: { parameters: { 'optimizer.learningRate': { values: [0.1, 0.2, 0.3, 0.4] } } },
      },
      'sweep-cats.yaml',
    )
    const slurm = fakeSlurm(join(project.path, 'cluster'))
    const lines = blocks('sh').flatMap((block) => block.trimEnd().split('\n'))
    assert.equal(lines.length, 6)
    for (const line of lines) {
      const [program, ...words] = line.replace(/#.*/, '').trim().split(/\s+/)
      assert.equal(program, 'pipeline')
      const { code, stdout, stderr } = await project.pipeline(words, { env: slurm.env })
      assert.equal(code, 0, `${line}: ${stderr}`)
      if (words.includes('--dry-run')) assert.equal(said(stdout, project.path), blocks('text')[0])
      await slurm.settled()
    }
    // The first submission has done everything: there was nothing for the later ones.
    assert.equal(slurm.calls().length, 1)
    assert.ok((await shown(project, 'sweep-cats.yaml')).trials.every((t) => t.status === 'done'))
    const run = await project.pipeline(['run', 'sweep-cats.yaml', '--json'])
    assert.ok(jsonOf(run.stdout).trials.every(({ status }) => status === 'cached'))
  })

  it('names options that there are', () => {
    const { options } = COMMANDS.find(({ name }) => name === 'sweep')!
    const known = options.map(({ flags }) => flags.split(' ')[0])
    const table = page.split('\n').filter((line) => line.startsWith('| `--'))
    assert.equal(table.length, 7)
    const named = table.flatMap((row) => row.split('|')[1]!.match(/--[a-z0-9]+/g)!)
    for (const name of named) assert.ok(known.includes(name), name)
  })
})

/** The dry run as the page has it: another project, copy and program. */
function said(text: string, project: string): string {
  return text
    .replaceAll(project, '/home/ada/cats')
    .replace(/[0-9a-f]{12}(?=\.(yaml|sh))/g, '5d1e0c7a90b2')
    .replace(/^exec .*main\.js/m, 'exec node pipeline')
}
