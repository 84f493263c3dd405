// Every function of SavedModels against TensorFlow itself (tf.saved_model.load) on the same numbers: the largest difference, in
// parts of the largest value. Beside them SavedModels that TensorFlow writes here from networks of keras.applications with random
// weights: `export` of Keras 3 and a tf.Module with `training`, both with their top, and a feature vector as TF Hub asks for it.
// Run: [ENGINE=wasm] GRAFT_BENCH_PYTHON=python node dist/bench/saved-model.js FOLDER|MODEL[:SIZE]… (default SIZE: 224)
// A FOLDER is a SavedModel, or has some further down; they are fed numbers in 0..1, those made here 0..255.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { chooseEngine } from '../src/engines/choose.ts'
import type { EngineName } from '../src/engines/engine.ts'
import { importSavedModel } from '../src/models/saved-model/import.ts'
import { inline } from '../src/models/saved-model/inline.ts'
import type { ModuleOptions } from '../src/models/saved-model/module.ts'
import { describeSavedModel } from '../src/models/saved-model/read.ts'
import { Builder } from '../src/program/builder.ts'
import type { Shape } from '../src/program/program.ts'
import { simplify } from '../src/program/simplify.ts'
import { PipelineError } from '../src/util/diagnostic.ts'
import { partsApart } from './support/apart.ts'
import { reportLoad } from './support/pairs.ts'
import { startPython } from './support/python.ts'
import { temporaryFolder } from './support/trunks.ts'

const places = process.argv.slice(2)
if (places.length === 0) throw new Error('node dist/bench/saved-model.js FOLDER|MODEL[:SIZE]…')
const BAR = 1e-4
const PICTURES = 2
const work = temporaryFolder()
const python = startPython('saved_model_side.py')
const name = (process.env['ENGINE'] ?? 'auto') as 'auto' | EngineName
const engine = await (await chooseEngine({ name })).open()
let [compared, missed] = [0, 0]
for (const place of places) {
  if (isFolder(place)) {
    const found = savedModelsIn(resolve(place))
    for (const one of found) {
      const title = found.length > 1 ? relative(place, one) : place
      await compareAll(title, one, { size: 224, high: 1 })
    }
  } else {
    const [model, size = '224'] = place.split(':') as [string, string?]
    for (const form of ['export', 'module', 'hub']) await compareMade(model, form, Number(size))
  }
}
await engine.close()
await python.close()
console.log(
  `${compared} outputs on ${engine.info.name}, ${missed === 0 ? 'all' : `all but ${missed}`} within ${BAR}`,
)
reportLoad()
process.exitCode = missed === 0 && compared > 0 ? 0 : 1

interface Feeding {
  /** Of a picture, where the module leaves it open. */
  readonly size: number
  /** What the numbers go up to. */
  readonly high: number
}

async function compareMade(model: string, form: string, size: number): Promise<void> {
  const folder = join(work, 'made')
  await python.ask({ do: 'make', name: model, form, size, folder })
  await compareAll(`${model} ${size} ${form}`, folder, { size, high: 255 })
  rmSync(folder, { recursive: true })
}

async function compareAll(title: string, folder: string, feeding: Feeding): Promise<void> {
  const { signatures, tags } = await describeSavedModel(folder)
  const chosen = tags.find((set) => set.join() === 'serve') ?? tags.find((set) => set.length === 0)
  for (const signature of signatures) {
    const label = `${title} ${signature.name}`
    const inputs = signature.inputs.map(({ name, shape }) => ({
      name,
      shape: closed(shape, feeding.size),
    }))
    const out = join(work, 'call')
    rmSync(out, { recursive: true, force: true })
    mkdirSync(out)
    const theirs = await python.ask<{ outputs?: string[]; strings?: string }>({
      ...{ do: 'call', folder, tags: chosen, signature: signature.name },
      ...{ inputs, high: feeding.high, out },
    })
    if (theirs.outputs === undefined) {
      console.log(`${label}: takes strings (${theirs.strings}), no numbers`)
      continue
    }
    for (const output of signature.outputs) {
      const at = theirs.outputs.indexOf(output)
      if (at < 0) throw new Error(`${label}: no ${output} among ${theirs.outputs.join(', ')}`)
      const options = { signature: signature.name, output, tags: chosen }
      await compare(`${label} ${output}`, join(out, `output ${at}`), () =>
        run(folder, options, inputs, out),
      )
    }
  }
}

async function compare(
  label: string,
  file: string,
  ours: () => Promise<Float32Array>,
): Promise<void> {
  compared += 1
  let apart: number
  try {
    apart = partsApart(await ours(), floats(file))
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    missed += 1
    console.log(`${label}: NOT imported: ${error.message}`)
    return
  }
  if (!(apart <= BAR)) missed += 1
  console.log(`${label}: ${apart.toExponential(1)}${apart <= BAR ? '' : ' NOT met'}`)
}

/** The function's program on the files of `out`, weights as constants. */
async function run(
  folder: string,
  options: ModuleOptions,
  inputs: readonly { readonly shape: Shape }[],
  out: string,
): Promise<Float32Array> {
  const { config, readWeights } = await importSavedModel(folder, options)
  const weights = await readWeights()
  const shapes = new Map(config.weights.map((weight) => [weight.name, weight.shape]))
  const b = new Builder()
  const output = inline(config.inference, {
    b,
    config,
    inputs: inputs.map(({ shape }, i) => b.input(`input ${i}`, shape)),
    weight: (weight) => b.constant(weights.get(weight)!, shapes.get(weight)!),
  })
  b.entry('run', { fetches: { output }, updates: [] })
  const session = await engine.compile(simplify(b.program()))
  const feeds = inputs.map((_, i) => [`input ${i}`, floats(join(out, `input ${i}`))] as const)
  const fetched = await session.run('run', Object.fromEntries(feeds))
  await session.close()
  return fetched['output'] as Float32Array
}

/** What a module leaves open: some rows, pictures of that size in three channels. */
function closed(shape: readonly number[] | null, size: number): number[] {
  if (shape === null) return [PICTURES]
  const usual = [PICTURES, ...(shape.length === 4 ? [size, size, 3] : [])]
  return shape.map((n, axis) => (n < 0 ? (usual[axis] ?? PICTURES) : n))
}

function floats(file: string): Float32Array {
  const { buffer, byteOffset, length } = readFileSync(file)
  return new Float32Array(buffer.slice(byteOffset, byteOffset + length))
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function savedModelsIn(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  const found = files.filter((file) => /(^|[/\\])saved_model\.pb$/.test(file))
  if (found.length === 0) throw new Error(`no SavedModel in ${folder}`)
  return found.map((file) => dirname(join(folder, file)))
}
