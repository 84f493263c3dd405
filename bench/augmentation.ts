import {
  drawTransform,
  NO_AUGMENTATION,
  type Augmentation,
} from '../src/data/augmentation/augmentation.ts'
import { createAugmenter } from '../src/data/augmentation/augmenter.ts'
import { alternate, measure, report, reportLoad, verdict, type Cost } from './support/pairs.ts'
import { startPython } from './support/python.ts'

/**
 * Augmenting one picture on one thread, draw and all, against Keras' `ImageDataGenerator.random_transform`; and against
 * TensorFlow's ImageProjectiveTransformV3, the geometry alone in a graph, in batches of 16 on two threads:
 *
 *     GRAFT_BENCH_PYTHON=python3 node dist/bench/augmentation.js [ROUNDS] [SIZE]
 */
const [rounds = 7, size = 224] = process.argv.slice(2).map(Number)
const COUNT = 320
const shape = [size, size, 3] as const

const GEOMETRY: Partial<Augmentation> = {
  rotationRange: 40,
  widthShiftRange: 0.1,
  heightShiftRange: 0.1,
  shearRange: 0.2,
  zoomRange: [0.8, 1.2],
  horizontalFlip: true,
}
const CASES: Readonly<Record<string, Partial<Augmentation>>> = {
  'a flip': { horizontalFlip: true },
  'rotation, shifts, shear, zoom, flip': GEOMETRY,
  'the same, filled by reflect': { ...GEOMETRY, fillMode: 'reflect' },
  everything: { ...GEOMETRY, brightnessRange: [0.8, 1.2], channelShiftRange: 10 },
}

/** rotationRange to rotation_range. */
function kerasNames(settings: Partial<Augmentation>): Record<string, unknown> {
  const snake = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [snake(name), value]))
}

const augment = createAugmenter()
const pixels = Uint8Array.from(
  { length: size * size * 3 },
  (_, i) => Math.imul(i, 2654435761) >>> 13,
)
const out = new Float32Array(new SharedArrayBuffer(4 * pixels.length))
let epoch = 0

function ours(settings: Partial<Augmentation>): Promise<Cost> {
  const augmentation = { ...NO_AUGMENTATION, ...settings }
  epoch += 1
  return measure(() => {
    for (let i = 0; i < COUNT; i += 1) {
      const transform = drawTransform(augmentation, [size, size], 1, epoch, i)
      augment(pixels, shape, transform, augmentation, out)
    }
    return Promise.resolve()
  })
}

const python = startPython('augmentation.py')
const { keras, tensorflow } = await python.ask<Record<string, string>>({ do: 'versions' })
console.log(`${size}x${size}x3, Keras ${keras}, TensorFlow ${tensorflow}`)
for (const [what, settings] of Object.entries(CASES)) {
  await ours(settings)
  const theirs = () =>
    python.ask<Cost>({ do: 'generator', size, count: COUNT, settings: kerasNames(settings) })
  const pairs = await alternate(rounds, () => ours(settings), theirs)
  const bar = settings.rotationRange === undefined ? 1 : 3
  report(what, pairs, { count: COUNT, unit: 'pictures', bar })
}
const graph = () => python.ask<Cost>({ do: 'graph', size, count: COUNT })
const pairs = await alternate(rounds, () => ours(GEOMETRY), graph)
const cheaper = pairs.map(({ ours, theirs }) => theirs.cpu! / ours.cpu!)
console.log(`geometry, processor time of ImageProjectiveTransformV3 in ours ${verdict(cheaper, 1)}`)
await python.close()
reportLoad()
