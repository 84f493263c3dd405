import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Session } from '../../src/engines/engine.ts'
import { openWasm } from '../../src/engines/wasm/engine.ts'
import { Builder } from '../../src/program/builder.ts'
import { namingBatches } from '../../src/stages/memory.ts'
import { watchPeak } from '../../src/stages/peak.ts'
import { fit } from '../../src/training/fit.ts'
import { failure, PipelineError, type Diagnostic } from '../../src/util/diagnostic.ts'
import { littleFit } from '../support/little-fit.ts'
import { ROOT } from '../support/paths.ts'
import { temporaryFolder } from '../support/stage-rig.ts'

const USE = { key: 'training.batchSize', batch: 512, hint: 'lower it' }

async function told(body: () => Promise<unknown>): Promise<Diagnostic> {
  const error = await namingBatches(USE, body).then(
    () => assert.fail('it was expected to fail'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof PipelineError, String(error))
  return error.diagnostics[0]!
}

/** `what` in words of the engine; the peak is that of this process. */
function assertNamed({ code, message, hint }: Diagnostic, what: RegExp): void {
  assert.equal(code, 'OUT_OF_MEMORY')
  const [, said, peak, unit] =
    /^training\.batchSize: batches of 512 pictures do not fit: (.*); at its peak the process had ([\d.]+) ([MG])B$/.exec(
      message,
    ) ?? assert.fail(message)
  assert.match(said!, what)
  const bytes = Number(peak) * (unit === 'G' ? 1e9 : 1e6)
  assert.ok(bytes > 40e6 && bytes < totalmem(), message)
  assert.equal(hint, 'lower it')
}

test('a step that finds no memory: named, with the batch and the peak', async () => {
  const session: Session = {
    concurrency: 1,
    run: () => Promise.reject(failure('OUT_OF_MEMORY', 'TensorFlow has no memory left')),
    read: () => Promise.resolve(new Map()),
    write: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
  assertNamed(await told(() => fit({ ...littleFit(), session })), /^TensorFlow has no memory left$/)
})

test('a program that is larger than what wasm can hold', async () => {
  const engine = await openWasm()
  const b = new Builder()
  const x = b.input('x', [512, 1024, 1024, 3])
  b.entry('train@512', { fetches: { y: b.relu(x) }, updates: [] })
  const said = await told(() => engine.compile(b.program()))
  assertNamed(said, /^the wasm engine cannot have \d+ MiB more/)
  await engine.close()
})

test('an array that JavaScript cannot have', async () => {
  const said = await told(async () => new Float32Array(2 ** 52))
  assertNamed(said, /array length/i)
})

test('what is not about memory stays as it is', async () => {
  for (const error of [
    failure('DISK_FULL', 'no space left'),
    new PipelineError([
      { code: 'OUT_OF_MEMORY', message: 'a' },
      { code: 'ENGINE_FAILED', message: 'b' },
    ]),
    new RangeError('Invalid count value: -1'),
    new TypeError('no entry'),
  ]) {
    await assert.rejects(
      namingBatches(USE, () => Promise.reject(error)),
      (thrown) => thrown === error,
    )
  }
})

/** A process that watches its memory until it is told to end. */
async function watching(work: string) {
  const peak = new URL('dist/src/stages/peak.js', `file://${ROOT}/`).href
  const code = `
    import { watchPeak } from ${JSON.stringify(peak)}
    const ballast = new Uint8Array(3e8).fill(1)
    watchPeak(${JSON.stringify(work)}, { batch: 64, hint: 'less' }, () => undefined)
    console.log(ballast.length)
    process.stdin.on('end', () => process.exit(0)).resume()`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

test('a process that is killed leaves what it has had; one that ends leaves nothing', async () => {
  await using folder = await temporaryFolder()
  const mark = join(folder.path, 'process.json')
  const calm = await watching(folder.path)
  assert.ok(existsSync(mark))
  calm.stdin.end()
  await once(calm, 'close')
  assert.equal(existsSync(mark), false)
  const killed = await watching(folder.path)
  killed.kill('SIGKILL')
  await once(killed, 'close')
  const { batch, peak } = JSON.parse(readFileSync(mark, 'utf8')) as { batch: number; peak: number }
  assert.equal(batch, 64)
  assert.ok(peak > 3e8 && peak < 2e9, String(peak))
  // It had no great part of the memory: whoever killed it had another reason.
  const warnings: Diagnostic[] = []
  watchPeak(folder.path, { batch: 64, hint: 'less' }, (warning) => warnings.push(warning))()
  assert.deepEqual(warnings, [])
  assert.equal(existsSync(mark), false)
})

test('after one that had most of the memory and was killed the next one says so', async () => {
  await using folder = await temporaryFolder()
  const peak = 0.9 * totalmem()
  writeFileSync(join(folder.path, 'process.json'), JSON.stringify({ batch: 64, peak }))
  const warnings: Diagnostic[] = []
  const stop = watchPeak(folder.path, { batch: 32, hint: 'less' }, (w) => warnings.push(w))
  stop()
  const [{ code, severity, message, hint }] = warnings as [Diagnostic]
  assert.equal(`${severity} ${code}`, 'warning OUT_OF_MEMORY')
  assert.match(message, /was killed; with batches of 64 pictures it had [\d.]+ GB of the [\d.]+ GB/)
  assert.equal(hint, 'less')
  // What is no mark says nothing.
  writeFileSync(join(folder.path, 'process.json'), '')
  watchPeak(folder.path, { batch: 32, hint: 'less' }, () => assert.fail('a warning'))()
})
