import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { COMMANDS } from '../../src/commands/table.ts'
import { parseUsage } from '../../src/commands/usage.ts'
import { importLog } from '../support/import-log.ts'
import { ROOT } from '../support/paths.ts'

const MAIN = join(ROOT, 'dist/src/main.js')

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** One grey pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==',
  'base64',
)
const GOOD = `name: good
dataset: {source: {path: photos}, splits: {train: train, validation: val}}
baseModel: {name: MobileNetV2}
head: [GlobalAveragePooling2D, {Dense: {units: classes, activation: softmax}}]
`

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'graft-main-'))
  for (const path of ['photos/train/cat', 'photos/train/dog', 'photos/val/cat', 'photos/val/dog']) {
    mkdirSync(join(folder, path), { recursive: true })
    writeFileSync(join(folder, path, '1.png'), PNG)
  }
  writeFileSync(join(folder, 'good.yaml'), GOOD)
  writeFileSync(join(folder, 'warned.yaml'), `${GOOD}preprocessing: {rescale: 1/255}\n`)
  writeFileSync(join(folder, 'bad.yaml'), `${GOOD}sead: 8\n`)
})
after(() => rmSync(folder, { recursive: true }))

function pipeline(
  args: readonly string[],
  options: { env?: object; node?: readonly string[] } = {},
): Promise<Outcome> {
  const env = { PATH: process.env['PATH'], ...options.env }
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...(options.node ?? []), MAIN, ...args],
      { cwd: folder, env },
      (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
      },
    )
  })
}

describe('help', () => {
  const help = (...argv: string[]): string => {
    let text = ''
    const stream = { write: (chunk: string) => void (text += chunk) } as never
    assert.deepEqual(parseUsage(argv, COMMANDS, '0', { stdout: stream, stderr: stream }), {
      exit: 0,
    })
    return text
  }

  it('lists every command with its arguments', () => {
    const text = help('--help')
    for (const { name } of COMMANDS) assert.match(text, new RegExp(`^  ${name}\\b`, 'm'))
    assert.match(text, /validate FILE\.\.\./)
  })

  for (const { name, summary, options, examples } of COMMANDS) {
    it(`of ${name} has worked examples`, () => {
      const text = help(name, '--help')
      assert.equal(text, help('help', name))
      assert.ok(text.toLowerCase().includes(summary.toLowerCase().slice(0, 20)))
      for (const { flags } of options) assert.ok(text.includes(flags), flags)
      assert.ok(examples.length > 0)
      for (const [command, says] of examples) {
        assert.ok(text.includes(`$ ${command}`) && text.includes(says), command)
        assert.ok(command.startsWith(`pipeline ${name}`), command)
      }
    })
  }

  it('comes without loading what commands need', async () => {
    const log = importLog(join(ROOT, 'dist/test/support/import-log.js'))
    const { stdout, stderr, code } = await pipeline(['--help'], { node: ['--import', log] })
    assert.equal(code, 0)
    assert.match(stdout, /^Usage: pipeline/)
    const imported = [...stderr.matchAll(/^import (?:file:\/\/.*\/node_modules\/)?(\S+)$/gm)].map(
      (m) => m[1]!,
    )
    const packages = imported
      .filter((url) => !/^(file|data|node):/.test(url))
      .map((url) => url.split('/')[0])
    assert.deepEqual([...new Set(packages)], ['commander'])
    assert.ok(imported.length < 20, imported.join('\n'))
  })

  it('is shown, with exit code 2, where nothing is asked', async () => {
    const { stdout, stderr, code } = await pipeline([])
    assert.deepEqual([stdout, code], ['', 2])
    assert.match(stderr, /^Usage: pipeline/)
  })
})

describe('pipeline validate', () => {
  it('says which files are valid, and exits with 2 when one is not', async () => {
    const { stdout, stderr, code } = await pipeline([
      'validate',
      'good.yaml',
      'warned.yaml',
      'bad.yaml',
    ])
    assert.equal(stdout, 'good.yaml: valid\nwarned.yaml: valid (1 warning)\n')
    assert.match(stderr, /^warned\.yaml:5:1 PREPROCESSING_DIFFERS warning: /)
    assert.match(stderr, /^bad\.yaml:5:1 UNKNOWN_KEY /m)
    assert.equal(code, 2)
  })

  it('lets warnings fail with --strict', async () => {
    assert.equal((await pipeline(['validate', 'warned.yaml'])).code, 0)
    assert.equal((await pipeline(['validate', 'warned.yaml', '--strict'])).code, 2)
  })

  it('writes one JSON document with --json, and nothing else', async () => {
    const { stdout, stderr, code } = await pipeline([
      'validate',
      'warned.yaml',
      'bad.yaml',
      '--json',
    ])
    assert.equal(code, 2)
    assert.equal(stderr, '')
    const { files } = JSON.parse(stdout) as {
      files: { file: string; valid: boolean; diagnostics: object[] }[]
    }
    assert.deepEqual(
      files.map(({ file, valid }) => [file, valid]),
      [
        ['warned.yaml', true],
        ['bad.yaml', false],
      ],
    )
    assert.deepEqual(files[1]!.diagnostics, [
      {
        severity: 'error',
        code: 'UNKNOWN_KEY',
        message: 'unknown key "sead"; did you mean "seed"?',
        at: { file: 'bad.yaml', line: 5, col: 1 },
      },
    ])
  })

  it('annotates the lines of a pull request on GitHub', async () => {
    const { stderr } = await pipeline(['validate', 'bad.yaml', 'warned.yaml'], {
      env: { GITHUB_ACTIONS: 'true' },
    })
    assert.match(
      stderr,
      /^::error file=bad\.yaml,line=5,col=1,title=UNKNOWN_KEY::unknown key "sead"; did you mean "seed"\?$/m,
    )
    assert.match(
      stderr,
      /^::warning file=warned\.yaml,line=5,col=1,title=PREPROCESSING_DIFFERS::[^\n]+%0Atake/m,
    )
  })
})

