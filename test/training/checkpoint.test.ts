import assert from 'node:assert/strict'
import { readdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  openCheckpoints,
  type CheckpointOptions,
  type CheckpointStep,
} from '../../src/training/checkpoint.ts'
import { PipelineError, type Diagnostic } from '../../src/util/diagnostic.ts'
import { temporaryFolder } from '../support/stage-rig.ts'

/** A folder of checkpoints with what it warned of. */
async function rig(options: CheckpointOptions = {}) {
  const folder = await temporaryFolder()
  const warnings: Diagnostic[] = []
  const checkpoints = openCheckpoints(folder.path, (warning) => warnings.push(warning), options)
  const files = () => readdirSync(folder.path).sort()
  const path = (file: string) => join(folder.path, file)
  const [dispose] = [folder[Symbol.asyncDispose].bind(folder)]
  return { checkpoints, warnings, files, path, [Symbol.asyncDispose]: dispose }
}

type Rig = Awaited<ReturnType<typeof rig>>

const variables = (step: number) =>
  new Map([
    ['dense/kernel', Float32Array.of(step, 0.1, -0, 1e-40)],
    ['optimizer/m/dense/kernel', new Float32Array(0)],
    ['dense/bias', Float32Array.of(Math.PI)],
  ])
const save = ({ checkpoints }: Rig, step: number, bests: number[] = [], epoch = 1) =>
  checkpoints.save(
    { step, epoch },
    { state: { step, text: 'π' }, variables: variables(step), bests },
  )
const NAME = (step: number, more = '') =>
  `checkpoint-${String(step).padStart(10, '0')}-000001${more}.safetensors`

async function damagedError(promise: Promise<unknown>): Promise<Diagnostic> {
  const error = await promise.then(
    () => assert.fail('it was expected to fail'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof PipelineError, String(error))
  return error.diagnostics[0]!
}

test('a checkpoint comes back as it was, to the bit', async () => {
  await using r = await rig()
  assert.equal(await r.checkpoints.load(), undefined)
  await save(r, 7)
  const found = await r.checkpoints.load()
  assert.deepEqual(found, { state: { step: 7, text: 'π' }, variables: found!.variables, bests: [] })
  assert.deepEqual([...found!.variables].sort(), [...variables(7)].sort())
  assert.ok(Object.is(found!.variables.get('dense/kernel')![2], -0))
  assert.deepEqual(r.warnings, [])
})

test('two are kept, and of as many steps that of the later epoch is the newer', async () => {
  await using r = await rig()
  for (const step of [1, 9, 10]) await save(r, step)
  assert.deepEqual(r.files(), [NAME(9), NAME(10)])
  // The end of the second epoch's batches, and of the epoch itself: the names of the epochs must not decide.
  await save(r, 20, [], 9)
  await save(r, 20, [], 10)
  const [older, newer] = r.files()
  assert.match(older!, /-0*20-0*9\.safe/)
  assert.match(newer!, /-0*20-0*10\.safe/)
})

test('the weights of a best epoch are there as long as a kept checkpoint names them', async () => {
  await using r = await rig()
  const best = (epoch: number) => new Map([['w', Float32Array.of(epoch)]])
  const bests = () => r.files().filter((file) => file.startsWith('best'))
  await r.checkpoints.saveBest(1, best(1))
  await save(r, 10, [1])
  // Not named by a checkpoint yet: it is one's that is still to come.
  await r.checkpoints.saveBest(2, best(2))
  assert.deepEqual(bests(), ['best-1.safetensors', 'best-2.safetensors'])
  await save(r, 20, [2])
  assert.deepEqual(bests(), ['best-1.safetensors', 'best-2.safetensors'])
  await save(r, 30, [2])
  assert.deepEqual(bests(), ['best-2.safetensors'])
  await r.checkpoints.saveBest(12, best(12))
  await save(r, 40, [2, 12])
  assert.deepEqual(bests(), ['best-12.safetensors', 'best-2.safetensors'])
  const found = await r.checkpoints.load()
  assert.deepEqual(found!.bests, [2, 12])
  assert.deepEqual(await r.checkpoints.loadBest(12), best(12))
  await save(r, 50)
  await save(r, 60)
  assert.deepEqual(bests(), [])
})

test('what a killed process had half written is swept by the next checkpoint', async () => {
  await using r = await rig()
  await save(r, 1)
  writeFileSync(r.path(`.${NAME(2)}.tmp`), readFileSync(r.path(NAME(1))).subarray(0, 90))
  writeFileSync(r.path('.best-1.safetensors.tmp'), '')
  const found = await r.checkpoints.load()
  assert.equal(found!.state['step'], 1)
  assert.deepEqual(r.warnings, [])
  await save(r, 3)
  assert.deepEqual(r.files(), [NAME(1), NAME(3)])
})

const flip = (path: string, at: (length: number) => number): void => {
  const bytes = readFileSync(path)
  bytes[at(bytes.length)]! ^= 1
  writeFileSync(path, bytes)
}

const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  'a flipped bit in the values': (path) => flip(path, (length) => length - 3),
  'a flipped bit in the state': (path) => flip(path, () => readFileSync(path).indexOf('step') + 7),
  'a flipped bit in a name': (path) => flip(path, () => readFileSync(path).indexOf('kernel')),
  'a flipped bit in the length of the header': (path) => flip(path, () => 0),
  'a flipped high bit of that length': (path) => flip(path, () => 7),
  'a flipped bit in the shape': (path) => flip(path, () => readFileSync(path).indexOf('[4]') + 1),
  'a byte less': (path) => truncateSync(path, readFileSync(path).length - 1),
  'half of it': (path) => truncateSync(path, readFileSync(path).length / 2),
  'three bytes of it': (path) => truncateSync(path, 3),
  'nothing of it': (path) => truncateSync(path, 0),
  'other text': (path) => writeFileSync(path, '<!DOCTYPE html><title>404</title>'),
  'a checkpoint of another program': (path) =>
    renameSync(path.replace(NAME(2), NAME(1)).replace(/[^/]+$/, 'other'), path),
}

