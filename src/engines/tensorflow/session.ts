import { sizeOf, type Program, type TensorData, type TensorType } from '../../program/program.ts'
import type { CompileOptions, Session } from '../engine.ts'
import type { Pointer } from './c-api.ts'
import type { TensorflowLibrary } from './library.ts'
import {
  lowerGraph,
  type LoweredGraph,
  type LoweredTensor,
  type LoweredVariable,
} from './lower-graph.ts'
import { NativeGraph, type Call } from './native-graph.ts'
import { ARRAYS, fromTensor, toTensor } from './tensors.ts'

export interface SessionOptions extends CompileOptions {
  /** Bytes of a ConfigProto. */
  readonly config: Uint8Array
  /** How many bytes of constants the graph may hold; the rest become variables. */
  readonly constantBytes?: number | undefined
  /** Called once the session is closed: what it held may go. */
  readonly onClose?: ((session: TensorflowSession) => void) | undefined
}

/** Imports the program's graph, opens a session on it and sets its variables. */
export async function openSession(
  library: TensorflowLibrary,
  program: Program,
  { config, constantBytes, entries = Object.keys(program.entries), onClose }: SessionOptions,
): Promise<TensorflowSession> {
  const lowered = lowerGraph(program, { constantBytes })
  const graph = await NativeGraph.open(library, lowered, config)
  try {
    const session = new TensorflowSession(library, lowered, graph, entries, onClose)
    await session.initialise()
    return session
  } catch (error) {
    await graph.close()
    throw error
  }
}

/** See `Session`. A run is one call of TF_SessionRun, variables live in the native session. */
export class TensorflowSession implements Session {
  readonly concurrency = 1
  readonly #library: TensorflowLibrary
  readonly #graph: NativeGraph
  readonly #entries = new Map<string, PreparedEntry>()
  readonly #onClose: SessionOptions['onClose']
  readonly #all: readonly LoweredVariable[]
  readonly #variables: readonly LoweredVariable[]
  readonly #index: ReadonlyMap<string, number>
  /** Reads all the program's variables at once, writes them at once: two kinds of run, each prepared once by TensorFlow. */
  readonly #read: Call
  readonly #write: Call

  constructor(
    library: TensorflowLibrary,
    lowered: LoweredGraph,
    graph: NativeGraph,
    entries: readonly string[],
    onClose: SessionOptions['onClose'],
  ) {
    this.#onClose = onClose
    this.#library = library
    this.#graph = graph
    for (const name of entries) {
      const entry = lowered.entries[name]
      if (!entry) throw new TypeError(`no entry ${name}`)
      const { feeds, fetches, targets } = entry
      const nodes = (tensors: readonly LoweredTensor[]) => tensors.map(({ node }) => node)
      const call = graph.prepare(nodes(feeds), nodes(fetches), targets)
      this.#entries.set(name, { feeds, fetches, call })
    }
    this.#all = lowered.variables
    this.#variables = lowered.variables.filter((v) => v.ofProgram)
    this.#index = new Map(this.#variables.map((v, i) => [v.name, i]))
    this.#read = graph.prepare(
      [],
      this.#variables.map((v) => v.read),
      [],
    )
    this.#write = this.#assignment(this.#variables)
  }

  /** Sets every variable, the engine's own too. */
  async initialise(): Promise<void> {
    if (this.#all.length === 0) return
    const own = this.#all.length > this.#variables.length
    const fed = this.#all.filter((v) => v.initial !== undefined)
    const call = own ? this.#assignment(this.#all) : this.#write
    await this.#run(
      call,
      this.#tensors(fed, (v) => v.initial!),
    )
  }

  async run(
    entry: string,
    feeds: Readonly<Record<string, TensorData>>,
  ): Promise<Record<string, TensorData>> {
    const known = this.#entries.get(entry)
    if (!known) throw new TypeError(`no entry ${entry}`)
    for (const feed of known.feeds) check(feed, feeds[feed.name])
    const inputs = this.#tensors(known.feeds, (feed) => feeds[feed.name]!)
    const outputs = await this.#run(known.call, inputs)
    const arrays = this.#arrays(known.fetches, outputs)
    return Object.fromEntries(known.fetches.map(({ name }, i) => [name, arrays[i]!]))
  }

  async read(names?: readonly string[]): Promise<Map<string, Float32Array>> {
    const wanted = names ? this.#find(names) : this.#variables.map((_, i) => i)
    if (wanted.length === 0) return new Map()
    const tensors = await this.#graph.run(this.#read, [])
    try {
      return new Map(
        wanted.map((i) => {
          const variable = this.#variables[i]!
          const data = fromTensor(this.#library, tensors[i]!, variable)
          return [variable.name, data as Float32Array]
        }),
      )
    } finally {
      this.#delete(tensors)
    }
  }

  async write(values: ReadonlyMap<string, Float32Array>): Promise<void> {
    const named = this.#find([...values.keys()])
    if (named.length === 0) return
    for (const i of named) check(this.#variables[i]!, values.get(this.#variables[i]!.name))
    // The others keep what they have: their tensors go in again as they came out, without a copy.
    const inputs =
      named.length === this.#variables.length
        ? Array<Pointer>(named.length).fill(0n)
        : await this.#graph.run(this.#read, [])
    const replaced = named.map((i) => inputs[i]!).filter((tensor) => tensor !== 0n)
    for (const i of named) {
      const variable = this.#variables[i]!
      inputs[i] = toTensor(this.#library, variable, values.get(variable.name)!)
    }
    this.#delete(replaced)
    await this.#run(this.#write, inputs)
  }

  async close(): Promise<void> {
    await this.#graph.close()
    this.#onClose?.(this)
  }

  /** Runs, and deletes the inputs whatever comes of it. */
  async #run(call: Call, inputs: readonly Pointer[]): Promise<Pointer[]> {
    try {
      return await this.#graph.run(call, inputs)
    } finally {
      this.#delete(inputs)
    }
  }

  #tensors<T extends TensorType>(types: readonly T[], data: (type: T) => TensorData): Pointer[] {
    return types.map((type) => toTensor(this.#library, type, data(type)))
  }

  #arrays(types: readonly TensorType[], tensors: readonly Pointer[]): TensorData[] {
    try {
      return types.map((type, i) => fromTensor(this.#library, tensors[i]!, type))
    } finally {
      this.#delete(tensors)
    }
  }

  #delete(tensors: readonly Pointer[]): void {
    for (const tensor of tensors) this.#library.api.deleteTensor(tensor)
  }

  /** Positions among the program's variables. */
  #find(names: readonly string[]): number[] {
    return names.map((name) => {
      const index = this.#index.get(name)
      if (index === undefined) throw new TypeError(`no variable ${name}`)
      return index
    })
  }

  #assignment(variables: readonly LoweredVariable[]): Call {
    const feeds = variables.flatMap((v) => v.feed ?? [])
    return this.#graph.prepare(
      feeds,
      [],
      variables.map((v) => v.assign),
    )
  }
}

interface PreparedEntry {
  readonly feeds: readonly LoweredTensor[]
  readonly fetches: readonly LoweredTensor[]
  readonly call: Call
}

function check(
  { name, shape, dtype }: { readonly name: string } & TensorType,
  data: TensorData | undefined,
): void {
  if (!(data instanceof ARRAYS[dtype]) || data.length !== sizeOf(shape)) {
    const got = data ? `${data.constructor.name} of ${data.length}` : 'nothing'
    throw new TypeError(`${name} takes ${dtype} [${shape}], got ${got}`)
  }
}
