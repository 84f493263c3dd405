import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { readArchitecture, readModelFile } from '../../../src/models/files/read-model.ts'
import type { LayerGraph, WeightMap } from '../../../src/models/layer-graph.ts'
import { kerasPositions } from '../../../src/models/listing.ts'
import { lower } from '../../../src/models/lower.ts'
import { rebuildGraph } from '../../../src/models/stored-graph.ts'
import { Builder } from '../../../src/program/builder.ts'
import { evaluate } from '../../../src/program/evaluate.ts'
import { assertClose } from '../../support/compare.ts'
import { ROOT } from '../../support/paths.ts'
import { madeUpPicture } from '../made-up.ts'

/** What test/golden/model-files.py wrote. */
type Golden = Readonly<
  Record<string, { readonly keras: string; readonly layers: string[]; readonly output?: number[] }>
>

const golden = JSON.parse(
  await readFile(join(ROOT, 'test/golden/model-files.json'), 'utf8'),
) as Golden
const whole = Object.keys(golden).filter((name) => !name.endsWith('.weights.h5'))

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-model-files-'))
})
after(() => rm(folder, { recursive: true }))

const bytesOf = async (name: string) =>
  gunzipSync(await readFile(join(ROOT, 'test/fixtures/model-files', `${name}.gz`)))

async function unpacked(name: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, await bytesOf(name))
  return path
}

function run(graph: LayerGraph, weights: WeightMap) {
  const b = new Builder()
  const input = b.input('x', [2, 12, 10, 3])
  const { output } = lower(b, graph, { weights, start: { [graph.input.name]: input } })
  b.entry('run', { fetches: { output }, updates: [] })
  const x = Float32Array.from(madeUpPicture(2, 12, 10))
  return evaluate(b.program(), 'run', { x }).fetches['output']
}

/** As Keras' `model.layers` names them. */
function listedNames(graph: LayerGraph): string[] {
  const names: string[] = []
  kerasPositions(graph).forEach((position, i) => {
    const { name, listed } = graph.layers[i]!
    if (position !== undefined) names[position] = typeof listed === 'object' ? listed.within : name
  })
  return names
}

for (const name of whole) {
  const { keras, layers, output } = golden[name]!
  test(`${name}: the outputs of Keras ${keras}`, async () => {
    const path = await unpacked(name)
    const { graph, weights } = await readModelFile(path)
    const built = rebuildGraph(graph)
    assertClose(run(built, weights), output!, 2e-5, 'output')
    assert.deepEqual((await readArchitecture(path)).graph, graph)
    assert.deepEqual(listedNames(built), layers)
  })
}
