import type { Dataset, Entity, File, Group } from 'h5wasm/node'
import { fromHalf } from '../../util/half.ts'
import { failure } from '../../util/diagnostic.ts'
import type { NamedTensor } from '../../util/safetensors.ts'

export type Library = typeof import('h5wasm/node')
type Attributes = { readonly attrs: Readonly<Record<string, { readonly value: unknown }>> }

/** Compression makes a value of equal bytes about a thousand times smaller at most. */
const MOST_GROWTH = 1100

/** What is read of an HDF5 file, on the library's own side of the thread. Throws BAD_WEIGHTS, or what the library throws. */
export class OpenHdf5 {
  readonly #library: Library
  readonly #file: File
  readonly #name: string
  readonly #size: number
  /** Those that were asked for, by number; the root is 0. */
  readonly #groups: Group[]
  /** What was found, by its whole path; undefined: not there. The library looks from the root on, each time. */
  readonly #found = new Map<string, Entity | undefined>()

  constructor(library: Library, path: string, name: string, size: number) {
    this.#library = library
    this.#file = new library.File(path, 'r')
    this.#groups = [this.#file]
    this.#name = name
    this.#size = size
  }

  close(): void {
    this.#file.close()
  }

  group(from: number, path: string): number | undefined {
    const found = this.#entity(from, path)
    return found instanceof this.#library.Group ? this.#groups.push(found) - 1 : undefined
  }

  keys(from: number): string[] {
    return this.#groups[from]!.keys()
  }

  text(from: number, name: string): string | undefined {
    const value = this.#attributes(from)[name]?.value
    return typeof value === 'string' ? value : undefined
  }

  texts(from: number, name: string): string[] | undefined {
    const attributes = this.#attributes(from)
    const whole = attributes[name]?.value
    if (whole !== undefined) return list(whole)
    if (attributes[`${name}0`] === undefined) return undefined
    const parts: string[] = []
    for (let i = 0; attributes[`${name}${i}`] !== undefined; i += 1) {
      for (const part of list(attributes[`${name}${i}`]!.value)) parts.push(part)
    }
    return parts
  }

  shape(from: number, path: string): readonly number[] | undefined {
    return this.#dataset(from, path)?.shape ?? undefined
  }

  tensor(from: number, path: string): NamedTensor | undefined {
    const dataset = this.#dataset(from, path)
    if (!dataset) return undefined
    const { size, total_size, virtual_sources } = dataset.metadata
    if (virtual_sources) throw failure('BAD_WEIGHTS', `${this.#name}: ${path} is in other files`)
    const bytes = size * total_size
    if (bytes > 2 ** 20 && bytes > MOST_GROWTH * this.#size) {
      throw failure('BAD_WEIGHTS', `${this.#name}: ${path} is larger than the file can hold`)
    }
    return { shape: dataset.shape ?? [], data: this.#floats(dataset, path) }
  }

  #attributes(from: number): Attributes['attrs'] {
    return (this.#groups[from] as Attributes).attrs
  }

  #dataset(from: number, path: string): Dataset | undefined {
    const found = this.#entity(from, path)
    return found instanceof this.#library.Dataset ? found : undefined
  }

  #entity(from: number, path: string): Entity | undefined {
    let found: Entity | undefined = this.#groups[from]!
    for (const part of path.split('/').filter((name) => name !== '' && name !== '.')) {
      if (!(found instanceof this.#library.Group)) return undefined
      found = this.#child(found, part)
    }
    return found
  }

  #child(group: Group, name: string): Entity | undefined {
    const path = `${group.path}/${name}`
    if (this.#found.has(path)) return this.#found.get(path)
    const child = group.get(name)
    const found = child === null || this.#isLink(path) ? undefined : child
    this.#found.set(path, found)
    return found
  }

  /** Keras writes none. */
  #isLink(path: string): boolean {
    if (this.#file.get_link(path) !== null) return true
    return 'filename' in this.#file.get_external_link(path)
  }

  #floats(dataset: Dataset, path: string): Float32Array<ArrayBuffer> {
    const { type, size } = dataset.metadata
    const brain = size === 2 && (dataset as Attributes).attrs['dtype']?.value === 'bfloat16'
    if (brain) return fromBrain(this.#halves(dataset))
    if (type === FLOAT && size === 2) {
      const halves = this.#halves(dataset)
      return fromHalf(halves, new Float32Array(halves.length)) as Float32Array<ArrayBuffer>
    }
    const { value } = dataset
    if (value instanceof Float32Array) return value as Float32Array<ArrayBuffer>
    if (ArrayBuffer.isView(value) && type <= FLOAT && !(value instanceof DataView)) {
      return Float32Array.from(value as unknown as ArrayLike<number | bigint>, Number)
    }
    if (typeof value === 'number' || typeof value === 'bigint')
      return Float32Array.of(Number(value))
    const what = `${this.#name}: ${path} is of a type that cannot be read`
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
function fromBrain(halves: Uint16Array): Float32Array<ArrayBuffer> {
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer)
}

/** An empty list reads as a typed array of length 0, a single string as a string. */
function list(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.map((item) => String(item)) : []
}
