import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ROOT } from '../support/paths.ts'

/**
 * Each test/fixtures/errors/CODE*.yaml begins with the command to type; the whole stderr of the real binary is in the
 * .txt beside it. UPDATE_SNAPSHOTS=1 writes the .txt files anew: read the difference before it is committed.
 */
const FIXTURES = join(ROOT, 'test/fixtures/errors')
const MAIN = join(ROOT, 'dist/src/main.js')

/** Codes that only warn: the file is valid, and the command succeeds. */
const WARNINGS = new Set(['PREPROCESSING_DIFFERS', 'NOTE'])
/** Codes that a pipeline file can bring about before anything runs. */
const CODES = [
  'YAML_SYNTAX',
  'FILE_TOO_LARGE',
  'FILE_NOT_FOUND',
  'EXTENDS_CYCLE',
  'UNKNOWN_KEY',
  'WRONG_TYPE',
  'WRONG_VALUE',
  'MISSING_KEY',
  'UNSET_VARIABLE',
  'BAD_OVERRIDE',
  'CONFLICT',
  'NOT_YET',
  'USAGE',
  'NO_SUCH_FOLDER',
  ...WARNINGS,
]

interface Outcome {
  readonly code: number
  readonly stderr: string
}

function pipeline(args: readonly string[], cwd: string): Promise<Outcome> {
  const env = { PATH: process.env['PATH'] }
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { cwd, env }, (error, _stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stderr })
    })
  })
}

describe('diagnostics of pipeline files', { concurrency: 2 }, () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'graft-errors-'))
    cpSync(FIXTURES, folder, { recursive: true })
    writeFileSync(join(folder, 'large.yaml'), `#${'x'.repeat(2 ** 20)}`)
  })
  after(() => rmSync(folder, { recursive: true }))

  const files = readdirSync(FIXTURES).filter((name) => name.endsWith('.yaml'))
  for (const file of files) {
    it(file.replace('.yaml', ''), async () => {
      const first = readFileSync(join(FIXTURES, file), 'utf8').split('\n')[0]!
      const typed = /^# \$ pipeline ?(.*)$/.exec(first)
      assert.ok(typed, `${file} does not begin with its command`)
      const { code, stderr } = await pipeline(typed[1]!.split(' '), folder)
      const shown = stderr.replaceAll(folder, '<folder>')
      const snapshot = join(FIXTURES, file.replace('.yaml', '.txt'))
      if (process.env['UPDATE_SNAPSHOTS']) writeFileSync(snapshot, shown)
      assert.equal(shown, readFileSync(snapshot, 'utf8'))
      const wanted = file.split(/[-.]/)[0]!
      assert.match(shown, new RegExp(`(^|\\s)${wanted} `))
      assert.equal(code, WARNINGS.has(wanted) ? 0 : 2)
    })
  }

  it('has a file for each code', () => {
    const there = new Set(files.map((file) => file.split(/[-.]/)[0]))
    assert.deepEqual(
      CODES.filter((code) => !there.has(code)),
      [],
    )
  })
})
