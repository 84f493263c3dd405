import { constants } from 'node:fs'
import { access, open, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sizeOf } from '../../program/program.ts'
import { failure } from '../../util/diagnostic.ts'
import { fromHalf } from '../../util/half.ts'
import type { NamedTensor } from '../../util/safetensors.ts'

/** One group of a `weightsManifest`: files that hold, one after the other, the values of its weights in their order. */
interface ManifestGroup {
  readonly paths: readonly string[]
  readonly weights: readonly ManifestWeight[]
}

interface ManifestWeight {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: string
  readonly quantization?: {
    readonly dtype: string
    readonly scale?: number
    readonly min?: number
  }
}

/** How stored bytes become values; little-endian, as every machine that this runs on is. */
interface Encoding {
  readonly bytes: number
  readonly decode: (data: ArrayBuffer, weight: ManifestWeight) => Float32Array
}

const PLAIN: Readonly<Record<string, Encoding>> = {
  float32: { bytes: 4, decode: (data) => new Float32Array(data) },
  int32: { bytes: 4, decode: (data) => Float32Array.from(new Int32Array(data)) },
}

/** `value * scale + min` in double precision, rounded once, as tfjs-core's io_utils does. */
const QUANTIZED: Readonly<Record<string, Encoding>> = {
  uint8: { bytes: 1, decode: (data, weight) => scaled(new Uint8Array(data), weight) },
  uint16: { bytes: 2, decode: (data, weight) => scaled(new Uint16Array(data), weight) },
  float16: {
    bytes: 2,
    decode: (data) => fromHalf(new Uint16Array(data), new Float32Array(data.byteLength / 2)),
  },
}

/**
 * The weights of a tfjs `model.json` at `path` by their names, in the manifest's order, quantized ones as float32.
 * Nothing outside its folder is read. Throws BAD_WEIGHTS; `source` stands for the file in messages.
 */
export async function readManifestWeights(
  manifest: unknown,
  path: string,
  source = path,
): Promise<Map<string, NamedTensor>> {
  const bad = (what: string, cause?: unknown) =>
    failure('BAD_WEIGHTS', `${source}: ${what}`, { cause })
  const tensors = new Map<string, NamedTensor>()
  for (const { paths, weights } of groupsOf(manifest, bad)) {
    const shards = await openShards(dirname(path), paths, bad)
    try {
      let at = 0
      for (const weight of weights) {
        const { name, shape } = weight
        if (tensors.has(name)) throw bad(`two weights are named ${name}`)
        const { bytes, decode } = encodingOf(weight, bad)
        const size = sizeOf(shape) * bytes
        // A damaged manifest may say anything: nothing is allocated before it fits.
        if (at + size > shards.bytes) {
          throw bad(`${name} [${shape.join(', ')}] does not fit into the ${filesText(paths)}`)
        }
        tensors.set(name, { shape, data: decode(await shards.read(at, size), weight) })
        at += size
      }
      if (at < shards.bytes) {
        throw bad(`the ${filesText(paths)} have ${shards.bytes - at} bytes more than its weights`)
      }
    } finally {
      await shards.close()
    }
  }
  return tensors
}

/** The files that the manifest names. Throws BAD_WEIGHTS for places outside the folder. */
export function manifestFiles(manifest: unknown, path: string, source = path): string[] {
  const bad = (what: string) => failure('BAD_WEIGHTS', `${source}: ${what}`)
  const names = groupsOf(manifest, bad).flatMap(({ paths }) => paths)
  return names.map((name) => join(dirname(path), checked(name, bad)))
}

type Bad = (what: string, cause?: unknown) => Error

