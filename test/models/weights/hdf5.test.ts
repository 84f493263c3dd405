import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { withHdf5, type Hdf5Group } from '../../../src/models/weights/hdf5.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { ROOT } from '../../support/paths.ts'

// What test/golden/weights.py wrote with h5py.
const TYPES = join(ROOT, 'test/fixtures/weights/types.h5')
const read = <T>(use: (file: Hdf5Group) => T): Promise<T> => withHdf5(TYPES, 'types.h5', use)

test('numbers of every type, packed and not, are read as float32', async () => {
  await read((file) => {
    const values = file.group('values')!
    const names = values.keys().filter((name) => !['scalar', 'empty'].includes(name))
    assert.equal(names.length, 9)
    for (const name of names) {
      const tensor = values.tensor(name)!
      assert.deepEqual(tensor.shape, [2, 3], name)
      assert.deepEqual([...tensor.data], [6, 7, 8, 9, 10, 11], name)
    }
    assert.deepEqual(values.tensor('scalar'), { shape: [], data: Float32Array.of(7) })
    assert.deepEqual(values.tensor('empty'), { shape: [0, 3], data: new Float32Array(0) })
    assert.deepEqual([...file.tensor('bfloat16')!.data], [-0.5, -0.25, 0, 0.25, 0.5, 0.75])
  })
})

test('paths lead through groups, not through links, which may lead out of the file', async () => {
  await read((file) => {
    assert.deepEqual(file.tensor('values/f4be')?.shape, [2, 3])
    assert.equal(file.tensor('soft/f4be'), undefined)
    assert.equal(file.group('soft'), undefined)
    assert.deepEqual(file.shape('huge'), [1000000, 100])
    assert.equal(file.group('values/f4be'), undefined)
    assert.equal(file.tensor('values'), undefined)
    assert.equal(file.tensor('nothing/there'), undefined)
    assert.equal(file.group('outside'), undefined)
    assert.equal(file.tensor('outside/conv2d'), undefined)
  })
})

for (const [name, message] of [
  ['text', /BAD_WEIGHTS types\.h5: text is of a type that cannot be read/],
  ['huge', /BAD_WEIGHTS types\.h5: huge is larger than the file can hold/],
  ['loop', /BAD_WEIGHTS types\.h5 is not an HDF5 file, or a damaged one/],
  ['virtual', /BAD_WEIGHTS types\.h5: virtual is in other files/],
  ['lzf', /BAD_WEIGHTS types\.h5 is not an HDF5 file, or a damaged one/],
] as const) {
  test(`a dataset that cannot be read: ${name}`, async () => {
    await assert.rejects(
      read((file) => file.tensor(name)),
      (error) => error instanceof PipelineError && message.test(error.message),
    )
  })
}
