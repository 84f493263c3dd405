import assert from 'node:assert/strict'
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import sharp from 'sharp'
import type { Prediction } from '../../src/prediction/predict-pictures.ts'
import { madeUpPicture } from '../models/made-up.ts'
import { modelFile } from '../support/models.ts'
import { ROOT } from '../support/paths.ts'
import { computed, createProject, evaluated, filesOf, type Project, type RunResult } from './rig.ts'
import { writeTrunk } from './weights.ts'

interface PredictionResult extends RunResult {
  readonly predictions: readonly Prediction[]
}

/** A file without training: a narrow network of 1,000 classes with made-up weights, on small pictures. */
const NARROW = {
  name: 'named',
  engine: 'wasm',
  dataset: { imageSize: [32, 32] },
  baseModel: { name: 'MobileNetV2', alpha: 0.35, weights: 'whole.h5' },
  prediction: { images: ['pictures/test/**/0*.png', 'more'], top: 3 },
}

async function run(project: Project, ...args: string[]) {
  const { events, result, stderr } = await project.run(...args)
  return { events, stderr, result: result as PredictionResult }
}

describe('a pipeline that predicts, on wasm', () => {
  let project: Project
  before(async () => {
    project = await createProject({}, { train: 4, test: 3 })
    cpSync(join(project.path, 'pictures/train/red'), join(project.path, 'more'), {
      recursive: true,
    })
    writeFileSync(join(project.path, 'more/bad.png'), 'no picture')
    const shape = { name: 'MobileNetV2', alpha: 0.35, inputShape: [32, 32, 3] }
    await writeTrunk(join(project.path, 'whole.h5'), { ...shape, includeTop: true })
    project.write(NARROW)
  })
  after(() => project[Symbol.asyncDispose]())

  it('names the pictures of patterns and folders; a bad one keeps no other back', async () => {
    const { result, events } = await run(project)
    assert.deepEqual(computed(events), ['predict', 'weights'])
    const { predictions, warnings, status, parameters } = result
    assert.equal(status, 'done')
    const of = (folder: string, count: number) =>
      Array.from({ length: count }, (_, i) => `${folder}/0${i}.png`)
    assert.deepEqual(
      predictions.map(({ image }) => image),
      [
        ...['blue', 'green', 'red'].flatMap((name) => of(`pictures/test/${name}`, 3)),
        ...of('more', 4),
      ],
    )
    for (const { top } of predictions) {
      assert.equal(top.length, 3)
      assert.ok(top.every(({ label }) => /^[A-Za-z]/.test(label)))
      assert.ok(top[0]!.probability >= top[1]!.probability && top[1]!.probability > 0)
    }
    assert.deepEqual(
      warnings.map(({ code, message }) => `${code} ${message}`),
      ['BAD_IMAGE more/bad.png is not a picture: it is plain text'],
    )
    assert.ok(parameters.total > 1_000_000 && parameters.trainable === 0)
    const files = filesOf(join(project.path, result.run.dir))
    assert.deepEqual(
      [...files.keys()],
      [
        'pipeline.yaml',
        'predictions.csv',
        'predictions.jsonl',
        'resolved.yaml',
        'run.json',
        'summary.md',
      ],
    )
    const lines = files.get('predictions.jsonl')!.toString().trim().split('\n')
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as Prediction),
      predictions,
    )
    const rows = files.get('predictions.csv')!.toString().trim().split('\n')
    assert.equal(rows.length, 1 + 3 * predictions.length)
    for (const [name, bytes] of files) {
      assert.ok(!bytes.includes(project.path), `${name} holds a path of this machine`)
    }
    const show = await project.pipeline(['show', 'named@latest'])
    assert.match(show.stdout, /^13 pictures named, 1 could not be read$/m)
    assert.match(show.stdout, /^more\/00\.png +\S+ +0\.\d{4} {2}\S+ 0\.\d{4}, /m)
  })

  it('again it is the same run; from its resolved file too; an edited picture is seen', async () => {
    const first = await run(project)
    assert.deepEqual(
      first.events.filter(({ type }) => type === 'stageStarted'),
      [],
    )
    const { dir } = first.result.run
    const args = ['run', join(dir, 'resolved.yaml'), '--json', '--runs', 'runs']
    const again = JSON.parse((await project.pipeline(args)).stdout) as PredictionResult
    assert.deepEqual(again.run.id, first.result.run.id)
    await using copy = await project.copy()
    cpSync(join(copy.path, 'more/00.png'), join(copy.path, 'pictures/test/blue/00.png'))
    const changed = await run(copy)
    assert.deepEqual(computed(changed.events), ['predict'])
    const [blue] = changed.result.predictions
    const same = changed.result.predictions.find(({ image }) => image === 'more/00.png')
    assert.deepEqual(blue!.top, same!.top)
    assert.notDeepEqual(blue!.top, first.result.predictions[0]!.top)
  })

  it('labels come from a file, as many as there are outputs', async () => {
    await using copy = await project.copy()
    const labels = Array.from({ length: 1000 }, (_, i) => `class ${i}`)
    writeFileSync(join(copy.path, 'labels.txt'), labels.join('\n'))
    const set = ['--set', 'prediction.labels=labels.txt']
    const { result, events } = await run(copy, ...set)
    assert.deepEqual(computed(events), ['predict'])
    for (const { top } of result.predictions) {
      for (const { label, index } of top) assert.equal(label, `class ${index}`)
    }
    writeFileSync(join(copy.path, 'labels.txt'), labels.slice(1).join('\n'))
    const { code, stderr } = await copy.pipeline(['run', 'pipeline.yaml', ...set])
    assert.equal(code, 2)
    assert.match(stderr, /WRONG_VALUE .*labels.txt has 999 labels, MobileNetV2 has 1,000 outputs/)
    assert.match(stderr, /background/)
  })

  it('without a picture it fails, at the key, with all that names none', async () => {
    symlinkSync('circle.jpg', join(project.path, 'circle.jpg'))
    const set = 'prediction.images=[nothing/*.jpg, circle.jpg, pipeline.yaml/x.jpg]'
    const { code, stderr } = await project.pipeline(['run', 'pipeline.yaml', '--set', set])
    assert.equal(code, 1)
    assert.match(stderr, /BAD_IMAGE prediction.images: no picture matches /)
    assert.match(stderr, /BAD_IMAGE prediction.images: circle.jpg is a link that leads nowhere/)
    assert.match(
      stderr,
      /BAD_IMAGE prediction.images: there is no file or folder pipeline.yaml.x.jpg/,
    )
    const strict = await project.pipeline(['validate', 'pipeline.yaml', '--strict'])
    assert.equal(strict.code, 2)
    assert.match(strict.stderr, /bad\.png is a bad picture: plain text/)
  })

  it('its plan is short, and `why` tells what changed', async () => {
    const plan = await project.pipeline(['plan', 'pipeline.yaml', '--json'])
    const stages = JSON.parse(plan.stdout) as { id: string; state: string }[]
    assert.deepEqual(
      stages.map(({ id, state }) => [id, state]),
      [
        ['weights', 'cached'],
        ['predict', 'cached'],
      ],
    )
    const why = await project.pipeline(['why', 'pipeline.yaml', '--set', 'prediction.top=2'])
    assert.match(why.stdout, /^predict +MISS +\S*top: 3 -> 2$/m)
  })
})

