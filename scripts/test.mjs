// npm test: brings the native engine if it is not there, runs every test of the built output, and says how many ran on
// each engine. Arguments narrow the files: npm test -- graph util
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const main = join(root, 'dist/src/main.js')
const isCi = Boolean(process.env.CI)

const hasNative = () => {
  const listing = spawnSync(process.execPath, [main, 'engine', 'ls', '--json'], {
    encoding: 'utf8',
  })
  if (listing.status !== 0) throw new Error(`engine ls failed: ${listing.stderr}`)
  return JSON.parse(listing.stdout).some((e) => e.engine === 'tensorflow' && e.devices.length > 0)
}

// Part of a name or of a path, as the source or the built file has it.
const wanted = process.argv.slice(2).map((part) => part.replace(/\.ts$/, '.js'))
const isWhole = wanted.length === 0

// A few chosen tests wait for no download: those of the native engine then say that they did not run.
if (isWhole && !hasNative()) {
  console.error(
    'The native engine is not here: `pipeline engine install` brings it (about 270 MB, once).',
  )
  const install = spawnSync(process.execPath, [main, 'engine', 'install'], { stdio: 'inherit' })
  if (install.status !== 0 && isCi) process.exit(1)
}

const files = readdirSync(join(root, 'dist/test'), { recursive: true })
  .filter((name) => name.endsWith('.test.js'))
  .map((name) => join(root, 'dist/test', name))
  .sort()
  .filter((file) => isWhole || wanted.some((part) => file.slice(root.length).includes(part)))
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(' ')}`)
  process.exit(2)
}
const folder = mkdtempSync(join(tmpdir(), 'graft-test-'))
const counts = join(folder, 'counts.json')
const run = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-concurrency=2',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${new URL('engine-counts.mjs', import.meta.url)}`,
    `--test-reporter-destination=${counts}`,
    ...files,
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...(isCi ? { GRAFT_REQUIRE_NATIVE: '1' } : {}) },
  },
)
const { tensorflow, webgpu, wasm, others } = JSON.parse(readFileSync(counts, 'utf8'))
rmSync(folder, { recursive: true })
console.log(
  `tests by engine: tensorflow ${tensorflow}, webgpu ${webgpu}, wasm ${wasm}, without an engine ${others}`,
)
if (isWhole && webgpu === 0) {
  console.error('NOT RUN: the tests of the webgpu engine, as WebGPU has no adapter here.')
  if (process.env.GRAFT_REQUIRE_WEBGPU === '1') process.exit(1)
}
if (isWhole) {
  const { chromiumPath } = await import(
    new URL('../dist/test/support/chromium.js', import.meta.url)
  )
  if (!chromiumPath()) console.error('NOT RUN: the tests of pages in a browser: no Chromium here.')
}
if (isWhole && isCi && (tensorflow === 0 || wasm === 0)) {
  console.error('The tests of an engine did not run.')
  process.exit(1)
}
process.exit(run.status ?? 1)
