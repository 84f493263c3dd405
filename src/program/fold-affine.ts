import { reach, rootsOf, type Builder } from './builder.ts'
import type { OpAttributes } from './ops.ts'
import { sizeOf, type Node, type Program, type Tensor } from './program.ts'

/** A convolution or product by a constant kernel whose trailing axes are the output's channels, and the bias behind it. */
interface Linear {
  readonly node: Node
  readonly kernel: Float32Array
  readonly bias: Float32Array | undefined
}

/**
 * A convolution by a constant kernel, times a constant factor a channel, plus a constant a channel, is one convolution
 * and one bias: a frozen batch normalization costs nothing, whether it came as a layer or as the ops of a SavedModel.
 * Only where nothing else takes what comes between, so that no work is done twice.
 */
export class AffineFolding {
  readonly #uses = new Map<Tensor, number>()
  /** Kernels with their factors, so that entries go on sharing them. */
  readonly #scaled = new Map<Tensor, { readonly scale: Float32Array; readonly kernel: Tensor }[]>()

  constructor(program: Program) {
    for (const entry of Object.values(program.entries)) {
      const roots = rootsOf(entry)
      for (const t of roots) this.#use(t)
      // a node of several entries is used once by each of its takers
      for (const node of reach(roots)) if (!this.#met.has(node)) this.#meet(node)
    }
  }

  readonly #met = new Set<Node>()

  #meet(node: Node): void {
    this.#met.add(node)
    for (const t of node.inputs) this.#use(t)
  }

  #use(t: Tensor): void {
    this.#uses.set(t, (this.#uses.get(t) ?? 0) + 1)
  }

  /** What stands in place of `node`, whose inputs in the new program are `inputs`; undefined: the node itself. */
  shorter(b: Builder, node: Node, inputs: readonly Tensor[]): Tensor | undefined {
    if (!KINDS.has(node.op)) return undefined
    const [x, y] = inputs as [Tensor, Tensor]
    return (
      this.#folded(b, node, node.inputs[0]!, x, y) ??
      (node.op === 'add' || node.op === 'multiply'
        ? this.#folded(b, node, node.inputs[1]!, y, x)
        : undefined)
    )
  }

  /** Notes that a tensor of the new program stands for one of the old, which tells who takes it. */
  stands(fresh: Tensor, old: Tensor): void {
    this.#uses.set(fresh, Math.max(this.#uses.get(fresh) ?? 0, this.#uses.get(old) ?? 0))
  }

  #folded(b: Builder, { op, outputs }: Node, old: Tensor, x: Tensor, y: Tensor) {
    const linear = this.#uses.get(old) === 1 ? this.#linear(x) : undefined
    const channels = x.shape.at(-1)!
    const by = linear && perChannel(y, channels)
    if (!by || outputs[0]!.shape.join() !== x.shape.join()) return undefined
    if (op === 'multiply') return this.#times(b, linear, by)
    // A bias alone is what biasAdd is for: only one that is there already is worth another.
    if (op === 'biasAdd' && !linear.bias) return undefined
    const sign = op === 'subtract' ? -1 : 1
    const bias = by.map((v, c) => (linear.bias?.[c] ?? 0) + sign * v)
    return b.biasAdd(linear.node.outputs[0]!, b.constant(bias, [channels]))
  }

  #times(b: Builder, { node, kernel, bias }: Linear, scale: Float32Array): Tensor {
    const [x, constant] = node.inputs as [Tensor, Tensor]
    const scaled = this.#kernel(b, constant, kernel, scale)
    const convolved = b.node(node.op, [x, scaled], node.attributes as never)[0]!
    if (!bias) return convolved
    const shifted = bias.map((v, c) => v * scale[c]!)
    return b.biasAdd(convolved, b.constant(shifted, [scale.length]))
  }

  #kernel(b: Builder, constant: Tensor, kernel: Float32Array, scale: Float32Array): Tensor {
    const known = this.#scaled.get(constant) ?? []
    const same = known.find((k) => k.scale.every((v, c) => Object.is(v, scale[c])))
    if (same) return same.kernel
    const scaled = kernel.map((v, i) => v * scale[i % scale.length]!)
    const fresh = b.constant(scaled, constant.shape)
    this.#scaled.set(constant, [...known, { scale, kernel: fresh }])
    return fresh
  }

  #linear(t: Tensor): Linear | undefined {
    const { node } = t
    if (node.op === 'biasAdd') {
      const [x, bias] = node.inputs as [Tensor, Tensor]
      const inner = (this.#uses.get(x) ?? 1) === 1 ? this.#linear(x) : undefined
      const data = constantOf(bias)
      return inner && data && !inner.bias ? { ...inner, bias: data } : undefined
    }
    if (!LINEAR.has(node.op)) return undefined
    if (node.op === 'matMul' && (node.attributes as OpAttributes['matMul']).transposeB) {
      return undefined
    }
    const kernel = constantOf(node.inputs[1]!)
    return kernel && { node, kernel, bias: undefined }
  }
}

const KINDS: ReadonlySet<string> = new Set(['multiply', 'add', 'subtract', 'biasAdd'])
const LINEAR: ReadonlySet<string> = new Set(['conv2d', 'depthwiseConv2d', 'matMul'])

/** One value a channel (the last axis), where the constant is that or one number; undefined otherwise. */
function perChannel(t: Tensor, channels: number): Float32Array | undefined {
  const data = constantOf(t)
  if (!data) return undefined
  if (data.length === 1) return new Float32Array(channels).fill(data[0]!)
  return t.shape.at(-1) === channels && sizeOf(t.shape) === channels ? data : undefined
}

function constantOf({ node, dtype }: Tensor): Float32Array | undefined {
  if (node.op !== 'constant' || dtype !== 'float32') return undefined
  return (node.attributes as OpAttributes['constant']).data as Float32Array
}
