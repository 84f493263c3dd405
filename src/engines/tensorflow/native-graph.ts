import koffi from 'koffi'
import pLimit from 'p-limit'
import { failure } from '../../util/diagnostic.ts'
import type { LibC, Pointer } from './c-api.ts'
import { encodeGraphDef } from './graph-def.ts'
import type { TensorflowLibrary } from './library.ts'
import type { LoweredGraph } from './lower-graph.ts'
import { withStatus } from './status.ts'

/** protobuf's limit for one message. */
const MESSAGE_BYTES = 2 ** 31 - 1

/** What one kind of run feeds, fetches and runs, in native memory. */
export interface Call {
  readonly inputs: Pointer
  readonly inputCount: number
  readonly outputs: Pointer
  readonly outputCount: number
  readonly targets: Pointer
  readonly targetCount: number
}

/** A TF_Graph and a TF_Session on it, with everything native that belongs to them. */
export class NativeGraph {
  readonly #library: TensorflowLibrary
  readonly #layerOf: ReadonlyMap<string, string>
  readonly #blocks: Pointer[] = []
  /** One run at a time: oneDNN's convolutions with a fused sum hold it in the op, and two runs of one op end by SIGSEGV. */
  readonly #turn = pLimit(1)
  readonly #running = new Set<Promise<unknown>>()
  #graph: Pointer
  #session: Pointer | null = null
  #closed = false

  private constructor(library: TensorflowLibrary, layerOf: ReadonlyMap<string, string>) {
    this.#library = library
    this.#layerOf = layerOf
    this.#graph = library.api.newGraph()
  }

  /** Throws ENGINE_FAILED where TensorFlow refuses the graph or the configuration. */
  static async open(
    library: TensorflowLibrary,
    { nodes, layerOf }: Pick<LoweredGraph, 'nodes' | 'layerOf'>,
    config: Uint8Array,
  ): Promise<NativeGraph> {
    const graph = new NativeGraph(library, layerOf)
    try {
      if (nodes.length > 0) await graph.#import(nodes)
      await graph.#start(config)
      return graph
    } catch (error) {
      await graph.close()
      throw error
    }
  }

  async #import(nodes: LoweredGraph['nodes']): Promise<void> {
    const { api, c } = this.#library
    const message = encodeGraphDef(nodes)
    if (message.length > MESSAGE_BYTES) {
      throw failure('ENGINE_FAILED', `a graph of ${message.length} bytes; TensorFlow takes 2 GiB`)
    }
    // Native memory, to be given back at once: the weights are in it.
    const bytes = allocate(c, message.length)
    const options = api.newImportOptions()
    try {
      message.writeTo(new Uint8Array(koffi.view(bytes, message.length)))
      const buffer = BigUint64Array.of(bytes, BigInt(message.length), 0n)
      await withStatus(api, this.#layerOf, (status) =>
        api.importGraphDef(this.#graph, buffer, options, status),
      )
    } finally {
      api.deleteImportOptions(options)
      c.free(bytes)
    }
  }

  async #start(config: Uint8Array): Promise<void> {
    const { api } = this.#library
    const options = api.newSessionOptions()
    try {
      await withStatus(api, this.#layerOf, (s) => api.setConfig(options, config, config.length, s))
      this.#session = await withStatus(api, this.#layerOf, (status) =>
        api.newSession(this.#graph, options, status),
      )
    } finally {
      api.deleteSessionOptions(options)
    }
  }

  /** The types of the session's devices: `CPU`, `GPU`. */
  async devices(): Promise<string[]> {
    const { api } = this.#library
    return withStatus(api, this.#layerOf, (status) => {
      const list = api.listDevices(this.#session!, status)
      if (!list) return []
      const count = api.deviceCount(list)
      const types = Array.from({ length: count }, (_, i) => api.deviceType(list, i, status))
      api.deleteDeviceList(list)
      return types
    })
  }

  /** Inputs and outputs are names of nodes, whose first output is meant, or `name:1` and so on; targets those of nodes. */
  prepare(inputs: readonly string[], outputs: readonly string[], targets: readonly string[]): Call {
    return {
      inputs: this.#block(inputs.flatMap((name) => this.#output(name))),
      inputCount: inputs.length,
      outputs: this.#block(outputs.flatMap((name) => this.#output(name))),
      outputCount: outputs.length,
      targets: this.#block(targets.map((name) => this.#operation(name))),
      targetCount: targets.length,
    }
  }

  /**
   * One TF_SessionRun, on another thread, when those before it are done. The input tensors stay the caller's, to be
   * deleted once this is settled; so are the output tensors.
   */
  async run(call: Call, inputs: readonly Pointer[]): Promise<Pointer[]> {
    if (this.#closed) throw new TypeError('the session is closed')
    const running = this.#turn(() => this.#run(call, inputs))
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  async #run(call: Call, inputs: readonly Pointer[]): Promise<Pointer[]> {
    const { api, c } = this.#library
    const values = allocate(c, 8 * (inputs.length + call.outputCount + 1))
    const results = values + 8n * BigInt(inputs.length)
    try {
      store(c, values, inputs)
      store(c, results, Array<Pointer>(call.outputCount).fill(0n))
      await withStatus(api, this.#layerOf, (status) =>
        api.sessionRun(
          this.#session!,
          null,
          call.inputs,
          values,
          call.inputCount,
          call.outputs,
          results,
          call.outputCount,
          call.targets,
          call.targetCount,
          null,
          status,
        ),
      )
      const outputs = new BigUint64Array(call.outputCount)
      if (outputs.length > 0) c.copy(outputs, results, outputs.byteLength)
      return [...outputs]
    } finally {
      c.free(values)
    }
  }

  /** Waits for what is running. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.allSettled(this.#running)
    const { api, c } = this.#library
    const session = this.#session
    if (session) {
      await withStatus(api, this.#layerOf, (status) => api.closeSession(session, status))
      await withStatus(api, this.#layerOf, (status) => api.deleteSession(session, status))
    }
    api.deleteGraph(this.#graph)
    for (const block of this.#blocks) c.free(block)
  }

  /** A TF_Output: the operation and the number of its output. */
  #output(name: string): Pointer[] {
    const [node, index = '0'] = name.split(':')
    return [this.#operation(node!), BigInt(index)]
  }

  #operation(name: string): Pointer {
    const operation = this.#library.api.operationByName(this.#graph, name)
    if (!operation) throw new TypeError(`no node ${name} in the graph`)
    return operation
  }

  #block(words: readonly Pointer[]): Pointer {
    const { c } = this.#library
    const block = allocate(c, 8 * words.length + 8)
    this.#blocks.push(block)
    store(c, block, words)
    return block
  }
}

function store(c: LibC, target: Pointer, words: readonly Pointer[]): void {
  const array = BigUint64Array.from(words)
  if (array.length > 0) c.copy(target, array, array.byteLength)
}

function allocate(c: LibC, bytes: number): Pointer {
  const memory = c.malloc(bytes)
  if (!memory) throw failure('OUT_OF_MEMORY', `no memory for ${bytes} bytes`)
  return memory
}
