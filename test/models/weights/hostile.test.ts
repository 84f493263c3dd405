import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { withHdf5, type Hdf5Group } from '../../../src/models/weights/hdf5.ts'
import { readKerasH5 } from '../../../src/models/weights/keras-h5.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'
import { residentBytes } from '../../support/memory.ts'
import { ROOT } from '../../support/paths.ts'
import { temporaryFolder } from '../../support/stage-rig.ts'

const fixture = (name: string) => join(ROOT, 'test/fixtures/weights', name)

/** What test/golden/hostile-h5.py wrote. */
const hostile = <T>(use: (file: Hdf5Group) => T) => withHdf5(fixture('hostile.h5'), 'x.h5', use)

const isBad = (message: RegExp) => (error: unknown) =>
  error instanceof PipelineError &&
  error.diagnostics[0]!.code === 'BAD_WEIGHTS' &&
  message.test(error.message)

/** Reading goes on as before, whatever came before it. */
async function readsOn(): Promise<void> {
  assert.equal((await readKerasH5(fixture('keras2.h5'))).length, 6)
}

test('an .h5 file is not led to other files of this machine', async () => {
  await assert.rejects(
    hostile((file) => file.tensor('outside')),
    isBad(/is not an HDF5 file, or a damaged one/),
  )
  await hostile((file) => {
    const group = file.group('group')!
    for (const name of group.texts('weight_names')!) assert.equal(group.tensor(name), undefined)
    assert.ok(group.group('self/self/self/self'))
  })
})

test('a declared size is not believed', async () => {
  const before = await residentBytes()
  for (const name of ['numbers', 'names']) {
    await assert.rejects(
      hostile((file) => file.tensor(name)),
      isBad(new RegExp(`x\\.h5: ${name} is larger than the file can hold`)),
    )
  }
  assert.ok((await residentBytes()) - before < 256 * 2 ** 20)
})

test('after any damage the next file is read as ever', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'x.h5')
  const bytes = await readFile(fixture('chunked-latest.h5'))
  // Where an object's header says what follows.
  for (let at = 2020; at < 2045; at += 1) {
    const flipped = Buffer.from(bytes)
    flipped[at]! ^= 0xff
    await writeFile(path, flipped)
    await readKerasH5(path).catch((error: unknown) => assert.ok(isBad(/x\.h5/)(error), `${error}`))
    await readsOn()
  }
})

test('a library that does not come to an end is given up', async () => {
  const patience = { milliseconds: -1e6, bytesPerMillisecond: 1 }
  await assert.rejects(
    withHdf5(fixture('keras2.h5'), 'x.h5', (file) => file.keys(), patience),
    isBad(/x\.h5 is not an HDF5 file, or a damaged one/),
  )
  await readsOn()
})
