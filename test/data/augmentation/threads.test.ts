import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AugmentTask, WorkerSetup } from '../../../src/data/augmentation/augment-worker.ts'
import { startThreads } from '../../../src/data/augmentation/threads.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { LIVELY, writePack } from './packs.ts'

const TASK: AugmentTask = {
  rows: Uint32Array.of(0),
  draws: { epoch: 0 },
  into: new SharedArrayBuffer(4096),
  offset: 0,
}

test('a thread that dies rejects what is under way, and what comes later', async () => {
  const setup = { path: 'train.pack', augmentation: LIVELY, seed: 0 }
  // Without a shape it dies at its first line.
  const threads = startThreads(setup as unknown as WorkerSetup, 1)
  for (const task of [TASK, TASK]) {
    const error = await threads.run(task).catch((reason: unknown) => reason)
    assert.ok(error instanceof PipelineError, String(error))
    assert.equal(error.diagnostics[0]!.code, 'STAGE_FAILED')
    assert.match(error.message, /a thread that augments the pictures of train.pack died: /)
  }
  await threads.close()
})

test('a bug in a task rejects it with its stack, and the thread goes on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-threads-'))
  const shape = [4, 4, 3] as const
  const path = await writePack(folder, 2, shape)
  const threads = startThreads({ path, shape, augmentation: LIVELY, seed: 0 }, 1)
  await assert.rejects(
    threads.run({ ...TASK, offset: 4095 }),
    /a thread that augments failed: RangeError[^]* at /,
  )
  await threads.run(TASK)
  await threads.close()
  rmSync(folder, { recursive: true })
})