describe('pipeline config', () => {
  it('prints a file that is the same pipeline, and where each value comes from', async () => {
    const { stdout, stderr } = await pipeline([
      'config',
      'good.yaml',
      '--origin',
      '--set',
      'training.epochs=3',
    ])
    assert.equal(stderr, '')
    assert.match(stdout, /^name: good {2}# good\.yaml:1:7$/m)
    assert.match(stdout, /^ {4}path: photos {2}# good\.yaml:2:26$/m)
    assert.match(stdout, /^ {2}epochs: 3 {2}# --set training\.epochs=3$/m)
    assert.match(stdout, /^ {2}batchSize: 32 {2}# default$/m)
    writeFileSync(join(folder, 'again.yaml'), stdout)
    const plain = await pipeline(['config', 'again.yaml'])
    assert.equal(plain.stdout, stdout.replace(/ {2}# .*$/gm, ''))
  })

  it('prints JSON, with origins beside it', async () => {
    const { pipeline: resolved, origin } = JSON.parse(
      (await pipeline(['config', 'good.yaml', '--json', '--origin'])).stdout,
    ) as Record<string, Record<string, unknown>>
    assert.equal(resolved!['name'], 'good')
    assert.deepEqual(origin!['baseModel.name'], {
      at: { file: 'good.yaml', line: 3, col: 19 },
      from: 'file',
    })
    assert.deepEqual(origin!['head.1.Dense.useBias'], { from: 'default' })
  })
})

describe('pipeline schema', () => {
  it('prints the schema, also into a pipe that closes early', async () => {
    const { stdout } = await pipeline(['schema'])
    assert.equal(stdout, readFileSync(join(ROOT, 'schemas/pipeline.schema.json'), 'utf8'))
    const line = await new Promise((resolve) => {
      execFile(
        'sh',
        ['-c', `"${process.execPath}" "${MAIN}" schema | head -n 1`],
        (error, out, err) => resolve([error, out, err]),
      )
    })
    assert.deepEqual(line, [null, '{\n', ''])
  })
})

describe('pipeline init', () => {
  it('writes a file for a folder of pictures that is valid as it stands', async () => {
    const { stdout, code } = await pipeline(['init', 'new/photos.yaml', '--from', 'photos'])
    assert.equal(code, 0)
    assert.match(
      stdout,
      /^new\/photos\.yaml is written\. Next:\n {2}pipeline validate new\/photos\.yaml\n/,
    )
    const text = readFileSync(join(folder, 'new/photos.yaml'), 'utf8')
    assert.match(
      text,
      /^# yaml-language-server: \$schema=\S*schemas\/pipeline\.schema\.json\n# \$schema: /,
    )
    assert.match(
      text,
      /^# 4 pictures of 2 classes \(cat 2, dog 2\); the shorter side is usually 1 pixels\.$/m,
    )
    assert.match(text, /^ {4}path: \.\.\/photos$/m)
    assert.match(text, /^ {4}validation: val$/m)
    const checked = await pipeline(['validate', 'new/photos.yaml'])
    assert.deepEqual([checked.stdout, checked.stderr], ['new/photos.yaml: valid\n', ''])
  })

  it('leaves the folder to a variable where none is given', async () => {
    await pipeline(['init', 'open.yaml'])
    const open = await pipeline(['validate', 'open.yaml'])
    assert.match(
      open.stderr,
      /UNSET_VARIABLE the variable PICTURES is not set: a folder with one sub-folder for each class/,
    )
    assert.equal(
      (await pipeline(['validate', 'open.yaml'], { env: { PICTURES: 'photos/train' } })).code,
      0,
    )
  })

  it('overwrites nothing unless told to, and refuses what is no folder of classes', async () => {
    assert.match(
      (await pipeline(['init', 'good.yaml', '--from', 'photos'])).stderr,
      /^USAGE good\.yaml is there already\n/,
    )
    assert.match(
      (await pipeline(['init', 'x.yaml', '--from', 'nowhere'])).stderr,
      /^NO_SUCH_FOLDER there is no folder /,
    )
    mkdirSync(join(folder, 'one/cat'), { recursive: true })
    writeFileSync(join(folder, 'one/cat/1.png'), PNG)
    assert.match(
      (await pipeline(['init', 'x.yaml', '--from', 'one'])).stderr,
      /^ONE_CLASS .* holds one class only: cat\n/,
    )
    mkdirSync(join(folder, 'one/dog'))
    assert.match(
      (await pipeline(['init', 'x.yaml', '--from', 'one'])).stderr,
      /^EMPTY_CLASS there is no picture in dog\n/,
    )
  })
})
