import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { phaseBlocks, textColumns } from '../../src/commands/screen/phases.ts'
import type { EngineInfo } from '../../src/engines/engine.ts'
import { loadPipeline } from '../../src/pipeline/load.ts'
import { draftPhases, resolvePhases } from '../../src/pipeline/phases.ts'
import { splitsOf } from '../../src/pipeline/stages.ts'
import { freezeJson, phaseReports } from '../../src/runs/phase-report.ts'
import { phaseSeconds } from '../../src/runs/phase-seconds.ts'
import { phaseLines, phaseTitle } from '../../src/runs/phase-text.ts'

let folder = ''
before(() => void (folder = mkdtempSync(join(tmpdir(), 'graft-phases-'))))
after(() => rmSync(folder, { recursive: true }))

const BASE = `
dataset:
  source: {path: pictures}
  splits: {train: train, validation: {from: train, fraction: 1/4}, test: test}
baseModel: {name: MobileNetV2, weights: none}
head: [GlobalAveragePooling2D, {Dense: {units: classes, activation: softmax}}]
`
const PICTURES = { train: 750, validation: 250, test: 100 }
const CPU: EngineInfo = { name: 'tensorflow', device: 'cpu', version: '2.21.0', threads: 2 }

async function resolved(text: string, pictures?: typeof PICTURES, engine = CPU) {
  const file = join(folder, 'a.yaml')
  writeFileSync(
    file,
    (text.includes('baseModel') ? BASE.replace(/baseModel.*\n/, '') : BASE) + text,
  )
  const { pipeline } = await loadPipeline(file, { env: {}, cwd: folder })
  const drafts = draftPhases(pipeline, engine)
  const phases = resolvePhases(pipeline, splitsOf(pipeline), drafts, pictures)
  return { pipeline, phases, pictures, engine }
}

/** Label -> sentence of the last phase. */
async function told(text: string, pictures?: typeof PICTURES): Promise<Record<string, string>> {
  const { maxBytes } = (await resolved(text)).pipeline.features
  const report = phaseReports(await resolved(text, pictures)).at(-1)!
  return Object.fromEntries(
    phaseLines(report, { maxBytes }).map(({ label, text }) => [label, text]),
  )
}

