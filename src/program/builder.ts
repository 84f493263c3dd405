import { OPS, type OpDefinition } from './op-table.ts'
import type { ConvAttributes, OpAttributes, OpName, PoolAttributes } from './ops.ts'
import {
  sizeOf,
  type DType,
  type Entry,
  type Node,
  type Program,
  type Shape,
  type Tensor,
  type TensorData,
  type Variable,
} from './program.ts'

const NONE = {}

/**
 * Grows a Program node by node. Every method appends one node (or returns its input where there is nothing to
 * do) and returns its output (or outputs); shapes are checked as they are built (Misfit: a bug of the caller).
 */
export class Builder {
  readonly #nodes: Node[] = []
  readonly #variables = new Map<string, { variable: Variable; read: Tensor }>()
  readonly #entries: Record<string, Entry> = {}
  #layer: string | undefined

  /** Nodes built inside carry the layer's name. */
  inLayer<T>(layer: string | undefined, build: () => T): T {
    const outer = this.#layer
    this.#layer = layer
    try {
      return build()
    } finally {
      this.#layer = outer
    }
  }

  get nodes(): readonly Node[] {
    return this.#nodes
  }

  node<Name extends OpName>(
    op: Name,
    inputs: readonly Tensor[],
    attributes: OpAttributes[Name],
  ): readonly Tensor[] {
    const definition: OpDefinition<Name> = OPS[op]
    const outputs: Tensor[] = []
    const node = {
      id: this.#nodes.length,
      op,
      inputs,
      attributes,
      outputs,
      layer: this.#layer,
    } as unknown as Node
    for (const type of definition.infer(inputs, attributes)) {
      outputs.push({ ...type, node, index: outputs.length })
    }
    this.#nodes.push(node)
    return outputs
  }

