import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { RUN_FILES, type RunRecord } from '../../src/runs/record.ts'
import { digestOf } from '../../src/util/digest.ts'
import { stableNumber } from '../../src/util/figures.ts'
import { foldedJson, type Json } from '../../src/util/json.ts'

const STAGES = ['download', 'unpack', 'index', 'weights'].concat(
  ['train', 'validation', 'test'].flatMap((split) => [`pixels:${split}`, `features:${split}`]),
  ['train', 'evaluate:validation', 'evaluate:test'],
)
const NAMES = ['fruits-finetune', 'cats-and-dogs', 'quickstart', 'fruits-head', 'transfer-20']
const RATES = [0.01, 0.003, 0.001, 0.0003, 0.0001]

/**
 * Writes run folders as `pipeline run` leaves them, run.json and resolved.yaml, a minute apart from the start of 2026.
 * The same arguments give the same bytes.
 */
export function writeManyRuns(
  root: string,
  count: number,
  { epochs = 5 }: { readonly epochs?: number } = {},
): void {
  for (let i = 0; i < count; i += 1) writeRun(root, i, epochs)
}

/** The one with that number. */
export function writeRun(root: string, i: number, epochs = 5): void {
  const record = madeRecord(i, epochs)
  const folder = join(root, record.name, record.id)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, RUN_FILES.record), foldedJson(record as unknown as Json))
  writeFileSync(join(folder, RUN_FILES.resolved), madeResolved(i, record))
}

export function madeRecord(i: number, epochs: number): RunRecord {
  const started = new Date(Date.UTC(2026, 0, 1, 0, i)).toISOString().slice(0, 19)
  const pipeline = digestOf(`pipeline ${i}`)
  const figures = (x: number) => ({ accuracy: stableNumber(1 - x), loss: stableNumber(x * 3) })
  const noise = ((i * 7919) % 1000) / 1000
  return {
    format: 1,
    name: NAMES[i % NAMES.length]!,
    id: `${started.replace(/[-:]/g, '').replace('T', '-')}-${pipeline.slice(7, 13)}`,
    status: i % 50 === 7 ? 'failed' : 'done',
    pipeline,
    ...(i % 4 === 0 ? { tags: ['x', 'course'] } : {}),
    seed: i % 3,
    engine: { name: 'tensorflow', device: 'cpu', version: '2.21.0', threads: 2 },
    started: `${started}Z`,
    seconds: stableNumber(60 + noise * 100),
    stages: STAGES.map((id) => ({
      id,
      kind: id.split(':')[0]!,
      cached: id !== 'train',
      seconds: stableNumber(noise * 10),
      fingerprint: digestOf(`fingerprint ${id} ${i}`),
      digest: digestOf(`digest ${id} ${i}`),
      bytes: 1000 + i,
    })),
    epochs: Array.from({ length: epochs }, (_, epoch) => ({
      epoch: epoch + 1,
      phase: 1,
      train: figures(0.5 / (epoch + 1 + noise)),
      validation: figures(0.6 / (epoch + 1 + noise)),
      seconds: stableNumber(3 + noise),
    })),
    metrics: { validation: figures(0.1 + noise / 10), test: figures(0.05 + noise / 5) },
    pictures: { train: 8000, validation: 1000, test: 1000 },
    classes: ['apple', 'banana', 'cherry', 'lemon', 'mango', 'orange', 'pear', 'plum'],
    parameters: { total: 4_400_000, trainable: 1_000_000 },
    warnings: [],
    environment: {
      cores: 2,
      git: { commit: digestOf(`commit ${i >> 4}`).slice(7, 47), dirty: i % 2 === 0 },
      graft: '0.1.0',
      node: '20.20.2',
      platform: 'linux-x64',
    },
  }
}

function madeResolved(i: number, { name, tags, seed }: RunRecord): string {
  const dense = (units: number | string, activation: string) => ({
    Dense: {
      units,
      activation,
      useBias: true,
      kernelInitializer: { name: 'GlorotUniform' },
      biasInitializer: { name: 'Zeros' },
    },
  })
  return stringify({
    name,
    tags: tags ?? [],
    seed,
    engine: { name: 'auto', precision: 'float32' },
    dataset: {
      source: { path: '../../../pictures' },
      root: '.',
      layout: 'folders',
      splits: { train: 'train', validation: 'validation', test: 'test' },
      imageSize: [224, 224],
      resize: { library: 'pillow', method: 'bilinear' },
      fit: 'stretch',
      colorMode: 'rgb',
      transparency: 'white',
      exif: false,
      badImages: 'fail',
    },
    preprocessing: { mode: 'tf' },
    baseModel: {
      name: 'MobileNetV2',
      weights: 'imagenet',
      includeTop: false,
      pooling: 'none',
      alpha: 1,
    },
    freeze: i % 2 === 0 ? 'all' : { first: 100 },
    features: { when: 'auto', maxBytes: 20_000_000_000, dtype: 'float32' },
    head: [
      'GlobalAveragePooling2D',
      dense(100 * (1 + (i % 4)), 'relu'),
      dense('classes', 'softmax'),
    ],
    loss: { name: 'CategoricalCrossentropy', fromLogits: false, labelSmoothing: 0 },
    optimizer: {
      name: 'Adam',
      learningRate: RATES[i % RATES.length],
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-7,
      amsgrad: false,
    },
    training: {
      epochs: 30,
      batchSize: 16 << (i % 3),
      lastBatch: 'keep',
      shuffle: true,
      classWeight: 'none',
      checkpoint: { every: ['epoch', '5m'] },
    },
    evaluation: { on: ['validation', 'test'], metrics: ['accuracy'], predictions: true },
  })
}
