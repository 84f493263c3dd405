import type { Topology } from './topology.ts'

/** The models that a layer is in, from the outermost's own layers on. */
export type Path = readonly string[]

/** What the layers of a file are called once nested models lie flat: no name twice. */
export class LayerNames {
  /** Of the outermost model's own layers, which keep them whatever nested ones are called. */
  readonly #reserved: ReadonlySet<string>
  readonly #taken = new Set<string>()

  constructor({ layers }: Topology) {
    this.#reserved = new Set(layers.filter(({ model }) => !model).map(({ name }) => name))
  }

  /** The layer's own name, or `model/layer` where that is taken; of its second call `layer_1`. */
  take(name: string, path: Path, call: number): string {
    const own = call === 0 ? name : `${name}_${call}`
    const isInner = path.length > 0 || call > 0
    const clashes = this.#taken.has(own) || (isInner && this.#reserved.has(own))
    let unique = clashes ? [...path, own].join('/') : own
    for (let i = 1; this.#taken.has(unique) || (clashes && this.#reserved.has(unique)); i += 1) {
      unique = [...path, `${own}_${i}`].join('/')
    }
    this.#taken.add(unique)
    return unique
  }
}