function groupsOf(manifest: unknown, bad: Bad): readonly ManifestGroup[] {
  if (!Array.isArray(manifest)) throw bad('it has no list weightsManifest')
  const seen = new Set<unknown>()
  for (const group of manifest as readonly Partial<ManifestGroup>[]) {
    const { paths, weights } = group ?? {}
    if (!Array.isArray(paths) || !Array.isArray(weights)) {
      throw bad('a group of its weightsManifest has no paths and weights')
    }
    // A file named a thousand times would stand for a thousand times its size.
    for (const path of paths as readonly unknown[]) {
      if (seen.has(path)) throw bad(`its weightsManifest has ${JSON.stringify(path)} twice`)
      seen.add(path)
    }
    for (const weight of weights as readonly Partial<ManifestWeight>[]) {
      const { name, shape } = weight ?? {}
      const isShape = Array.isArray(shape) && shape.every((n) => Number.isInteger(n) && n >= 0)
      if (typeof name !== 'string' || !isShape) {
        throw bad(`its weightsManifest has a weight without a name or a shape`)
      }
    }
  }
  return manifest as readonly ManifestGroup[]
}

function encodingOf({ name, dtype, quantization }: ManifestWeight, bad: Bad): Encoding {
  const kinds = quantization ? QUANTIZED : PLAIN
  const kind = String(quantization ? quantization.dtype : dtype)
  const encoding = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (!encoding) throw bad(`${name} is of type ${kind}, which no layer here has`)
  const { scale, min } = quantization ?? {}
  if (quantization && kind !== 'float16' && !(Number.isFinite(scale) && Number.isFinite(min))) {
    throw bad(`${name} is quantized without a scale and a min`)
  }
  return encoding
}

function scaled(values: Uint8Array | Uint16Array, { quantization }: ManifestWeight): Float32Array {
  const { scale = 1, min = 0 } = quantization ?? {}
  return Float32Array.from(values, (value) => value * scale + min)
}

/** Several files as one. */
async function openShards(folder: string, paths: readonly string[], bad: Bad) {
  const files: { readonly path: string; readonly start: number; readonly bytes: number }[] = []
  let total = 0
  for (const name of paths) {
    const path = join(folder, checked(name, bad))
    const unreadable = (error: unknown) => bad(`cannot read its weights in ${name}`, error)
    // To open a pipe would be to wait for whoever writes into it.
    const found = await stat(path).catch((error: unknown) => {
      throw unreadable(error)
    })
    if (!found.isFile()) throw bad(`${name} is no file`)
    await access(path, constants.R_OK).catch((error: unknown) => {
      throw unreadable(error)
    })
    files.push({ path, start: total, bytes: found.size })
    total += found.size
  }
  let opened: { path: string; file: Awaited<ReturnType<typeof open>> } | undefined
  const close = async () => {
    await opened?.file.close()
    opened = undefined
  }
  return {
    bytes: total,
    close,
    /** The bytes from `at` on, as a buffer of their own. */
    read: async (at: number, bytes: number): Promise<ArrayBuffer> => {
      const out = new Uint8Array(bytes)
      for (const { path, start, bytes: size } of files) {
        const from = Math.max(at, start)
        const end = Math.min(at + bytes, start + size)
        if (from >= end) continue
        if (opened?.path !== path) {
          await close()
          opened = { path, file: await open(path, 'r') }
        }
        for (let done = from; done < end;) {
          const count = Math.min(end - done, PIECE)
          const { bytesRead } = await opened.file.read(out, done - at, count, done - start)
          if (bytesRead === 0) throw bad(`${path} became shorter while it was read`)
          done += bytesRead
        }
      }
      return out.buffer
    },
  }
}

/** Node and Linux take less than 2 GiB at once. */
const PIECE = 2 ** 30

function checked(name: unknown, bad: Bad): string {
  if (isBeside(name)) return name
  throw bad(`its weights would lie at ${JSON.stringify(name)}`)
}

/** A path below the folder of model.json: no address, nothing absolute, no way up, in any system's spelling. */
function isBeside(name: unknown): name is string {
  if (typeof name !== 'string' || name === '') return false
  if (/[\\:\0]/.test(name) || name.startsWith('/')) return false
  return !name.split('/').some((part) => part === '' || part === '.' || part === '..')
}

function filesText(paths: readonly string[]): string {
  return paths.length === 1 ? `file ${paths[0]}` : `${paths.length} files of its group`
}