describe('what is told of a phase', () => {
  it('MobileNetV2 from layer 100 on: the weights that Keras trains', async () => {
    // 54 trainable weights of 1,861,440 values: test/golden/models.py.
    assert.deepEqual(await told('freeze: {first: 100}\n', PICTURES), {
      freeze:
        "{first: 100}: 100 of 154 layers frozen; 1,861,440 of the trunk's 2,257,984 parameters train, in 54 tensors",
      'batch norm':
        "34 in inference, with their averages; 18 in training, with the batch's statistics",
      frontier: 'block_10_project_BN 14x14x96, block_11_expand_BN 14x14x576: 527 kB a picture',
      kept: 'block_10_project_BN 14x14x96: 75.3 kB a picture, 82.8 MB in all',
    })
  })

  it('all frozen: the pooled features', async () => {
    const { freeze, kept } = await told('', PICTURES)
    assert.equal(
      freeze,
      "all: 154 of 154 layers frozen; none of the trunk's 2,257,984 parameters trains",
    )
    assert.equal(kept, 'global_average_pooling2d 1280: 5.1 kB a picture, 5.6 MB in all')
  })

  it('nothing frozen: no frontier, and nothing to keep', async () => {
    const lines = await told('freeze: none\n', PICTURES)
    assert.deepEqual(Object.keys(lines), ['freeze', 'batch norm'])
    assert.match(lines['freeze']!, /^none: 0 of 154 layers frozen; 2,223,872 of the trunk's/)
    assert.equal(lines['batch norm'], "52 in training, with the batch's statistics")
  })

  it('a head with a batch normalization counts it', async () => {
    const head =
      'head: [GlobalAveragePooling2D, BatchNormalization, {Dense: {units: classes, activation: softmax}}]\n'
    const file = join(folder, 'b.yaml')
    writeFileSync(file, BASE.replace(/head.*\n/, head))
    const { pipeline } = await loadPipeline(file, { env: {}, cwd: folder })
    const phases = resolvePhases(pipeline, splitsOf(pipeline), draftPhases(pipeline, CPU))
    const [report] = phaseReports({ pipeline, phases })
    assert.deepEqual(report!.batchNorm, { inference: 52, training: 1 })
  })

  for (const [what, text, expected] of [
    ['never', 'freeze: {first: 100}\nfeatures: never\n', /^nothing, features is never: the frozen/],
    [
      'no time saved',
      'freeze: {first: 100}\ntraining: {epochs: 1}\n',
      /^nothing, it would save no/,
    ],
    [
      'the budget',
      'freeze: {first: 100}\nfeatures: {maxBytes: 80000000}\n',
      /^nothing, 82\.8 MB would pass features\.maxBytes: the frozen layers run at each step$/,
    ],
    [
      'trained layers first',
      'freeze: {layers: ["block_16_*"]}\n',
      /^nothing, trained layers stand before all that is frozen: /,
    ],
    [
      'pictures drawn anew',
      'freeze: {first: 100}\naugmentation: {horizontalFlip: true}\n',
      /26\.3 MB in all of validation and test alone, training pictures are drawn anew$/,
    ],
  ] as const) {
    it(`why nothing is kept, or not of all: ${what}`, async () => {
      assert.match((await told(text, PICTURES))['kept']!, expected)
    })
  }

  it('before the pictures are indexed it says up to how many fit', async () => {
    const { kept } = await told('freeze: {first: 100}\n')
    assert.match(kept!, /; decided once .*: 20\.0 GB are enough for 265,731 of them$/)
    assert.equal(Math.floor(20e9 / 75_264), 265_731)
  })

  it('NASNetMobile from layer 600 on: three tensors by name, and how many more', async () => {
    const { frontier } = await told(
      'baseModel: {name: NASNetMobile, weights: none}\nfreeze: {first: 600}\n',
    )
    assert.match(frontier!, /^reduction_concat_reduce_8 7x7x704, .* and 5 more: 379 kB a picture$/)
  })
})

describe('how long a phase takes', () => {
  const secondsOf = async (text: string, engine = CPU, cores = 2) => {
    const prepared = await resolved(text, PICTURES, engine)
    return phaseSeconds(prepared, prepared.phases.at(-1)!, cores)!
  }

  it('kept features save what passes once', async () => {
    const { once, epoch } = await secondsOf('freeze: {first: 100}\n')
    assert.ok(epoch.kept < epoch.run)
    // Once is for all 1,100 pictures, an epoch for the 1,000 of training and validation.
    assert.ok(Math.abs((epoch.run - epoch.kept) * 1.1 - once) < 1e-9)
    const one = await secondsOf('freeze: {first: 100}\n', CPU, 1)
    assert.ok(Math.abs(one.epoch.run / epoch.run - 2) < 1e-9)
  })

  it('the fewer layers are frozen, the longer a step; a bank passes each of its draws', async () => {
    const runs = []
    for (const freeze of ['all', '{first: 130}', '{first: 100}', 'none']) {
      runs.push((await secondsOf(`freeze: ${freeze}\n`)).epoch.run)
    }
    assert.deepEqual(
      runs,
      [...runs].sort((a, b) => a - b),
    )
    const [plain, bank] = [await secondsOf(''), await secondsOf('augmentation: {bank: 3}\n')]
    assert.ok(Math.abs(bank.once / plain.once - (3 * 750 + 350) / 1100) < 1e-9)
  })

  it('pictures that are drawn anew pass the frozen layers at each step', async () => {
    const drawn = await secondsOf('augmentation: {horizontalFlip: true}\n')
    const plain = await secondsOf('')
    assert.ok(drawn.epoch.kept > 0.7 * drawn.epoch.run)
    assert.ok(plain.epoch.kept < 0.1 * plain.epoch.run)
  })

  it('is not known of devices that nobody has measured', async () => {
    assert.equal(await secondsOf('', { ...CPU, device: 'gpu' }), undefined)
  })
})

describe('the blocks of plan and show', () => {
  it('keep to any width, and lose nothing', async () => {
    const text = 'training: {phases: [{epochs: 3}, {epochs: 5, freeze: {first: 100}}]}\n'
    const reports = phaseReports(await resolved(text, PICTURES))
    const words = (block: string) => block.split(/\s+/).filter((word) => word !== '')
    const wide = phaseBlocks(reports, 400)
    for (const width of [40, 60, 80, 100]) {
      const block = phaseBlocks(reports, width)
      assert.ok(
        block.split('\n').every((line) => line.length <= width),
        `${width}:\n${block}`,
      )
      assert.deepEqual(words(block), words(wide))
    }
    assert.deepEqual(reports.map(phaseTitle), ['train:1: epochs 1 to 3', 'train:2: epochs 4 to 8'])
  })

  it('are as wide as the terminal, within what reads well', () => {
    const widths = [30, 60, 160].map((columns) => textColumns({ isTTY: true, columns }))
    assert.deepEqual([...widths, textColumns({})], [40, 60, 120, 100])
  })
})

it('freeze.json has a line for every layer of every phase, and stays small', async () => {
  const text =
    'training: {phases: [{epochs: 3}, {epochs: 5, freeze: {first: 600}}]}\nbaseModel: {name: NASNetMobile, weights: none}\n'
  const json = freezeJson(await resolved(text), 5)
  const [first, second] = JSON.parse(json) as {
    phase: number
    freeze: unknown
    layers: {
      name: string
      parameters: number
      frozen: boolean
      part?: string
      batchNorm?: string
    }[]
  }[]
  assert.deepEqual([first!.freeze, second!.freeze], ['all', { first: 600 }])
  assert.equal(second!.layers.length, 769 + 2)
  assert.equal(second!.layers.filter(({ frozen }) => frozen).length, 600)
  assert.deepEqual(second!.layers.at(-1), {
    name: 'dense',
    part: 'head',
    parameters: 1056 * 5 + 5,
    frozen: false,
  })
  const sum = second!.layers.reduce((total, { parameters }) => total + parameters, 0)
  assert.equal(sum, 4_269_716 + 1056 * 5 + 5)
  assert.equal(json.split('\n').length, 2 * (771 + 4) + 1)
  assert.ok(json.length < 150_000, `${json.length}`)
})
