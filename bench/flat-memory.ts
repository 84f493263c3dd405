// Whether memory stays flat over a training: MobileNetV2 0.35 from layer 100 on, from pixels, freshly augmented, batch 16,
// 224 x 224, a checkpoint every 50 batches, on tensorflow. The resident memory of the whole process at some steps, and the
// growth a step between the first and the last of them.
// Run: node dist/bench/flat-memory.js FOLDER [STEPS=1000] [ENGINE=tensorflow]
// FOLDER has train/ with a folder of pictures for each class.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import type { Event } from '../src/graph/event.ts'

const [folder, steps = '1000', engine = 'tensorflow'] = process.argv.slice(2)
if (folder === undefined) throw new Error('node dist/bench/flat-memory.js FOLDER [STEPS] [ENGINE]')
const last = Number(steps)
const looked = [0.1, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * last))
const work = mkdtempSync(join(tmpdir(), 'graft-bench-'))
const file = join(work, 'flat.yaml')
writeFileSync(
  file,
  `engine: ${engine}
dataset:
  source: {path: ${JSON.stringify(resolve(folder))}}
  splits: {train: train}
  imageSize: [224, 224]
baseModel: {name: MobileNetV2, alpha: 0.35, weights: none}
freeze: {first: 100}
features: never
augmentation: {rotationRange: 20, zoomRange: 0.2, horizontalFlip: true}
head: [GlobalAveragePooling2D, {Dropout: 0.2}, {Dense: {units: classes, activation: softmax}}]
optimizer: {name: Adam, learningRate: 0.0001}
training: {epochs: ${last}, batchSize: 16, lastBatch: drop, checkpoint: {every: 50 batches}}
evaluation: {on: [train]}
`,
)
const rss = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024

const seen = new Map<number, number>()
try {
  const main = fileURLToPath(new URL('../src/main.js', import.meta.url))
  const args = [main, 'run', file, '--log', 'json', '--store', join(work, 'store')]
  const child = execa(process.execPath, args, { cwd: work, reject: false, buffer: false })
  for await (const line of createInterface({ input: child.stderr })) {
    if (!line.startsWith('{')) throw new Error(line)
    const event = JSON.parse(line) as Event
    if (event.type !== 'stageProgress' || event.stage !== 'train') continue
    if (looked.includes(event.done)) {
      seen.set(event.done, rss(child.pid!))
      console.log(`step ${event.done}: ${(seen.get(event.done)! / 1e6).toFixed(0)} MB`)
    }
    if (event.done >= last) child.kill('SIGKILL')
  }
  await child
} finally {
  rmSync(work, { recursive: true, force: true })
}
const [first, end] = [seen.get(looked[0]!)!, seen.get(last)!]
const growth = (end - first) / (last - looked[0]!)
console.log(`growth a step: ${(growth / 1e3).toFixed(1)} kB`)
