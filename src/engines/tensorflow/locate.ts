import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { failure } from '../../util/diagnostic.ts'
import { enginesFolder } from '../folder.ts'

/** A libtensorflow on this machine, found by its files alone: nothing is loaded. */
export interface TensorflowLocation {
  readonly source: TensorflowSource
  readonly folder: string
  /** In the order they are loaded; the last one has the C API. */
  readonly files: readonly string[]
  /** As its manifest says; only of our own installs. */
  readonly version: string | undefined
  /** Whether it was built for CUDA; undefined where only loading it would tell. */
  readonly cuda: boolean | undefined
}

export type TensorflowSource = 'environment' | 'install' | 'tfjs-node-gpu' | 'tfjs-node' | 'system'

export interface LocateOptions {
  readonly env?: NodeJS.ProcessEnv
  /** From here the optional tfjs packages are resolved, after our own package. */
  readonly cwd?: string
  readonly systemFolders?: readonly string[]
}

/** What `engine install` leaves beside the libraries. */
export interface InstallManifest {
  readonly version: string
  readonly cuda: boolean
  /** The packages it came from, and the sha256 of each wheel. */
  readonly sources: readonly {
    readonly package: string
    readonly version: string
    readonly sha256: string
  }[]
  /** By path relative to the folder: `sha256:` and hex digits. */
  readonly files: Readonly<Record<string, string>>
}

/** Own installs below the engines folder; the one that can use a GPU first. */
export const INSTALL_FOLDERS = { gpu: 'tensorflow-gpu', cpu: 'tensorflow-cpu' } as const
export const MANIFEST = 'manifest.json'

const [SUFFIX, TRIPLETS] =
  process.platform === 'darwin'
    ? [(name: string) => `${name}.2.dylib`, []]
    : [(name: string) => `${name}.so.2`, ['x86_64-linux-gnu', 'aarch64-linux-gnu']]

export const FRAMEWORK_LIBRARY = SUFFIX('libtensorflow_framework')
/** From the Python wheel; the plain name is that of libtensorflow's own archives, which tfjs-node brings. */
export const WHEEL_LIBRARY = SUFFIX('libtensorflow_cc')
const PLAIN_LIBRARY = SUFFIX('libtensorflow')

/**
 * The libtensorflow to use: `GRAFT_LIBTENSORFLOW` (a folder or a file) where it is set; else the first of our own
 * install, tfjs-node-gpu's, tfjs-node's and the system's. Throws ENGINE_MISSING where the variable names none.
 */
export function locateTensorflow(options: LocateOptions = {}): TensorflowLocation | undefined {
  for (const location of candidates(options)) return location
  return undefined
}

/** All of them, in that order. */
export function locateAllTensorflow(options: LocateOptions = {}): TensorflowLocation[] {
  return [...candidates(options)]
}

function* candidates({
  env = process.env,
  cwd = process.cwd(),
  systemFolders = SYSTEM_FOLDERS,
}: LocateOptions): Generator<TensorflowLocation> {
  if (env.GRAFT_LIBTENSORFLOW) yield fromEnvironment(env.GRAFT_LIBTENSORFLOW)
  for (const [device, name] of Object.entries(INSTALL_FOLDERS)) {
    const root = join(enginesFolder(env), name)
    const found = installedAt(root, device === 'gpu')
    if (found) yield found
  }
  for (const source of ['tfjs-node-gpu', 'tfjs-node'] as const) {
    for (const from of [import.meta.url, join(cwd, 'package.json')]) {
      const root = packageFolder(`@tensorflow/${source}`, from)
      const found = root && look(source, join(root, 'deps', 'lib'), source === 'tfjs-node-gpu')
      if (!found) continue
      yield found
      break
    }
  }
  yield* system(systemFolders)
}

function fromEnvironment(path: string): TensorflowLocation {
  const folder = isFile(path) ? dirname(path) : path
  const found = look('environment', folder, undefined)
  if (found) return found
  throw failure('ENGINE_MISSING', `GRAFT_LIBTENSORFLOW names ${path}, which has no libtensorflow`, {
    hint: `it is the folder with ${FRAMEWORK_LIBRARY} and ${WHEEL_LIBRARY} (or ${PLAIN_LIBRARY})`,
  })
}

function* system(folders: readonly string[]): Generator<TensorflowLocation> {
  const seen = new Set<string>()
  // The loader's own list comes last: asking for it starts a process.
  for (const list of [() => folders, folders === SYSTEM_FOLDERS ? linkerFolders : () => []]) {
    for (const folder of list()) {
      const found = look('system', folder, undefined)
      if (!found || seen.has(real(folder))) continue
      seen.add(real(folder))
      yield found
    }
  }
}

const SYSTEM_FOLDERS: readonly string[] = [
  '/usr/local/lib',
  ...TRIPLETS.flatMap((triplet) => [`/usr/lib/${triplet}`, `/usr/local/lib/${triplet}`]),
  '/usr/lib64',
  '/usr/lib',
  ...(process.platform === 'darwin' ? ['/opt/homebrew/lib'] : []),
]

/** Folders of libtensorflow in the loader's cache (`ldconfig -p`, Linux). */
function linkerFolders(): string[] {
  for (const ldconfig of ['/sbin/ldconfig', '/usr/sbin/ldconfig']) {
    if (!existsSync(ldconfig)) continue
    try {
      const cache = execFileSync(ldconfig, ['-p'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      return [...cache.matchAll(/libtensorflow(?:_cc)?\.so\.2 .*=> (\S+)/g)].map((m) =>
        dirname(m[1]!),
      )
    } catch {
      return []
    }
  }
  return []
}

function look(
  source: TensorflowSource,
  folder: string,
  cuda: boolean | undefined,
): TensorflowLocation | undefined {
  if (!isFile(join(folder, FRAMEWORK_LIBRARY))) return undefined
  const library = [WHEEL_LIBRARY, PLAIN_LIBRARY].find((name) => isFile(join(folder, name)))
  if (library === undefined) return undefined
  return { source, folder, files: [FRAMEWORK_LIBRARY, library], version: undefined, cuda }
}

/** An own install, finished or still being made. */
export function installedAt(root: string, cuda: boolean): TensorflowLocation | undefined {
  const found = look('install', join(root, 'tensorflow'), cuda)
  return found && { ...found, version: readManifest(root)?.version }
}

/** The manifest of an own install; undefined where there is none that can be read. */
export function readManifest(root: string): InstallManifest | undefined {
  try {
    return JSON.parse(readFileSync(join(root, MANIFEST), 'utf8')) as InstallManifest
  } catch {
    return undefined
  }
}

function packageFolder(name: string, from: string): string | undefined {
  try {
    return dirname(createRequire(from).resolve(`${name}/package.json`))
  } catch {
    return undefined
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
