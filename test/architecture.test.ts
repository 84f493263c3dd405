import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { ROOT } from './support/paths.ts'

/** What each folder of src/ may import from, beside itself. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  util: [],
  program: ['util'],
  models: ['program', 'util'],
  engines: ['program', 'util'],
  data: ['util', 'graph'],
  graph: ['util'],
  training: ['engines', 'data', 'models', 'program', 'util'],
  prediction: ['training', 'engines', 'data', 'models', 'program', 'util'],
  stages: ['prediction', 'graph', 'training', 'engines', 'data', 'models', 'program', 'util'],
  pipeline: [
    'stages',
    'prediction',
    'graph',
    'training',
    'engines',
    'data',
    'models',
    'program',
    'util',
  ],
  runs: [
    'pipeline',
    'stages',
    'prediction',
    'graph',
    'training',
    'engines',
    'data',
    'models',
    'program',
    'util',
  ],
  sweeps: ['runs', 'pipeline', 'graph', 'util'],
  report: [
    'sweeps',
    'export',
    'runs',
    'pipeline',
    'prediction',
    'stages',
    'training',
    'engines',
    'data',
    'graph',
    'models',
    'util',
  ],
  ui: ['report', 'sweeps', 'runs', 'graph', 'util'],
  export: ['runs', 'stages', 'training', 'engines', 'data', 'graph', 'models', 'program', 'util'],
}

const src = join(ROOT, 'src')
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((f) =>
  f.endsWith('.ts'),
)

test('imports point down', () => {
  const wrong: string[] = []
  for (const file of files) {
    const room = file.split('/')[0]!
    const allowed = BELOW[room]
    if (!allowed) continue // main.ts and commands/ may import everything
    const text = readFileSync(join(src, file), 'utf8')
    for (const [, target] of text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
      const other = relative(src, resolve(src, dirname(file), target!)).split('/')[0]!
      if (other === '..') continue // generated files and package.json at the root
      if (other !== room && !allowed.includes(other)) wrong.push(`${file} imports ${target}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('only main.ts ends the process or prints diagnostics', () => {
  const wrong = files.filter(
    (file) =>
      file !== 'main.ts' &&
      /process\.exit\(|process\.exitCode\s*=/.test(readFileSync(join(src, file), 'utf8')),
  )
  // Children of the engine and of the decoder are processes of their own.
  assert.deepEqual(
    wrong.filter((file) => !/worker|child/.test(file)),
    [],
  )
})

test('every folder of src/ is named in ARCHITECTURE.md', () => {
  const text = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8')
  for (const room of new Set(files.filter((f) => f.includes('/')).map((f) => f.split('/')[0]!))) {
    assert.ok(text.includes(`  ${room}/`), room)
  }
})
