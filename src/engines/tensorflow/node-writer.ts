import type { DType, Shape, TensorData } from '../../program/program.ts'
import type { AttrValue, NodeDef } from './graph-def.ts'

/** Grows a list of NodeDefs with unique, legal names, and remembers from which layer each came. */
export class NodeWriter {
  readonly nodes: NodeDef[] = []
  /** Layer by node name, for messages. */
  readonly layerOf = new Map<string, string>()
  readonly #names = new Set<string>()
  readonly #written = new Map<string, string>()
  #scope = ''
  #layer: string | undefined

  /** What is added inside is named `scope`, `scope/1` ... and belongs to the layer. */
  within<T>(scope: string, layer: string | undefined, build: () => T): T {
    const outer = [this.#scope, this.#layer] as const
    this.#scope = legal(scope)
    this.#layer = layer
    try {
      return build()
    } finally {
      ;[this.#scope, this.#layer] = outer
    }
  }

  /** Returns the node's name, which is also its first output; inputs that are `undefined` are left out. */
  add(
    op: string,
    inputs: readonly (string | undefined)[],
    attributes: Readonly<Record<string, AttrValue>> = {},
  ): string {
    const name = this.#fresh()
    // Control inputs (`^name`) come after the others.
    const given = inputs.filter((input) => input !== undefined)
    const data = given.filter((input) => !input.startsWith('^'))
    const control = given.filter((input) => input.startsWith('^'))
    this.nodes.push({ name, op, inputs: [...data, ...new Set(control)], attributes })
    if (this.#layer !== undefined) this.layerOf.set(name, this.#layer)
    return name
  }

  constant(data: TensorData, shape: Shape, dtype: DType): string {
    return this.add('Const', [], {
      dtype: { type: dtype },
      value: { tensor: { dtype, shape, data } },
    })
  }

  /** A list of integers (a shape, axes, paddings), shared between all who ask for the same. */
  integers(values: readonly number[], shape: Shape = [values.length]): string {
    return this.once(`i ${shape.join()} ${values.join()}`, 'integers', () =>
      this.constant(Int32Array.from(values), shape, 'int32'),
    )
  }

  /** A float32 scalar, shared likewise. */
  scalar(value: number): string {
    return this.once(`f ${value}`, 'scalar', () =>
      this.constant(Float32Array.of(value), [], 'float32'),
    )
  }

  /** Nodes that many ask for, written at the first asking; `key` says all that they depend on. */
  once(key: string, scope: string, build: () => string): string {
    let name = this.#written.get(key)
    if (name === undefined) {
      name = this.within(scope, undefined, build)
      this.#written.set(key, name)
    }
    return name
  }

  #fresh(): string {
    let name = this.#scope
    for (let i = 1; this.#names.has(name); i += 1) name = `${this.#scope}/${i}`
    this.#names.add(name)
    return name
  }
}

/** TensorFlow's names: `[A-Za-z0-9.][A-Za-z0-9_>./-]*`. */
function legal(name: string): string {
  const kept = name.replaceAll(/[^A-Za-z0-9_.>/-]/g, '_')
  return /^[A-Za-z0-9.]/.test(kept) ? kept : `n${kept}`
}
