import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { channelsOf, createPictureMaker } from '../../src/data/picture.ts'
import { openWasm } from '../../src/engines/wasm/engine.ts'
import { openStore } from '../../src/graph/store.ts'
import { sizeOf } from '../../src/program/program.ts'
import { loadRunModel, pixelParams, type RunModel } from '../../src/runs/load-model.ts'
import { readRun, type StoredRun } from '../../src/runs/read.ts'
import { OUTPUTS, PREDICT, predictProgram } from '../../src/training/predict-program.ts'
import { PipelineError } from '../../src/util/diagnostic.ts'
import { createProject, evaluated, type Project, type Settings } from './rig.ts'

describe('the model of a run, put together again', () => {
  let base: Project
  before(async () => {
    base = await createProject()
    await base.run()
  })
  after(() => base[Symbol.asyncDispose]())

  const runWith = async (settings: Settings) => {
    const project = await base.copy()
    project.configure(settings)
    const { result } = await project.run()
    const { dir } = result.run
    return { project, dir, run: readRun(join(project.path, dir))! }
  }

  for (const [what, settings] of Object.entries({
    'a trunk left alone': { preprocessing: { mode: 'caffe' } },
    'a trunk trained in part': { freeze: { first: 100 }, dataset: { colorMode: 'grayscale' } },
    'a trunk trained wholly': { freeze: 'none' },
  })) {
    it(`predicts what the run did: ${what}`, async () => {
      const { project, dir, run } = await runWith(settings)
      await using _ = project
      const model = await loadedModel(project, run)
      const lines = evaluated(project, dir).slice(0, 5)
      const values = await predict(
        model,
        lines.map(({ image }) => join(project.path, 'pictures', image)),
      )
      const width = model.classes.length
      lines.forEach(({ probabilities }, i) => {
        probabilities.forEach((p, c) => near(values[i * width + c]!, p))
      })
    })
  }

  it('what it needs and is not there is told with what brings it back', async () => {
    const { project, run } = await runWith({ name: 'gone' })
    await using _ = project
    rmSync(join(project.store, 'artifacts'), { recursive: true })
    await rejects(
      loadedModel(project, run),
      /^STORE_DAMAGED the weights of MobileNetV2, .*run gone .* not in the store any more$/,
      /^bring them back: pipeline run .*resolved.yaml --force weights$/,
    )
    // That is what it does.
    await project.pipeline(['run', join(run.folder, 'resolved.yaml'), '--force', 'weights'])
    assert.equal((await loadedModel(project, run)).classes.length, 3)
    writeFileSync(join(run.folder, 'model/model.json'), '{"format": 7}')
    await rejects(loadedModel(project, run), /^BAD_WEIGHTS .*model.json is not a description/)
    rmSync(join(run.folder, 'model'), { recursive: true })
    await rejects(loadedModel(project, run), /^UNKNOWN_RUN run gone .* has no model: its folder/)
  })
})

async function loadedModel({ store: root }: Project, run: StoredRun): Promise<RunModel> {
  const store = await openStore(root, { readOnly: true })
  try {
    return await loadRunModel(run, store)
  } finally {
    store.close()
  }
}

async function predict(model: RunModel, images: readonly string[]): Promise<Float32Array> {
  const params = pixelParams(model.input)
  const shape = [images.length, ...params.imageSize, channelsOf(params)]
  const pixels = new Uint8Array(sizeOf(shape))
  const maker = await createPictureMaker(params)
  const bytes = pixels.length / images.length
  for (const [i, path] of images.entries()) {
    await maker.make(readFileSync(path), path, pixels.subarray(i * bytes, (i + 1) * bytes))
  }
  const engine = await openWasm()
  const session = await engine.compile(predictProgram(model, { shape }).program)
  const { [OUTPUTS]: values } = await session.run(PREDICT, { pixels })
  await session.close()
  await engine.close()
  return values as Float32Array
}

function near(a: number, b: number): void {
  assert.ok(Math.abs(a - b) <= 1e-5, `${a} and ${b}`)
}

async function rejects(promise: Promise<unknown>, message: RegExp, hint = /./): Promise<void> {
  const error = await promise.then(
    () => assert.fail('it did not fail'),
    (e: unknown) => e,
  )
  assert.ok(error instanceof PipelineError, String(error))
  assert.match(error.message, message)
  assert.match(error.diagnostics[0]!.hint ?? '', hint)
}
