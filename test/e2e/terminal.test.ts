import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { show } from '../support/terminal.ts'
import { createProject, MAIN } from './rig.ts'
import type { Project } from './rig.ts'

const MISSING = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes(
  'util-linux',
)
  ? undefined
  : 'NOT RUN, no `script` of util-linux here: pipeline run in a pseudo-terminal'

/** `pipeline run pipeline.yaml` in a pseudo-terminal of so many columns; Ctrl-C is typed once `until` is on the screen. */
async function inTerminal(project: Project, columns: number, until?: RegExp) {
  const command = `stty cols ${columns} rows 40; exec ${process.execPath} ${MAIN} run pipeline.yaml`
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd: project.path,
    env: { ...project.env, TERM: 'xterm-256color', SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let text = ''
  let typed = until === undefined
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
    if (typed || !until!.test(text)) return
    typed = true
    child.stdin.write('\x03')
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  return { code, text, screen: show(text, columns) }
}

describe('in a terminal, on wasm', () => {
  if (MISSING !== undefined) {
    process.stderr.write(`${MISSING}\n`)
    it(MISSING, () => undefined)
    return
  }
  let base: Project
  before(async () => {
    base = await createProject({ training: { epochs: 60 } })
  })
  after(() => base[Symbol.asyncDispose]())

  for (const columns of [60, 120]) {
    it(`of ${columns} columns: stages with their times, a line an epoch, the result`, async () => {
      await using project = await base.copy()
      const { code, text, screen } = await inTerminal(project, columns)
      assert.equal(code, 0, text)
      assert.equal(screen.wrapsInRegion, 0)
      assert.ok(screen.cursorVisible)
      assert.ok(text.includes('●'), 'there was a live region')
      const lines = screen.lines.join('\n')
      assert.ok(!lines.includes('●'), lines)
      assert.equal(lines.match(/^✓ [a-z:]+ {2}\d+\.\d s {2}[\d.]+ k?M?B$/gm)?.length, 10, lines)
      assert.equal(lines.match(/^ {2}epoch +\d+\/60 {2}loss/gm)?.length, 60, lines)
      assert.match(lines, /^little \S+ {3}done in \d+\.?\d* s\s+wasm/m)
      assert.match(lines, /^runs\/little\/\S+\/summary\.md$/m)
      const again = await inTerminal(project, columns)
      assert.match(again.screen.lines[0]!, /^little \S+ {3}unchanged, from before/)
      assert.ok(again.screen.lines.length < 12)
    })
  }

  it('Ctrl-C leaves a clean screen that says how to go on', async () => {
    await using project = await base.copy()
    const { code, text, screen } = await inTerminal(project, 80, /epoch +2\/60/)
    assert.equal(code, 130, text)
    assert.ok(screen.cursorVisible)
    assert.equal(screen.wrapsInRegion, 0)
    const lines = screen.lines.map((line) => line.replace('^C', ''))
    assert.ok(!lines.join('\n').includes('●'), lines.join('\n'))
    assert.equal(
      lines.at(-1),
      '! interrupted; what is finished is kept, the same command goes on from there',
    )
    assert.ok(text.endsWith('\n'), 'the prompt comes on a line of its own')
  })
})

it('in a pipe there are plain lines, without control characters', async () => {
  await using project = await createProject()
  const { code, stdout, stderr } = await project.pipeline(['run', 'pipeline.yaml'])
  assert.equal(code, 0, stderr)
  // eslint-disable-next-line no-control-regex
  assert.ok(!/[\x00-\x08\x0b-\x1f]/.test(stdout + stderr), stderr)
  assert.equal(stderr.match(/^✓ /gm)?.length, 10)
  assert.match(stdout, /^little /)
})