describe('a pipeline that predicts with the model of a run, on wasm', () => {
  it('says what the evaluation of that run said, with its labels and its preprocessing', async () => {
    await using project = await createProject({ preprocessing: { rescale: 0.005 }, freeze: 'none' })
    const trained = await project.run()
    const lines = evaluated(project, trained.result.run.dir)
    project.write({
      engine: 'wasm',
      baseModel: { run: 'little@latest' },
      prediction: { images: ['pictures/test'] },
    })
    const { result } = await run(project)
    assert.equal(result.predictions.length, lines.length)
    for (const [i, { predicted, probabilities }] of lines.entries()) {
      const { top } = result.predictions[i]!
      assert.equal(top[0]!.label, predicted)
      for (const { index, probability } of top) {
        assert.ok(Math.abs(probability - probabilities[index]!) <= 1e-5)
      }
    }
    const { stderr } = await project.pipeline(['predict', result.run.dir, 'pictures/test'])
    assert.match(
      stderr,
      /^UNKNOWN_RUN run pipeline \S+ has no model: it predicts and trains nothing$/m,
    )
  })
})

describe('a pipeline that predicts with a model file, on wasm', () => {
  /** What Keras made of two made-up pictures with its own files (test/golden/model-files.py). */
  const golden = JSON.parse(
    readFileSync(join(ROOT, 'test/golden/model-files.json'), 'utf8'),
  ) as Record<string, { readonly output: readonly number[] }>
  let project: Project
  before(async () => {
    project = await createProject({}, false)
    const pixels = madeUpPicture(2, 12, 10)
    const raw = { width: 10, height: 12, channels: 3 } as const
    for (const i of [0, 1]) {
      const picture = sharp(pixels.subarray(i * 360, (i + 1) * 360), { raw })
      await picture.png().toFile(join(project.path, `${i}.png`))
    }
    for (const name of ['sequential.keras', 'unlisted.h5']) {
      writeFileSync(join(project.path, name), modelFile(name))
    }
    writeFileSync(join(project.path, 'labels.txt'), 'left\nright\n')
    writeFileSync(join(project.path, 'three.txt'), 'a\nb\nc\n')
  })
  after(() => project[Symbol.asyncDispose]())

  const predicted = async (keras: string, settings: object) => {
    const preprocessing = { mode: 'none' }
    const prediction = { images: ['?.png'], top: 9, ...settings }
    project.write({ engine: 'wasm', preprocessing, baseModel: { keras }, prediction })
    const { result } = await run(project)
    const rows = result.predictions.map(({ top }) =>
      [...top].sort((a, b) => a.index - b.index).map(({ probability }) => probability),
    )
    return { rows, result }
  }

  it('gives what Keras gives', async () => {
    const { rows, result } = await predicted('sequential.keras', { labels: 'three.txt' })
    const wanted = golden['sequential.keras']!.output
    rows.flat().forEach((p, i) => assert.ok(Math.abs(p - wanted[i]!) < 1e-5, `${rows.join()}`))
    assert.deepEqual(
      result.predictions.map(({ top }) => top[0]!.label),
      ['c', 'c'],
    )
    assert.deepEqual(result.warnings, [])
  })

  it('logits become probabilities; left as they are, it is told', async () => {
    const logits = golden['unlisted.keras']!.output
    const bare = await predicted('unlisted.h5', { labels: 'labels.txt' })
    bare.rows.flat().forEach((value, i) => assert.ok(Math.abs(value / logits[i]! - 1) < 1e-5))
    assert.deepEqual(
      bare.result.warnings.map(({ code, hint }) => [code, hint]),
      [['NOTE', 'for logits write activation: softmax']],
    )
    const { rows, result } = await predicted('unlisted.h5', {
      labels: 'labels.txt',
      activation: 'softmax',
    })
    assert.deepEqual(result.warnings, [])
    for (const [i, [left, right]] of rows.entries()) {
      const odds = Math.exp(logits[2 * i]! - logits[2 * i + 1]!)
      assert.ok(Math.abs(left! - odds / (1 + odds)) < 1e-5)
      assert.ok(Math.abs(left! + right! - 1) < 1e-5)
    }
  })

  it('is refused where labels lack, are too many, or a softmax would come twice', async () => {
    const refused = async (keras: string, settings: object) => {
      project.write({ baseModel: { keras }, prediction: { images: ['?.png'], ...settings } })
      const { code, stderr } = await project.pipeline(['validate', 'pipeline.yaml'])
      assert.equal(code, 2)
      return stderr
    }
    assert.match(await refused('sequential.keras', {}), /MISSING_KEY .* what its outputs are/)
    assert.match(
      await refused('sequential.keras', { labels: 'labels.txt' }),
      /yaml:\d+:\d+ WRONG_VALUE \S+labels.txt has 2 labels, \S+ has 3 outputs/,
    )
    assert.match(
      await refused('sequential.keras', { labels: 'three.txt', activation: 'softmax' }),
      /yaml:\d+:\d+ CONFLICT \S+ ends in a softmax of its own/,
    )
    assert.match(await refused('unlisted.h5', { labels: 'no.txt' }), /FILE_NOT_FOUND .*no\.txt/)
  })
})
