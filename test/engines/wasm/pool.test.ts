import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { openWasm } from '../../../src/engines/wasm/engine.ts'
import { openPool } from '../../../src/engines/wasm/pool.ts'
import { Builder } from '../../../src/program/builder.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { childrenOf, isAlive } from '../../support/processes.ts'
import { ROOT } from '../../support/paths.ts'
import { randomNetwork } from '../../support/random-network.ts'
import { slowProgram } from '../../support/slow-program.ts'

const { program, feeds } = randomNetwork(11)

test('two processes give the bytes that one gives, in the order asked', async () => {
  const engine = await openWasm()
  const alone = await engine.compile(program)
  const pool = await openPool(program, 2)
  assert.equal(pool.concurrency, 2)
  const fed = Array.from({ length: 12 }, (_, i) => ({
    pixels: (feeds.pixels as Uint8Array).map((v) => (v + 17 * i) % 256),
  }))
  const together = await Promise.all(fed.map((feed) => pool.run('infer', feed)))
  for (const [i, feed] of fed.entries()) {
    assert.deepEqual(together[i], await alone.run('infer', feed))
  }
  assert.deepEqual(await pool.read(), new Map())
  await pool.close()
  await engine.close()
})

test('concurrency is bounded by cores, threads and variables', async () => {
  const engine = await openWasm({ threads: 1 })
  const alone = await engine.compile(program, { concurrency: 8 })
  assert.equal(alone.concurrency, 1)
  await engine.close()

  const wide = await openWasm()
  const b = new Builder()
  b.entry('infer', { fetches: { x: b.variable('x', [1], Float32Array.of(1)) }, updates: [] })
  assert.equal((await wide.compile(b.program(), { concurrency: 2 })).concurrency, 1)
  const many = await wide.compile(program, { concurrency: 64 })
  assert.equal(many.concurrency, availableParallelism())
  await wide.close()
})

test('a killed process fails every run, says why, and takes the others with it', async () => {
  const before = await childrenOf(process.pid)
  const pool = await openPool(slowProgram(), 2)
  const children = (await childrenOf(process.pid)).filter((pid) => !before.includes(pid))
  assert.equal(children.length, 2)
  const runs = Array.from({ length: 4 }, () => pool.run('infer', {}))
  await wait(50)
  process.kill(children[0]!, 'SIGKILL')
  for (const result of await Promise.allSettled(runs)) {
    assert.equal(result.status, 'rejected')
    const { reason } = result as PromiseRejectedResult
    assert.ok(reason instanceof PipelineError)
    assert.equal(reason.diagnostics[0]!.code, 'OUT_OF_MEMORY')
    assert.match(
      reason.diagnostics[0]!.message,
      /^a process of the wasm engine \(\d+\) was killed \(SIGKILL\): most likely the machine ran out of memory$/,
    )
  }
  await assert.rejects(pool.run('infer', {}), /was killed/)
  await pool.close()
  for (const pid of children) assert.equal(isAlive(pid), false)
})

test('closing during a run ends it and the processes', async () => {
  const before = await childrenOf(process.pid)
  const pool = await openPool(slowProgram(), 2)
  const children = (await childrenOf(process.pid)).filter((pid) => !before.includes(pid))
  const running = assert.rejects(pool.run('infer', {}), /closed before the run was over/)
  await pool.close()
  await running
  for (const pid of children) assert.equal(isAlive(pid), false)
})

test('a bug in a process is a bug here', async () => {
  const pool = await openPool(program, 2)
  await assert.rejects(pool.run('infer', {}), TypeError)
  await assert.rejects(pool.run('elsewhere', feeds), /no entry elsewhere/)
  // It goes on after that.
  assert.ok((await pool.run('infer', feeds)).features)
  await assert.rejects(pool.read(['x']), TypeError)
  await pool.close()
})

test('the processes end with their parent, and not at Ctrl-C', async () => {
  const script = join(ROOT, 'dist/test/support/pool-parent.js')
  const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  const children = JSON.parse(line.toString()) as number[]
  assert.equal(children.length, 2)
  for (const pid of children) process.kill(pid, 'SIGINT')
  await wait(100)
  for (const pid of children) assert.equal(isAlive(pid), true)
  parent.kill('SIGKILL')
  for (let i = 0; i < 200 && children.some(isAlive); i += 1) await wait(50)
  for (const pid of children) assert.equal(isAlive(pid), false)
})

test('a pool that is not closed does not keep the program alive', async () => {
  const script = join(ROOT, 'dist/test/support/pool-parent.js')
  const parent = spawn(process.execPath, [script, 'leave'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [code] = (await once(parent, 'exit')) as [number]
  assert.equal(code, 0)
})
