// Exports a run to keras and tfjs and has the files loaded by Keras itself and by TensorFlow.js in Chromium; their predictions
// of pictures of the run against the run's own; by tfjs-layers in Node too. Made-up pictures where the store has none. Of a run
// on a SavedModel it tells the layers that its function became. Outputs that do not differ among pictures show nothing.
// Run: node dist/bench/export.js RUN [TF.MIN.JS]
// TF.MIN.JS is dist/tf.min.js of the npm package @tensorflow/tfjs; CHROMIUM is the browser's command (default: chromium).
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { execa } from 'execa'
import { chooseEngine } from '../src/engines/choose.ts'
import { largestDifference, predictions, somePixels } from '../src/export/check.ts'
import { exportRun } from '../src/export/export.ts'
import { storeRoot } from '../src/graph/store-root.ts'
import { openStore } from '../src/graph/store.ts'
import type { Layer } from '../src/models/layer-graph.ts'
import { raiseSavedModels } from '../src/models/saved-model/raise/raise.ts'
import { loadRunModel } from '../src/runs/load-model.ts'
import { findRun, runsRoot } from '../src/runs/read.ts'
import { predictInTfjs } from '../test/support/tfjs.ts'
import { pythonCommand, PYTHON_ENV, script } from './support/python.ts'

const [reference, tfjs] = process.argv.slice(2)
if (reference === undefined) throw new Error('node dist/bench/export.js RUN [TF.MIN.JS]')
const cwd = process.cwd()
const run = findRun(reference, runsRoot(undefined, process.env, cwd), cwd)
const store = await openStore(storeRoot(process.env), { readOnly: true })
const model = await loadRunModel(run, store)
const { open } = await chooseEngine({ name: 'auto' })
const { imageSize, colorMode } = model.input
const shape = [...imageSize, colorMode === 'grayscale' ? 1 : 3]
const pixels = await somePixels(run, store, shape)
const engine = await open()
const outputs = await predictions(engine, model, pixels)
await engine.close()

const PAGE = `<!doctype html>
<script src="tf.min.js"></script>
<script type="module">
async function predict() {
  await tf.setBackend('BACKEND')
  if (tf.getBackend() !== 'BACKEND') throw new Error('this browser has no BACKEND')
  const { shape } = await (await fetch('check.json')).json()
  const bytes = new Uint8Array(await (await fetch('pixels.u8')).arrayBuffer())
  const model = await tf.loadLayersModel('model.json')
  const outputs = await model.predict(tf.tensor(Float32Array.from(bytes), shape)).data()
  const { labels } = model.getUserDefinedMetadata()
  const browser = navigator.userAgent.match(/Chrome[/][0-9.]+/)[0]
  return { outputs: Array.from(outputs), labels, version: tf.version.tfjs, browser }
}
const answer = await predict().catch((error) => ({ error: String(error.stack) }))
await fetch('/', { method: 'POST', body: JSON.stringify(answer) })
</script>
`

const module = model.graph.layers.find(({ kind }) => kind === 'SavedModel')
if (module) {
  const own = new Set(model.graph.layers.map(({ name }) => name))
  const { graph } = raiseSavedModels({ ...model, frozen: new Set() })
  const layers = graph.layers.filter(({ name }) => !own.has(name))
  console.log(`${module.name}, a SavedModel, as ${layers.length} layers: ${kindsOf(layers)}`)
}
const perPicture = outputs.length / pixels.shape[0]!
const spread = Math.max(...outputs.map((value, i) => Math.abs(value - outputs[i % perPicture]!)))
console.log(`outputs: at most ${spread.toExponential(1)} from those of the first picture`)

const folder = await mkdtemp(join(tmpdir(), 'graft-export-'))
const { signal } = new AbortController()
try {
  for (const format of ['keras', 'tfjs'] as const) {
    const out = join(folder, format)
    await exportRun(run, { format, out, store, openEngine: open, signal })
    writeFileSync(join(out, 'check.json'), JSON.stringify({ shape: pixels.shape }))
    writeFileSync(join(out, 'pixels.u8'), pixels.data)
    writeFileSync(join(out, 'outputs.f32'), new Uint8Array(outputs.buffer))
  }
  const of = `${pixels.shape[0]} pictures (${pixels.split ?? 'made up'})`
  const python = [script('export_keras.py'), join(folder, 'keras')]
  const { stdout } = await execa(pythonCommand(), python, { env: PYTHON_ENV })
  const { difference, version } = JSON.parse(stdout.split('\n').at(-1)!) as Record<string, number>
  console.log(`Keras ${version}: ${of}, at most ${difference!.toExponential(1)} apart`)
  const inNode = await predictInTfjs(join(folder, 'tfjs'), pixels.shape as Pictures, pixels.data)
  const apart = largestDifference(outputs, inNode.outputs).toExponential(1)
  console.log(`tfjs-layers in Node: ${of}, at most ${apart} apart`)
  for (const backend of tfjs === undefined ? [] : ['cpu', 'webgl']) {
    const got = await inBrowser(join(folder, 'tfjs'), tfjs!, backend)
    const apart = largestDifference(outputs, Float32Array.from(got.outputs))
    const { browser, labels } = got
    console.log(
      `tfjs ${got.version} on ${backend} in ${browser}: ${of}, at most ${apart.toExponential(1)} apart`,
    )
    console.log(`  labels in the model: ${labels.join(', ')}`)
  }
} finally {
  store.close()
  await rm(folder, { recursive: true, force: true })
}

type Pictures = readonly [number, number, number, number]

function kindsOf(layers: readonly Layer[]): string {
  const counts = new Map<string, number>()
  for (const { kind } of layers) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ')
}

interface Answer {
  readonly outputs: readonly number[]
  readonly labels: readonly string[]
  readonly version: string
  readonly browser: string
}

/** Serves the folder to a headless Chromium whose page predicts and posts what it got. */
async function inBrowser(served: string, library: string, backend: string): Promise<Answer> {
  let answered: (answer: string) => void
  const answer = new Promise<string>((resolve) => (answered = resolve))
  const server = createServer((request, response) => {
    const name = basename(request.url ?? '')
    if (request.method === 'POST') void text(request).then(answered)
    const page = PAGE.replaceAll('BACKEND', backend)
    const path = name === 'tf.min.js' ? library : join(served, name)
    if (request.method === 'POST' || name === '') response.end(page)
    else if (existsSync(path)) response.end(readFileSync(path))
    else response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const profile = await mkdtemp(join(tmpdir(), 'graft-chromium-'))
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--enable-unsafe-swiftshader',
    `--user-data-dir=${profile}`,
  ]
  const command = process.env['CHROMIUM'] ?? 'chromium'
  const browser = spawn(command, [...flags, `http://127.0.0.1:${port}/`], { stdio: 'ignore' })
  try {
    const late = new Promise<string>((_, reject) =>
      setTimeout(() => reject(new Error(`${command} said nothing in 5 minutes`)), 300_000).unref(),
    )
    const told = JSON.parse(await Promise.race([answer, late])) as Answer & { error?: string }
    if (told.error !== undefined) throw new Error(`${command}: ${told.error}`)
    return told
  } finally {
    const ended = new Promise((resolve) => browser.once('exit', resolve))
    browser.kill()
    await ended
    server.closeAllConnections()
    server.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}
