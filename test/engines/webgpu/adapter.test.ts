import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { after, describe, test } from 'node:test'
import { openAdapter } from '../../../src/engines/webgpu/adapter.ts'
import { mayHaveGpu } from '../../../src/engines/webgpu/hardware.ts'
import {
  locateWebgpu,
  requireWebgpu,
  type WebgpuLocation,
} from '../../../src/engines/webgpu/locate.ts'
import { PipelineError } from '../../../src/util/diagnostic.ts'

const folder = mkdtempSync(join(tmpdir(), 'graft-adapter-'))
after(() => rmSync(folder, { recursive: true }))

/** A package `webgpu` that knows these adapters, chosen as Dawn chooses: by a part of the name, the best first. */
function dawn(...adapters: readonly (readonly [backend: string, name: string])[]): WebgpuLocation {
  const at = mkdtempSync(join(folder, 'dawn-'))
  writeFileSync(
    join(at, 'package.json'),
    '{"name": "webgpu", "type": "module", "main": "index.js"}',
  )
  writeFileSync(
    join(at, 'index.js'),
    `const ALL = ${JSON.stringify(adapters)}
    export const globals = {}
    export const create = (options) => ({
      async requestAdapter({ forceFallbackAdapter } = {}) {
        const wanted = /^adapter=(.*)$/.exec(options.find((o) => o.startsWith('adapter=')) ?? 'adapter=')[1]
        const named = ALL.filter(([, name]) => name.includes(wanted))
        if (wanted !== '' && named.length === 0) {
          throw new Error('no suitable backends found\\nAvailable adapters:\\n' +
            ALL.map(([backend, name]) => \` * backend: '\${backend}', name: '\${name}'\`).join('\\n'))
        }
        const isSoftware = ([, name]) => name.startsWith('llvmpipe')
        const fitting = forceFallbackAdapter ? named.filter(isSoftware) : named
        if (fitting.length === 0) return null
        const [, name] = fitting.find((a) => !isSoftware(a)) ?? fitting[0]
        const isFallbackAdapter = isSoftware([, name])
        return { info: { vendor: 'v', architecture: 'a', device: name, description: '', isFallbackAdapter } }
      },
    })`,
  )
  return { dawn: at, kernels: '', version: '4', dawnVersion: '1.2' }
}

async function problem(work: Promise<unknown>): Promise<string> {
  const error = (await work.then(
    () => assert.fail('it should have failed'),
    (e: unknown) => e,
  )) as PipelineError
  assert.ok(error instanceof PipelineError, String(error))
  assert.equal(error.diagnostics[0]!.code, 'ENGINE_MISSING')
  assert.ok(error.diagnostics[0]!.hint)
  return error.diagnostics[0]!.message
}

const SOFTWARE = ['vulkan', 'llvmpipe (LLVM 15)'] as const

describe('adapters', () => {
  const two = dawn(['vulkan', 'Big'], ['vulkan', 'Small'], SOFTWARE)

  test('the best of the hardware comes first, software only by itself or by name', async () => {
    const best = await openAdapter(two, undefined)
    assert.deepEqual([best.device, best.text], ['gpu', 'v a, Big, Dawn 1.2'])
    assert.equal((await openAdapter(two, 'gpu')).device, 'gpu')
    const software = await openAdapter(two, 'cpu')
    assert.deepEqual([software.device, software.adapter.info.device], ['cpu', SOFTWARE[1]])
    assert.equal((await openAdapter(dawn(SOFTWARE), undefined)).device, 'cpu')
  })

  test('a number is a place among the hardware', async () => {
    const second = await openAdapter(two, 'gpu:1')
    assert.deepEqual([second.device, second.adapter.info.device], ['gpu:1', 'Small'])
    assert.equal((await openAdapter(two, 'gpu:0')).device, 'gpu')
    assert.equal(
      await problem(openAdapter(two, 'gpu:2')),
      'no gpu:2 for WebGPU: gpu:0 Big, gpu:1 Small',
    )
    // The same GPUs once more by another interface are no others.
    const twice = dawn(['d3d12', 'Big'], ['d3d12', 'Small'], ['vulkan', 'Big'])
    assert.equal(
      await problem(openAdapter(twice, 'gpu:2')),
      'no gpu:2 for WebGPU: gpu:0 Big, gpu:1 Small',
    )
  })

  test('what is not there is an error', async () => {
    const same = dawn(['vulkan', 'Big'], ['vulkan', 'Big'])
    assert.match(await problem(openAdapter(same, 'gpu:1')), /gpu:1 is another Big/)
    const software = dawn(SOFTWARE)
    assert.match(await problem(openAdapter(software, 'gpu')), /^no gpu for WebGPU: only .*llvmpipe/)
    assert.equal(await problem(openAdapter(software, 'gpu:1')), 'no gpu:1 for WebGPU: none')
    assert.equal(await problem(openAdapter(dawn(), undefined)), 'no adapter for WebGPU')
    assert.equal(await problem(openAdapter(dawn(['vulkan', 'Big']), 'cpu')), 'no cpu for WebGPU')
  })
})

test('a GPU shows in the files of Linux', () => {
  const dev = mkdtempSync(join(folder, 'dev-'))
  assert.ok(!mayHaveGpu('linux', dev))
  mkdirSync(join(dev, 'dri'))
  writeFileSync(join(dev, 'dri', 'card0'), '')
  assert.ok(!mayHaveGpu('linux', dev))
  writeFileSync(join(dev, 'dri', 'renderD128'), '')
  assert.ok(mayHaveGpu('linux', dev))
  assert.ok(mayHaveGpu('darwin', join(dev, 'nothing')))
})

test('packages are looked for beside our own and in the project, and missing ones named', async () => {
  const nowhere = pathToFileURL(join(folder, 'home', 'x.js')).href
  const project = join(folder, 'project')
  assert.deepEqual(locateWebgpu(project, nowhere), {
    missing: ['webgpu', '@tensorflow/tfjs-backend-webgpu'],
  })
  const message = await problem((async () => requireWebgpu(project, nowhere))())
  assert.equal(message, 'the webgpu engine lacks webgpu and @tensorflow/tfjs-backend-webgpu')
  for (const [name, version] of [
    ['webgpu', '0.5.0'],
    ['@tensorflow/tfjs-backend-webgpu', '4.22.0'],
  ] as const) {
    const at = join(project, 'node_modules', name)
    mkdirSync(at, { recursive: true })
    writeFileSync(join(at, 'package.json'), JSON.stringify({ name, version }))
  }
  const found = locateWebgpu(project, nowhere) as WebgpuLocation
  assert.deepEqual([found.version, found.dawnVersion], ['4.22.0', '0.5.0'])
})
