import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { deviceOf, findGpus } from '../../src/sweeps/gpus.ts'

test('GPUs are those that CUDA may see, else all of the driver', () => {
  const driver = mkdtempSync(join(tmpdir(), 'graft-gpus-'))
  try {
    assert.deepEqual(findGpus({}, join(driver, 'none')), [])
    for (const bus of ['0000:01:00.0', '0000:02:00.0']) mkdirSync(join(driver, bus))
    assert.deepEqual(findGpus({}, driver), ['0', '1'])
    assert.deepEqual(findGpus({ CUDA_VISIBLE_DEVICES: '3, GPU-8f2c' }, driver), ['3', 'GPU-8f2c'])
    assert.deepEqual(findGpus({ CUDA_VISIBLE_DEVICES: '2,-1,3' }, driver), ['2'])
    assert.deepEqual(findGpus({ CUDA_VISIBLE_DEVICES: '' }, driver), [])
  } finally {
    rmSync(driver, { recursive: true })
  }
})

test('of several GPUs each worker has one', () => {
  assert.deepEqual(
    [0, 1, 2].map((slot) => deviceOf(slot, ['0', '3'])),
    [{ CUDA_VISIBLE_DEVICES: '0' }, { CUDA_VISIBLE_DEVICES: '3' }, { CUDA_VISIBLE_DEVICES: '0' }],
  )
  assert.deepEqual(deviceOf(1, ['0']), {})
})
