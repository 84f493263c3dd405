import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { failure, type PipelineError } from '../../../util/diagnostic.ts'
import { syncFolder } from '../../../util/files.ts'
import { stableJson, type Json } from '../../../util/json.ts'
import { enginesFolder } from '../../folder.ts'
import {
  FRAMEWORK_LIBRARY,
  INSTALL_FOLDERS,
  installedAt,
  MANIFEST,
  WHEEL_LIBRARY,
  type InstallManifest,
  type TensorflowLocation,
} from '../locate.ts'
import { probeEngine, type Probe } from '../../probe.ts'
import { engineDiskError, freeBytes, needSpace } from './disk.ts'
import { fetchWheel } from './fetch-wheel.ts'
import {
  CUDA_EXTRA,
  SPACE,
  TENSORFLOW_VERSION,
  wantedOfNvidia,
  wantedOfTensorflow,
  wheelFor,
} from './packages.ts'
import { clearAbandoned, stagingPrefix } from './staging.ts'
import { openWheel, sha256Of, type Wheel } from './wheel.ts'

/** What an install tells while it runs. */
export type InstallEvent =
  | { readonly type: 'step'; readonly message: string }
  | {
      readonly type: 'progress'
      readonly what: string
      /** Bytes. */
      readonly done: number
      readonly total: number | undefined
    }

export interface InstallOptions {
  /** The library for NVIDIA GPUs, with NVIDIA's own. */
  readonly cuda?: boolean | undefined
  /** Wheels that are here already: tensorflow's, then any of NVIDIA's. What is missing comes through pip. */
  readonly wheels?: readonly string[] | undefined
  readonly emit?: ((event: InstallEvent) => void) | undefined
  readonly signal: AbortSignal
  readonly env?: NodeJS.ProcessEnv | undefined
  /** For tests. */
  readonly freeSpace?: ((folder: string) => Promise<number>) | undefined
  readonly probe?: ((location: TensorflowLocation) => Promise<Probe>) | undefined
}

export interface Installed {
  readonly root: string
  readonly manifest: InstallManifest
  readonly probe: Probe
  readonly bytes: number
}

/**
 * Takes libtensorflow out of the TensorFlow wheel into the engines folder: download, digests, one matrix product, and only
 * then the folder gets its name. Whatever goes wrong leaves what was there before. Throws TOOL_MISSING (no pip),
 * DOWNLOAD_FAILED, BAD_ARCHIVE, DIGEST_MISMATCH, DISK_FULL, ENGINE_MISSING (nothing for this machine), ENGINE_FAILED.
 */
export async function installTensorflow(options: InstallOptions): Promise<Installed> {
  const { cuda = false, env = process.env } = options
  const engines = enginesFolder(env)
  const root = join(engines, cuda ? INSTALL_FOLDERS.gpu : INSTALL_FOLDERS.cpu)
  let staging: string | undefined
  try {
    await mkdir(engines, { recursive: true })
    await clearAbandoned(engines)
    staging = await mkdtemp(join(engines, stagingPrefix()))
    const made = await make(join(staging, 'engine'), staging, options)
    await publish(join(staging, 'engine'), root, staging)
    return { root, ...made }
  } catch (error) {
    throw engineDiskError(error, engines)
  } finally {
    if (staging !== undefined) await rm(staging, { recursive: true, force: true })
  }
}

/** Everything but the folder's name. */
async function make(
  tree: string,
  staging: string,
  options: InstallOptions,
): Promise<Omit<Installed, 'root'>> {
  const { cuda = false, wheels = [], emit, env = process.env } = options
  const choice = wheelFor(process, cuda)
  const given = new Map(wheels.map((path) => [packageOf(path), resolve(path)]))
  const local = [...given.keys()].find((name) => name.startsWith('tensorflow'))
  if (given.size > 0 && local === undefined) throw notTensorflow(wheels)
  const freeSpace = options.freeSpace ?? freeBytes
  if (given.size === 0) await needSpace(dirname(staging), cuda ? SPACE.cuda : SPACE.cpu, freeSpace)
  const take = async (name: string, requirement: string, pick: Pick): Promise<Taken> => {
    const folder = join(staging, 'download')
    const path =
      given.get(name) ?? (await fetchWheel(requirement, { ...choice, ...options, folder, env }))
    try {
      return await takeFrom(path, tree, pick, { ...options, freeSpace })
    } finally {
      // A downloaded wheel is not needed any more, and the next one wants its room.
      await rm(folder, { recursive: true, force: true })
    }
  }
  const main = local ?? choice.package
  const taken = [await take(main, `${choice.package}==${TENSORFLOW_VERSION}`, pickLibraries)]
  for (const requirement of cuda ? taken[0]!.requirements : []) {
    const name = /^[\w.-]+/.exec(requirement)![0]
    taken.push(await take(normal(name), requirement, pickNvidia))
  }
  const manifest = manifestOf(cuda, taken)
  await writeFile(join(tree, MANIFEST), stableJson(manifest as unknown as Json))
  emit?.({ type: 'step', message: 'trying a matrix product' })
  const probe = await tried(tree, cuda, options)
  return { manifest, probe, bytes: taken.reduce((sum, { bytes }) => sum + bytes, 0) }
}

