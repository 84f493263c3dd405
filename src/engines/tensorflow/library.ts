import { accessSync, closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'
import koffi, { type LibraryHandle } from 'koffi'
import { failure } from '../../util/diagnostic.ts'
import { bindLibC, bindTensorflow, type LibC, type TensorflowApi } from './c-api.ts'
import type { TensorflowLocation } from './locate.ts'

/** libtensorflow in this process: there is one at most, and it stays until the process ends. */
export interface TensorflowLibrary {
  readonly location: TensorflowLocation
  readonly api: TensorflowApi
  readonly c: LibC
  /** `2.21.0`. */
  readonly version: string
}

let loaded: TensorflowLibrary | undefined

/**
 * Throws ENGINE_FAILED with the loader's own message where a library cannot be loaded, or where this process has
 * loaded another libtensorflow before.
 */
export function loadTensorflow(
  location: TensorflowLocation,
  { verbose = false }: { verbose?: boolean | undefined } = {},
): TensorflowLibrary {
  if (loaded) {
    if (loaded.location.folder === location.folder) return loaded
    throw failure(
      'ENGINE_FAILED',
      `this process has loaded libtensorflow from ${loaded.location.folder} and cannot load ${location.folder} too`,
    )
  }
  const c = bindLibC()
  prepareEnvironment(c, verbose)
  const libraries: LibraryHandle[] = []
  for (const file of location.files) {
    const path = join(location.folder, file)
    if (verbose) pin(c, path)
    else quietly(c, () => pin(c, path))
    libraries.push(koffi.load(path))
  }
  if (!verbose) silenceAbsl(libraries)
  const api = bindTensorflow(libraries.at(-1)!)
  loaded = { location, api, c, version: api.version() }
  return loaded
}

/**
 * What TensorFlow reads while it is being loaded. Set by setenv, as a worker's process.env is only a copy.
 *
 * oneDNN: TensorFlow takes it by itself only on processors with AVX512_VNNI or newer; on one with AVX2 it makes a
 * trunk 1.6 to 2.3 times faster too (a depthwise convolution, its bias and its relu6 become one op).
 */
function prepareEnvironment(c: LibC, verbose: boolean): void {
  if (!verbose) c.setEnvironment('TF_CPP_MIN_LOG_LEVEL', '3')
  if (process.arch === 'x64' && process.env.TF_ENABLE_ONEDNN_OPTS === undefined) {
    c.setEnvironment('TF_ENABLE_ONEDNN_OPTS', '1')
  }
}

/**
 * With stderr turned to nothing for the length of a synchronous call: the initialisers of the library announce oneDNN
 * before any function that could silence them can be called.
 */
function quietly(c: LibC, call: () => void): void {
  const nothing = openSync('/dev/null', 'w')
  const saved = c.duplicate(2)
  try {
    if (saved >= 0) c.duplicateTo(nothing, 2)
    call()
  } finally {
    if (saved >= 0) {
      c.duplicateTo(saved, 2)
      closeSync(saved)
    }
    closeSync(nothing)
  }
}

const FLAGS =
  process.platform === 'darwin' ? { now: 0x2, noDelete: 0x80 } : { now: 0x2, noDelete: 0x1000 }

/**
 * Loads a library for good. koffi unloads its libraries when the process ends, before the exit handlers that
 * libtensorflow has registered, which would then run into unmapped code.
 */
function pin(c: LibC, path: string): void {
  if (c.open(path, FLAGS.now | FLAGS.noDelete)) return
  const reason = c.openError() ?? 'unknown error'
  throw failure('ENGINE_FAILED', `cannot load ${path}: ${reason}`, {
    hint: readable(path)
      ? '`pipeline doctor` says what this machine has; `pipeline engine install` brings a libtensorflow made for it'
      : 'give yourself permission to read that file',
  })
}

function readable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

/** The releases of abseil that libtensorflow has carried since it logs through it (its symbols have them inside). */
const ABSL_RELEASES = [
  '20250814',
  '20250512',
  '20250127',
  '20240722',
  '20240116',
  '20230802',
  '20230125',
  '20220623',
]
/** absl::LogSeverityAtLeast::kFatal. */
const FATAL = 3

/**
 * TF_CPP_MIN_LOG_LEVEL rules only those messages that go through TensorFlow's own macros. The others (oneDNN's notice, the
 * CUDA libraries') come from abseil, whose threshold is set by `absl::SetMinLogLevel`.
 */
function silenceAbsl(libraries: readonly LibraryHandle[]): void {
  for (const release of ABSL_RELEASES) {
    const symbol = `_ZN4absl12lts_${release}14SetMinLogLevelENS0_18LogSeverityAtLeastE`
    for (const library of libraries) {
      try {
        library.func(symbol, 'void', ['int'])(FATAL)
        return
      } catch {
        // Another release, or one from before abseil's logging.
      }
    }
  }
}