  #one<Name extends OpName>(op: Name, inputs: readonly Tensor[], attributes: OpAttributes[Name]) {
    return this.node(op, inputs, attributes)[0]!
  }

  // sources
  input(name: string, shape: Shape, dtype: DType = 'float32'): Tensor {
    return this.#one('input', [], { name, shape, dtype })
  }
  constant(data: TensorData, shape: Shape): Tensor {
    if (data.length !== sizeOf(shape)) throw new TypeError(`${data.length} values for [${shape}]`)
    const dtype =
      data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'uint8'
    return this.#one('constant', [], { data, shape, dtype })
  }
  scalar(value: number): Tensor {
    return this.constant(Float32Array.of(value), [])
  }
  /** The variable's value at the start of the run; the first call with a name declares it, later ones read the same node. */
  variable(name: string, shape: Shape, initial: Float32Array): Tensor {
    const known = this.#variables.get(name)
    if (known) return known.read
    if (initial.length !== sizeOf(shape)) {
      throw new TypeError(`${initial.length} values for variable ${name} of [${shape}]`)
    }
    const read = this.#one('variable', [], { name, shape })
    this.#variables.set(name, { variable: { name, shape, initial }, read })
    return read
  }

  // element by element
  relu = (x: Tensor): Tensor => this.#one('relu', [x], NONE)
  relu6 = (x: Tensor): Tensor => this.#one('relu6', [x], NONE)
  sigmoid = (x: Tensor): Tensor => this.#one('sigmoid', [x], NONE)
  tanh = (x: Tensor): Tensor => this.#one('tanh', [x], NONE)
  softplus = (x: Tensor): Tensor => this.#one('softplus', [x], NONE)
  exp = (x: Tensor): Tensor => this.#one('exp', [x], NONE)
  log = (x: Tensor): Tensor => this.#one('log', [x], NONE)
  sqrt = (x: Tensor): Tensor => this.#one('sqrt', [x], NONE)
  rsqrt = (x: Tensor): Tensor => this.#one('rsqrt', [x], NONE)
  square = (x: Tensor): Tensor => this.#one('square', [x], NONE)
  negative = (x: Tensor): Tensor => this.#one('negative', [x], NONE)
  erf = (x: Tensor): Tensor => this.#one('erf', [x], NONE)
  silu = (x: Tensor): Tensor => this.#one('silu', [x], NONE)
  gelu = (x: Tensor): Tensor => this.#one('gelu', [x], NONE)
  reluGradient = (dy: Tensor, x: Tensor): Tensor => this.#one('reluGradient', [dy, x], NONE)
  relu6Gradient = (dy: Tensor, x: Tensor): Tensor => this.#one('relu6Gradient', [dy, x], NONE)
  siluGradient = (dy: Tensor, x: Tensor): Tensor => this.#one('siluGradient', [dy, x], NONE)
  cast(x: Tensor, dtype: DType): Tensor {
    return x.dtype === dtype ? x : this.#one('cast', [x], { dtype })
  }

  // two inputs, broadcast
  add = (x: Tensor, y: Tensor): Tensor => this.#one('add', [x, y], NONE)
  subtract = (x: Tensor, y: Tensor): Tensor => this.#one('subtract', [x, y], NONE)
  multiply = (x: Tensor, y: Tensor): Tensor => this.#one('multiply', [x, y], NONE)
  divide = (x: Tensor, y: Tensor): Tensor => this.#one('divide', [x, y], NONE)
  maximum = (x: Tensor, y: Tensor): Tensor => this.#one('maximum', [x, y], NONE)
  minimum = (x: Tensor, y: Tensor): Tensor => this.#one('minimum', [x, y], NONE)
  power = (x: Tensor, y: Tensor): Tensor => this.#one('power', [x, y], NONE)

  // linear algebra and convolutions
  matMul(x: Tensor, y: Tensor, transposeA = false, transposeB = false): Tensor {
    return this.#one('matMul', [x, y], { transposeA, transposeB })
  }
  biasAdd = (x: Tensor, bias: Tensor): Tensor => this.#one('biasAdd', [x, bias], NONE)
  conv2d = (x: Tensor, kernel: Tensor, attributes: ConvAttributes): Tensor =>
    this.#one('conv2d', [x, kernel], attributes)
  depthwiseConv2d = (x: Tensor, kernel: Tensor, attributes: ConvAttributes): Tensor =>
    this.#one('depthwiseConv2d', [x, kernel], attributes)
  conv2dInputGradient = (
    dy: Tensor,
    kernel: Tensor,
    attributes: OpAttributes['conv2dInputGradient'],
  ): Tensor => this.#one('conv2dInputGradient', [dy, kernel], attributes)
  depthwiseConv2dInputGradient = (
    dy: Tensor,
    kernel: Tensor,
    attributes: OpAttributes['depthwiseConv2dInputGradient'],
  ): Tensor => this.#one('depthwiseConv2dInputGradient', [dy, kernel], attributes)
  conv2dKernelGradient = (
    x: Tensor,
    dy: Tensor,
    attributes: OpAttributes['conv2dKernelGradient'],
  ): Tensor => this.#one('conv2dKernelGradient', [x, dy], attributes)
  depthwiseConv2dKernelGradient = (
    x: Tensor,
    dy: Tensor,
    attributes: OpAttributes['depthwiseConv2dKernelGradient'],
  ): Tensor => this.#one('depthwiseConv2dKernelGradient', [x, dy], attributes)

  // pools
  maxPool = (x: Tensor, attributes: PoolAttributes): Tensor => this.#one('maxPool', [x], attributes)
  avgPool = (x: Tensor, attributes: PoolAttributes): Tensor => this.#one('avgPool', [x], attributes)
  maxPoolGradient = (dy: Tensor, x: Tensor, y: Tensor, attributes: PoolAttributes): Tensor =>
    this.#one('maxPoolGradient', [dy, x, y], attributes)
  avgPoolGradient = (dy: Tensor, attributes: OpAttributes['avgPoolGradient']): Tensor =>
    this.#one('avgPoolGradient', [dy], attributes)

  /** y, mean, variance. */
  batchNorm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): [Tensor, Tensor, Tensor] {
    const [y, mean, variance] = this.node('batchNorm', [x, gamma, beta], { epsilon })
    return [y!, mean!, variance!]
  }
  /** Gradients of x, gamma, beta. */
  batchNormGradient(
    dy: Tensor,
    x: Tensor,
    gamma: Tensor,
    [mean, variance]: readonly [Tensor, Tensor],
    epsilon: number,
  ): [Tensor, Tensor, Tensor] {
    const inputs = [dy, x, gamma, mean, variance]
    const [dx, dGamma, dBeta] = this.node('batchNormGradient', inputs, { epsilon })
    return [dx!, dGamma!, dBeta!]
  }

  // shape
  reshape(x: Tensor, shape: Shape): Tensor {
    return shape.join() === x.shape.join() ? x : this.#one('reshape', [x], { shape })
  }
  transpose = (x: Tensor, permutation: readonly number[]): Tensor =>
    this.#one('transpose', [x], { permutation })
  pad(x: Tensor, padding: OpAttributes['pad']['padding'], value = 0): Tensor {
    return padding.every(([a, b]) => a === 0 && b === 0)
      ? x
      : this.#one('pad', [x], { padding, value })
  }
  slice(x: Tensor, begin: Shape, size: Shape): Tensor {
    return size.join() === x.shape.join() ? x : this.#one('slice', [x], { begin, size })
  }
  concat(inputs: readonly Tensor[], axis: number): Tensor {
    return inputs.length === 1 ? inputs[0]! : this.#one('concat', inputs, { axis })
  }
  broadcastTo(x: Tensor, shape: Shape): Tensor {
    return shape.join() === x.shape.join() ? x : this.#one('broadcastTo', [x], { shape })
  }

  // reductions
  reduceSum = (x: Tensor, axes: readonly number[], keepDims = false): Tensor =>
    axes.length === 0 ? x : this.#one('reduceSum', [x], { axes, keepDims })
  reduceMean = (x: Tensor, axes: readonly number[], keepDims = false): Tensor =>
    axes.length === 0 ? x : this.#one('reduceMean', [x], { axes, keepDims })
  reduceMax = (x: Tensor, axes: readonly number[], keepDims = false): Tensor =>
    axes.length === 0 ? x : this.#one('reduceMax', [x], { axes, keepDims })
  reduceMaxGradient = (dy: Tensor, x: Tensor, y: Tensor, axes: readonly number[]): Tensor =>
    this.#one('reduceMaxGradient', [dy, x, y], { axes })

  // heads and losses
  softmax = (x: Tensor): Tensor => this.#one('softmax', [x], NONE)
  softmaxCrossEntropy = (logits: Tensor, targets: Tensor): Tensor =>
    this.#one('softmaxCrossEntropy', [logits, targets], NONE)
  sigmoidCrossEntropy = (logits: Tensor, targets: Tensor): Tensor =>
    this.#one('sigmoidCrossEntropy', [logits, targets], NONE)

  /** Adds an entry; its feeds are the `input` nodes that the fetches and updates depend on. */
  entry(name: string, entry: Omit<Entry, 'feeds'>): void {
    if (this.#entries[name]) throw new TypeError(`entry ${name} twice`)
    const feeds: Record<string, Tensor> = {}
    for (const node of reach(rootsOf(entry))) {
      if (node.op !== 'input') continue
      const { name: feed } = node.attributes as OpAttributes['input']
      if (feeds[feed] && feeds[feed].node !== node) throw new TypeError(`feed ${feed} twice`)
      feeds[feed] = node.outputs[0]!
    }
    this.#entries[name] = { ...entry, feeds }
  }

  /** The program so far: only the nodes that some entry needs, in order, numbered anew. */
  program(): Program {
    return prune({
      nodes: this.#nodes,
      variables: [...this.#variables.values()].map((v) => v.variable),
      entries: { ...this.#entries },
    })
  }
}

/** The nodes that the tensors depend on, themselves included. */
export function reach(roots: readonly Tensor[]): Set<Node> {
  const seen = new Set<Node>()
  const stack = roots.map((t) => t.node)
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue
    seen.add(node)
    for (const input of node.inputs) stack.push(input.node)
  }
  return seen
}

/** The tensors an entry must compute. */
export function rootsOf(entry: Omit<Entry, 'feeds'>): Tensor[] {
  return [
    ...Object.values(entry.fetches),
    ...entry.updates.flatMap((u) =>
      u.kind === 'assign' ? [u.value] : [u.gradient, ...Object.values(u.scalars)],
    ),
  ]
}

function prune(program: Program): Program {
  const needed = reach(Object.values(program.entries).flatMap(rootsOf))
  const renewed = new Map<Tensor, Tensor>()
  const nodes: Node[] = []
  const move = (t: Tensor): Tensor => renewed.get(t)!
  for (const old of program.nodes) {
    if (!needed.has(old)) continue
    const outputs: Tensor[] = []
    const node = { ...old, id: nodes.length, inputs: old.inputs.map(move), outputs } as Node
    for (const t of old.outputs) {
      const fresh: Tensor = { ...t, node }
      outputs.push(fresh)
      renewed.set(t, fresh)
    }
    nodes.push(node)
  }
  const all = (record: Readonly<Record<string, Tensor>>) =>
    Object.fromEntries(Object.entries(record).map(([name, t]) => [name, move(t)]))
  const entries = Object.fromEntries(
    Object.entries(program.entries).map(([name, entry]) => [
      name,
      {
        feeds: all(entry.feeds),
        fetches: all(entry.fetches),
        updates: entry.updates.map((u) =>
          u.kind === 'assign'
            ? { ...u, value: move(u.value) }
            : { ...u, gradient: move(u.gradient), scalars: all(u.scalars) },
        ),
      },
    ]),
  )
  const read = new Set(
    Object.values(entries).flatMap((e) =>
      e.updates.flatMap((u) => [u.variable, ...(u.kind === 'rule' ? Object.values(u.slots) : [])]),
    ),
  )
  for (const node of nodes) {
    if (node.op === 'variable') read.add((node.attributes as OpAttributes['variable']).name)
  }
  return { nodes, entries, variables: program.variables.filter((v) => read.has(v.name)) }
}
