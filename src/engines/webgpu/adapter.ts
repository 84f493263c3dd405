import { failure } from '../../util/diagnostic.ts'
import { loadDawn, type Adapter, type Gpu } from './dawn.ts'
import type { WebgpuLocation } from './locate.ts'
import { quietly } from './quiet.ts'

export interface OpenedAdapter {
  readonly gpu: Gpu
  readonly adapter: Adapter
  /** `cpu` for a software adapter, else `gpu` or `gpu:1`. */
  readonly device: string
  /** Vendor, architecture, device and driver, for the record of a run. */
  readonly text: string
}

const CURES = {
  linux:
    'Vulkan is needed: the driver of the GPU, and its loader (Debian: `apt-get install libvulkan1`)',
  darwin: 'Metal is needed, which every Mac since 2012 has',
  win32: 'Direct3D 12 is needed: update the driver of the GPU',
} as const

/**
 * The adapter that `device` means: `gpu` the best of the hardware, `gpu:1` the second in Dawn's list, `cpu` a software
 * adapter; without it the hardware's best, else software. Throws ENGINE_MISSING where there is none of the kind.
 */
export async function openAdapter(
  location: WebgpuLocation,
  device: string | undefined,
  { verbose = false }: { verbose?: boolean | undefined } = {},
): Promise<OpenedAdapter> {
  const create = await load(location)
  const index = Number(/^gpu:(\d+)$/.exec(device ?? '')?.[1] ?? 0)
  const options = index > 0 ? await optionsFor(create, index) : []
  const gpu = create(options)
  const wanted =
    device === 'cpu'
      ? ({ forceFallbackAdapter: true } as const)
      : ({ powerPreference: 'high-performance' } as const)
  const { result, said } = quietly(() => gpu.requestAdapter(wanted), verbose)
  const adapter = await result
  if (!adapter) throw missing(device, said)
  kept.push(gpu, adapter)
  const software = isSoftware(adapter)
  if (software && device?.startsWith('gpu')) throw missing(device, `only ${describe(adapter)}`)
  if (!software && device === 'cpu') throw missing(device, `only ${describe(adapter)}`)
  return {
    gpu,
    adapter,
    device: software ? 'cpu' : index > 0 ? `gpu:${index}` : 'gpu',
    text: `${describe(adapter)}, Dawn ${location.dawnVersion}`,
  }
}

/** Dawn ends the process with a fault when a device is used whose instance was collected as garbage. */
const kept: unknown[] = []

async function load({ dawn, dawnVersion }: WebgpuLocation): ReturnType<typeof loadDawn> {
  try {
    return await loadDawn(dawn)
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0]
    throw failure('ENGINE_FAILED', `cannot load the package webgpu ${dawnVersion}: ${reason}`, {
      hint: 'another release of the package may fit this system: `npm install webgpu@VERSION`',
      cause: error,
    })
  }
}

/** Dawn takes an adapter by its name only, and lists them all where it knows no such name. */
async function optionsFor(
  create: Awaited<ReturnType<typeof loadDawn>>,
  index: number,
): Promise<string[]> {
  const list = await quietly(() => create(['adapter=?']).requestAdapter(), false).result.then(
    () => '',
    (error: Error) => error.message,
  )
  const names = hardwareNames(list)
  const name = names[index]
  if (name === undefined) {
    const there = names.length === 0 ? 'none' : names.map((n, i) => `gpu:${i} ${n}`).join(', ')
    throw missing(`gpu:${index}`, there)
  }
  if (names.indexOf(name) < index) {
    throw failure('ENGINE_MISSING', `gpu:${index} is another ${name}, which WebGPU cannot choose`, {
      hint: 'show the process only that GPU, with the means of its driver, and write `engine: {name: webgpu, device: gpu}`',
    })
  }
  return [`adapter=${name}`]
}

/** The names in Dawn's list (`* backend: 'vulkan', name: 'NVIDIA A100'`) of the first API that has any hardware. */
export function hardwareNames(list: string): string[] {
  const found = [...list.matchAll(/backend: '(.*?)', name: '(.*)'/g)]
    .map(([, backend, name]) => ({ backend: backend!, name: name! }))
    .filter(({ name, backend }) => backend !== 'null' && !SOFTWARE.test(name))
  return found.filter(({ backend }) => backend === found[0]!.backend).map(({ name }) => name)
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|microsoft basic render/i

function isSoftware({ info, isFallbackAdapter }: Adapter): boolean {
  const told = info.isFallbackAdapter ?? isFallbackAdapter ?? false
  return told || SOFTWARE.test(`${info.architecture} ${info.device} ${info.description}`)
}

function describe({ info }: Adapter): string {
  const maker = `${info.vendor} ${info.architecture}`.trim()
  return [maker, info.device, info.description].filter((part) => part !== '').join(', ')
}

function missing(device: string | undefined, why: string): Error {
  const what = device === undefined ? 'no adapter for WebGPU' : `no ${device} for WebGPU`
  const cure = CURES[process.platform as keyof typeof CURES] ?? 'a driver of the GPU is needed'
  return failure('ENGINE_MISSING', `${what}${why === '' ? '' : `: ${why}`}`, {
    hint: `${cure}; \`engine: wasm\` needs none`,
  })
}