for (const [what, damage] of Object.entries(DAMAGES)) {
  test(`${what} is damage: the one before is taken, with a warning; without one it is an error`, async () => {
    await using r = await rig()
    const misfit = ({ state }: { state: { [key: string]: unknown } }) =>
      state['step'] === 77 ? 'it has 77' : undefined
    await save(r, 77)
    renameSync(r.path(NAME(77)), r.path('other'))
    await save(r, 1)
    await save(r, 2)
    damage(r.path(NAME(2)))
    const found = await r.checkpoints.load(misfit)
    assert.equal(found!.state['step'], 1)
    const [warning, ...more] = r.warnings
    assert.equal(`${warning!.severity} ${warning!.code}`, 'warning CHECKPOINT_DAMAGED')
    assert.match(
      warning!.message,
      new RegExp(`^${NAME(2)} \\([^)]+\\) cannot be read; training goes on from ${NAME(1)}`),
    )
    assert.deepEqual(more, [])
    // It takes up no place of the two that are kept: the good one is not dropped for it.
    await save(r, 3)
    assert.deepEqual(
      r.files().filter((file) => file.startsWith('checkpoint')),
      [NAME(1), NAME(2, '').concat('.damaged'), NAME(3)],
    )
    assert.equal((await r.checkpoints.load(misfit))!.state['step'], 3)
    assert.equal(r.warnings.length, 1)
  })
}

test('none that is whole is an error that names each file and --restart, the same one again', async () => {
  await using r = await rig()
  await save(r, 1)
  await save(r, 2)
  for (const step of [1, 2]) flip(r.path(NAME(step)), (length) => length - 1)
  for (let time = 0; time < 2; time += 1) {
    const { code, message, hint } = await damagedError(r.checkpoints.load())
    assert.equal(code, 'CHECKPOINT_DAMAGED')
    for (const step of [1, 2]) assert.ok(message.includes(r.path(NAME(step))), message)
    assert.match(message, /its bytes are not those written/)
    assert.match(hint!, /--restart/)
  }
  assert.deepEqual(r.warnings, [])
})

test('a checkpoint whose best weights are damaged is damaged; asked for by themselves it is an error', async () => {
  await using r = await rig()
  await r.checkpoints.saveBest(1, variables(1))
  await save(r, 1, [1])
  await r.checkpoints.saveBest(2, variables(2))
  await save(r, 2, [2])
  truncateSync(r.path('best-2.safetensors'), 100)
  const { code, message } = await damagedError(r.checkpoints.loadBest(2))
  assert.equal(code, 'CHECKPOINT_DAMAGED')
  assert.ok(message.includes(r.path('best-2.safetensors')), message)
  const found = await r.checkpoints.load()
  assert.deepEqual(found!.bests, [1])
  assert.match(r.warnings[0]!.message, /best-2\.safetensors/)
})

const WRITES: readonly CheckpointStep[] = ['write', 'rename', 'sync']
for (const at of WRITES) {
  test(`a full disk at the step "${at}": DISK_FULL, and what was there is there`, async () => {
    let isFull = false
    await using r = await rig({
      onStep: (step) => {
        if (isFull && step === at) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
      },
    })
    await save(r, 1)
    await save(r, 2)
    isFull = true
    const { code } = await damagedError(save(r, 3))
    assert.equal(code, 'DISK_FULL')
    // Before its name is there the checkpoint is not; from then on it is, whole.
    const newest = at === 'write' || at === 'rename' ? 2 : 3
    assert.equal((await r.checkpoints.load())!.state['step'], newest)
    assert.deepEqual(
      r.files().filter((file) => file.endsWith('.tmp')),
      [],
    )
    assert.deepEqual(r.warnings, [])
  })
}
