import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findGpu, gpuIndex } from '../../../src/engines/tensorflow/gpus.ts'
import type { TensorflowLibrary } from '../../../src/engines/tensorflow/library.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'

/** TF_Code INVALID_ARGUMENT. */
const INVALID = 3

/**
 * A libtensorflow on a machine where CUDA shows so many GPUs, as far as opening a session and listing its devices goes; with the
 * answers of TensorFlow's gpu_device.cc.
 */
function library(gpus: number): TensorflowLibrary {
  let code = 0
  let message = ''
  let devices: string[] = []
  const api = {
    newStatus: () => 1n,
    deleteStatus: () => {},
    statusCode: () => code,
    statusMessage: () => message,
    newGraph: () => 2n,
    deleteGraph: () => {},
    newSessionOptions: () => 3n,
    deleteSessionOptions: () => {},
    setConfig(_: bigint, config: Uint8Array) {
      ;[code, message, devices] = [0, '', ['CPU']]
      const list = visibleDeviceList(config)
      if (gpus === 0 || list === undefined) return
      if (Number(list) < gpus) devices.push('GPU')
      else {
        code = INVALID
        message = `'visible_device_list' listed an invalid Device id '${list}' but visible device count is ${gpus}`
      }
    },
    newSession: () => (code === 0 ? 4n : null),
    closeSession: () => {},
    deleteSession: () => (code = 0),
    listDevices: () => 5n,
    deviceCount: () => devices.length,
    deviceType: (_: bigint, i: number) => devices[i],
    deleteDeviceList: () => {},
  }
  return {
    api,
    c: { free: () => {} },
    location: { cuda: true },
    version: '2.21.0',
  } as unknown as TensorflowLibrary
}

/** gpu_options (6) of a ConfigProto holds visible_device_list (5), both with lengths below 128. */
function visibleDeviceList(config: Uint8Array): string | undefined {
  const at = config.findIndex((byte, i) => byte === 0x32 && config[i + 2] === 0x20)
  if (at < 0) return undefined
  const inside = Buffer.from(config.subarray(at + 2, at + 2 + config[at + 1]!))
  // allow_growth (4) is on: without it TensorFlow takes all of the memory.
  assert.deepEqual([...inside.subarray(0, 3)], [0x20, 1, 0x2a])
  return inside.toString('utf8', 4, 4 + inside[3]!)
}

const told = (wanted: RegExp) => (error: unknown) => {
  assert.ok(error instanceof PipelineError, String(error))
  assert.match(error.message, wanted)
  assert.ok(error.diagnostics[0]!.hint)
  return true
}

test('the device of a pipeline file is an index', () => {
  assert.deepEqual([undefined, 'cpu', 'gpu', 'gpu:0', 'gpu:12'].map(gpuIndex), [
    'any',
    'cpu',
    0,
    0,
    12,
  ])
  assert.throws(() => gpuIndex('tpu'), TypeError)
})

test('without a GPU none is found, and asking for one is an error', async () => {
  assert.equal(await findGpu(library(0), 2, 'any'), undefined)
  await assert.rejects(
    findGpu(library(0), 2, 0, {}),
    told(/^ENGINE_MISSING no GPU 0 for TensorFlow: this libtensorflow sees none/),
  )
  await assert.rejects(
    findGpu(library(0), 2, 0, { CUDA_VISIBLE_DEVICES: '' }),
    told(/no GPU 0 for TensorFlow \(CUDA_VISIBLE_DEVICES is ""\)/),
  )
})

// In this order: a process has one GPU for good.
test('an index counts the GPUs that CUDA shows; one beyond them is an error', async () => {
  // CUDA_VISIBLE_DEVICES=2,3 of a machine with more: CUDA shows two.
  const two = library(2)
  const env = { CUDA_VISIBLE_DEVICES: '2,3' }
  await assert.rejects(
    findGpu(two, 2, 2, env),
    told(/no GPU 2 for TensorFlow \(CUDA_VISIBLE_DEVICES is "2,3"\): .*visible device count is 2/),
  )
  assert.equal(await findGpu(two, 2, 1, env), 1)
  assert.equal(await findGpu(two, 2, 'any', env), 1)
  await assert.rejects(
    findGpu(two, 2, 0, env),
    told(/^ENGINE_FAILED TensorFlow computes on GPU 1 in this process already, got 0/),
  )
})