function notTensorflow(wheels: readonly string[]): PipelineError {
  const names = wheels.map((path) => basename(path)).join(', ')
  return failure('USAGE', `no wheel of tensorflow among --wheel: ${names}`, {
    hint: 'a wheel keeps the name it was downloaded under: tensorflow_cpu-2.21.0-cp312-….whl',
  })
}

type Pick = (wheel: Wheel) => (name: string) => boolean

const pickLibraries: Pick = (wheel) => {
  const libraries = [FRAMEWORK_LIBRARY, WHEEL_LIBRARY]
  const missing = libraries.filter((library) => !wheel.files.has(`tensorflow/${library}`))
  if (missing.length === 0) return wantedOfTensorflow(libraries)
  throw failure('BAD_ARCHIVE', `${basename(wheel.path)} has no ${missing.join(' and no ')}`, {
    hint: `it takes a wheel of tensorflow-cpu or tensorflow for ${process.platform} ${process.arch}`,
  })
}
const pickNvidia: Pick = () => wantedOfNvidia

interface Taken {
  readonly source: InstallManifest['sources'][number]
  /** sha256 by name. */
  readonly files: ReadonlyMap<string, string>
  readonly bytes: number
  /** NVIDIA's packages that it asks for. */
  readonly requirements: readonly string[]
}

async function takeFrom(
  path: string,
  tree: string,
  pick: Pick,
  { emit, signal, freeSpace }: InstallOptions & { freeSpace: typeof freeBytes },
): Promise<Taken> {
  const wheel = await openWheel(path)
  try {
    const wanted = pick(wheel)
    const sizes = [...wheel.files].filter(([name]) => !name.endsWith('/') && wanted(name))
    const total = sizes.reduce((sum, [, size]) => sum + size, 0)
    await needSpace(dirname(dirname(tree)), total, freeSpace)
    const what = `unpacking ${wheel.name} ${wheel.version}`
    let done = 0
    const onBytes = (bytes: number): void => {
      done += bytes
      emit?.({ type: 'progress', what, done, total })
    }
    const files = await wheel.extract({ folder: tree, wanted, onBytes, signal })
    const sha256 = await sha256Of(path, signal)
    return {
      source: { package: wheel.name, version: wheel.version, sha256 },
      files,
      bytes: total,
      requirements: wheel.requirements(CUDA_EXTRA),
    }
  } finally {
    wheel.close()
  }
}

function manifestOf(cuda: boolean, taken: readonly Taken[]): InstallManifest {
  const files = taken.flatMap(({ files: of }) => [...of])
  return {
    version: taken[0]!.source.version,
    cuda,
    sources: taken.map(({ source }) => source),
    files: Object.fromEntries(files.map(([name, digest]) => [name, `sha256:${digest}`])),
  }
}

async function tried(tree: string, cuda: boolean, options: InstallOptions): Promise<Probe> {
  const location = installedAt(tree, cuda)
  if (!location) throw new TypeError(`nothing in ${tree}`)
  const run =
    options.probe ?? ((found) => probeEngine({ engine: 'tensorflow', location: found }, options))
  const probe = await run(location)
  if (probe.devices.includes('cpu')) return probe
  throw failure(
    'ENGINE_FAILED',
    `libtensorflow does not work here: ${probe.problem ?? 'no reason given'}`,
    {
      hint: 'nothing was installed; `engine: wasm` runs everywhere',
    },
  )
}

/** The new folder in the place of the old one, which is gone at the end. */
async function publish(tree: string, root: string, staging: string): Promise<void> {
  await rename(root, join(staging, 'before')).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  await rename(tree, root)
  await syncFolder(dirname(root))
}

/** `tensorflow-cpu` of `tensorflow_cpu-2.21.0-cp312-….whl`. */
function packageOf(wheel: string): string {
  return normal(/^[^-]+/.exec(basename(wheel))?.[0] ?? '')
}

function normal(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-')
}
