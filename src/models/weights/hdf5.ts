import { access, stat } from 'node:fs/promises'
import type { Dataset, File, Group } from 'h5wasm/node'
import { fromHalf } from '../../util/half.ts'
import { failure, PipelineError } from '../../util/diagnostic.ts'
import type { NamedTensor } from '../../util/safetensors.ts'

type Library = typeof import('h5wasm/node')
type Attributes = { readonly attrs: Readonly<Record<string, { readonly value: unknown }>> }

/**
 * Opens an HDF5 file for as long as `use` takes. Throws BAD_WEIGHTS for what is none, or a damaged one; `name` stands
 * for the file in messages.
 */
export async function withHdf5<T>(
  path: string,
  name: string,
  use: (file: Hdf5Group) => T,
): Promise<T> {
  try {
    await access(path)
  } catch (error) {
    throw failure('BAD_WEIGHTS', `cannot read ${name}`, { cause: error })
  }
  const { size } = await stat(path)
  const h5wasm = await (library ??= load())
  let file: File | undefined
  try {
    file = new h5wasm.File(path, 'r')
    return use(new Hdf5Group(h5wasm, file, { name, size }))
  } catch (error) {
    if (error instanceof PipelineError) throw error
    if (error instanceof Error && error.name === 'RuntimeError') {
      // A file damaged enough makes the library give up for good: the next one gets it anew.
      library = undefined
      file = undefined
    }
    throw failure('BAD_WEIGHTS', `${name} is not an HDF5 file, or a damaged one`, { cause: error })
  } finally {
    file?.close()
  }
}

let library: Promise<Library> | undefined
let loaded = 0

/** An instance of the library of its own, which says nothing on stderr when it gives up. */
async function load(): Promise<Library> {
  loaded += 1
  const { error } = console
  console.error = () => {}
  try {
    // Each address is a module of its own.
    const address = `${import.meta.resolve('h5wasm/node')}?${loaded}`
    const h5wasm = (await import(address)) as Library
    // Its errors come as rubbish for values, and as text on stderr, unless they are made to throw.
    const module = await h5wasm.default.ready
    module.activate_throwing_error_handler()
    return h5wasm
  } finally {
    console.error = error
  }
}

/** A group of an open file. Links, which may lead out of the file, are taken as not there. */
export class Hdf5Group {
  readonly #library: Library
  readonly #group: Group
  readonly #file: { readonly name: string; readonly size: number }

  constructor(library: Library, group: Group, file: { name: string; size: number }) {
    this.#library = library
    this.#group = group
    this.#file = file
  }

  /** Undefined where there is no group of that path. */
  group(path: string): Hdf5Group | undefined {
    const found = this.#entity(path)
    return found instanceof this.#library.Group
      ? new Hdf5Group(this.#library, found, this.#file)
      : undefined
  }

  /** The names in it, by code unit. */
  keys(): string[] {
    return this.#group.keys()
  }

  /** A text attribute; undefined where there is none. */
  text(name: string): string | undefined {
    const value = (this.#group as Attributes).attrs[name]?.value
    return typeof value === 'string' ? value : undefined
  }

  /** A list of strings in one attribute, or in numbered chunks of it; undefined where there is neither. */
  texts(name: string): string[] | undefined {
    const { attrs } = this.#group as Attributes
    const whole = attrs[name]?.value
    if (whole !== undefined) return list(whole)
    if (attrs[`${name}0`] === undefined) return undefined
    const parts: string[] = []
    for (let i = 0; attrs[`${name}${i}`] !== undefined; i += 1) {
      parts.push(...list(attrs[`${name}${i}`]!.value))
    }
    return parts
  }

  /** A dataset's shape, without its values; undefined where there is no dataset of that path. */
  shape(path: string): readonly number[] | undefined {
    return this.#dataset(path)?.shape ?? undefined
  }

  /** Undefined where there is no dataset of that path. Throws BAD_WEIGHTS for types that are no numbers. */
  tensor(path: string): NamedTensor | undefined {
    const dataset = this.#dataset(path)
    if (!dataset) return undefined
    const { size, total_size, virtual_sources } = dataset.metadata
    if (virtual_sources)
      throw failure('BAD_WEIGHTS', `${this.#file.name}: ${path} is in other files`)
    // Compression makes a value of equal bytes about a thousand times smaller at most: the rest is a lie.
    if (size * total_size > 2 ** 20 && size * total_size > 1100 * this.#file.size) {
      throw failure('BAD_WEIGHTS', `${this.#file.name}: ${path} is larger than the file can hold`)
    }
    return { shape: dataset.shape ?? [], data: this.#floats(dataset, path) }
  }

  #dataset(path: string): Dataset | undefined {
    const found = this.#entity(path)
    return found instanceof this.#library.Dataset ? found : undefined
  }

  #entity(path: string) {
    let found: ReturnType<Group['get']> = this.#group
    for (const part of path.split('/').filter((name) => name !== '' && name !== '.')) {
      if (!(found instanceof this.#library.Group)) return undefined
      const next = found.get(part)
      if (next === null || this.#isLink(`${found.path}/${part}`)) return undefined
      found = next
    }
    return found
  }

  /** Keras writes none, and the library would follow them into other files of this machine. */
  #isLink(path: string): boolean {
    if (this.#group.get_link(path) !== null) return true
    return 'filename' in this.#group.get_external_link(path)
  }

  #floats(dataset: Dataset, path: string): Float32Array {
    const { type, size } = dataset.metadata
    const brain = (dataset as Attributes).attrs['dtype']?.value === 'bfloat16' && size === 2
    if (brain) return fromBrain(this.#halves(dataset))
    if (type === FLOAT && size === 2) {
      const halves = this.#halves(dataset)
      return fromHalf(halves, new Float32Array(halves.length))
    }
    const { value } = dataset
    if (value instanceof Float32Array) return value
    if (ArrayBuffer.isView(value) && type <= FLOAT && !(value instanceof DataView)) {
      return Float32Array.from(value as unknown as ArrayLike<number | bigint>, Number)
    }
    if (typeof value === 'number' || typeof value === 'bigint')
      return Float32Array.of(Number(value))
    const what = `${this.#file.name}: ${path} is of a type that cannot be read`
    throw failure('BAD_WEIGHTS', what, { hint: 'save the weights as float32' })
  }

  /** Values of two bytes as they are, which the library does not know how to give. */
  #halves(dataset: Dataset): Uint16Array {
    const module = this.#library.Module
    const { size, total_size } = dataset.metadata
    const bytes = size * total_size
    const at = module._malloc(Math.max(1, bytes))
    try {
      module.get_dataset_data(dataset.file_id, dataset.path, null, null, null, BigInt(at))
      return new Uint16Array(module.HEAPU8.slice(at, at + bytes).buffer)
    } finally {
      module._free(at)
    }
  }
}

/** HDF5's class of floating-point numbers; 0 is that of whole ones. */
const FLOAT = 1

/** bfloat16: the upper half of a float32. */
function fromBrain(halves: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer)
}

/** An empty list reads as a typed array of length 0, a single string as a string. */
function list(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.map((item) => String(item)) : []
}
