import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../support/paths.ts'

const COUNTS = join(ROOT, 'scripts/engine-counts.mjs')

/** `npm test -- PARTS`, outside of the test that runs it. */
function npmTest(...parts: string[]) {
  const env: NodeJS.ProcessEnv = { ...process.env, NODE_TEST_CONTEXT: undefined }
  const command = [join(ROOT, 'scripts/test.mjs'), ...parts]
  return spawnSync(process.execPath, command, { cwd: ROOT, env, encoding: 'utf8' })
}

test('npm test takes parts of names and of paths, and counts what ran', () => {
  for (const part of ['util/suggest', 'test/util/suggest.test.ts']) {
    const { status, stdout } = npmTest(part)
    assert.equal(status, 0, stdout)
    const ran = Number(/tests (\d+)/.exec(stdout)?.[1])
    assert.ok(ran > 0 && ran < 20, stdout)
    const counts = `tests by engine: tensorflow 0, webgpu 0, wasm 0, without an engine ${ran}`
    assert.equal(stdout.trimEnd().split('\n').at(-1), counts)
  }
})

test('a part that nothing has is an error, not a success', () => {
  const { status, stderr } = npmTest('no-such-test')
  assert.deepEqual([status, stderr], [2, 'no test file matches no-such-test\n'])
})

test('tests are counted on the engine that their name, or a suite around them, ends with', async () => {
  const { default: engineCounts } = (await import(COUNTS)) as {
    default: (source: AsyncIterable<object>) => AsyncGenerator<string>
  }
  async function* events() {
    const start = (name: string, nesting: number) => ({
      type: 'test:start',
      data: { name, nesting },
    })
    const pass = (name: string, nesting: number, more: object = {}) => ({
      type: 'test:pass',
      data: { name, nesting, ...more },
    })
    const suite = { details: { type: 'suite' } }
    yield start('heads on tensorflow', 0)
    yield start('trains', 1)
    yield pass('trains', 1)
    yield start('trains again', 1)
    yield pass('trains again', 1)
    yield pass('heads on tensorflow', 0, suite)
    yield start('contract of wasm', 0)
    yield start('conv2d', 1)
    yield { type: 'test:fail', data: { name: 'conv2d', nesting: 1 } }
    yield start('relu', 1)
    yield pass('relu', 1)
    yield pass('contract of wasm', 0, suite)
    yield start('closed on webgpu', 0)
    yield pass('closed on webgpu', 0)
    yield start('a table', 0)
    yield pass('a table', 0)
    yield start('left out on wasm', 0)
    yield pass('left out on wasm', 0, { skip: true })
  }
  const { value } = await engineCounts(events()).next()
  assert.deepEqual(JSON.parse(value as string), { tensorflow: 2, webgpu: 1, wasm: 1, others: 1 })
})
