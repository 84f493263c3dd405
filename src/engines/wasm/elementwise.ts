import { erfSingle } from '../../util/erf.ts'
import { sizeOf } from '../../program/program.ts'
import { broadcast2 } from './broadcast.ts'
import { start, view, type Emission, type Emit, type Emitters, type Step } from './emit.ts'
import { BYTES, FLOAT32, type CFunctions } from './kernels.ts'

type UnaryName = '_Relu' | '_Relu6' | '_Exp' | '_Log' | '_Tanh' | '_Sqrt' | '_Rsqrt' | '_Square'
type BinaryName = '_Add' | '_Sub' | '_Multiply' | '_RealDiv'

/** Element by element: the kernels' own where they are right, loops over the memory where they are not. */
export const ELEMENTWISE: Emitters<
  | 'relu'
  | 'relu6'
  | 'sigmoid'
  | 'tanh'
  | 'softplus'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'rsqrt'
  | 'square'
  | 'negative'
  | 'erf'
  | 'reluGradient'
  | 'relu6Gradient'
  | 'cast'
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'divide'
  | 'maximum'
  | 'minimum'
  | 'power'
  | 'biasAdd'
> = {
  relu: unary('_Relu'),
  // XNNPACK's clamp makes 0 of NaN.
  relu6: (e) => (e.finite ? unary('_Relu6')(e) : clamp6(e)),
  sigmoid: ({ kernels: { c }, inputs: [x], output }) => {
    const [a, b] = [x!.id, output.id]
    return () => c._Sigmoid(a, b)
  },
  tanh: unary('_Tanh'),
  softplus: each((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  exp: unary('_Exp'),
  log: unary('_Log'),
  sqrt: unary('_Sqrt'),
  rsqrt: unary('_Rsqrt'),
  square: unary('_Square'),
  negative: each((x) => -x),
  erf: each(erfSingle),
  reluGradient: (e) => masked(e, NaN),
  relu6Gradient: (e) => masked(e, 6),
  cast,
  add: binary('_Add'),
  subtract: binary('_Sub'),
  multiply: binary('_Multiply'),
  divide: binary('_RealDiv'),
  maximum: pair((x, y) => Math.max(x, y)),
  minimum: pair((x, y) => Math.min(x, y)),
  power: pair((x, y) => x ** y),
  biasAdd: binary('_Add'),
}

function unary(name: UnaryName): (e: Emission) => Step {
  return ({ kernels, inputs: [x], output }) => {
    const c: CFunctions = kernels.c
    const [a, b] = [x!.id, output.id]
    return () => c[name](a, FLOAT32, b)
  }
}

function binary(name: BinaryName): (e: Emission) => Step {
  return ({ kernels: { c }, inputs, output, integers }) => {
    const [a, b] = [inputs[0]!, inputs[1]!]
    const shapes = [a, b].map((t) => (t.shape.length === 0 ? [1] : t.shape))
    const [aShape, bShape] = shapes.map(integers)
    const [aRank, bRank] = shapes.map((s) => s.length)
    return () => c[name](a.id, aShape!, aRank!, b.id, bShape!, bRank!, FLOAT32, output.id)
  }
}

/** The kernel, and NaN again where it was: a branch that is never taken costs little. */
function clamp6(e: Emission<'relu6'>): Step {
  const { kernels, inputs, output } = e
  const clamp = unary('_Relu6')(e)
  const n = sizeOf(output.shape)
  return () => {
    clamp()
    const memory = kernels.f32()
    const [from, to] = [start(inputs[0]!), start(output)]
    for (let i = 0; i < n; i += 1) {
      const v = memory[from + i]!
      if (v !== v) memory[to + i] = v
    }
  }
}

/** dy where 0 < x < top (NaN: no top). By its bits, without a branch that goes either way half of the time: twice as quick. */
function masked(
  { kernels, inputs, output }: Emission<'reluGradient' | 'relu6Gradient'>,
  top: number,
): Step {
  const n = sizeOf(output.shape)
  const [dy, x] = [inputs[0]!, inputs[1]!]
  return () => {
    const values = kernels.f32()
    const bits = kernels.i32()
    const [a, b, to] = [start(dy), start(x), start(output)]
    for (let i = 0; i < n; i += 1) {
      const v = values[b + i]!
      bits[to + i] = bits[a + i]! & -(Number(v > 0) & Number(!(v >= top)))
    }
  }
}

function each(f: (x: number) => number): (e: Emission) => Step {
  return ({ kernels, inputs: [x], output }) => {
    const n = sizeOf(output.shape)
    return () => {
      const memory = kernels.f32()
      const from = start(x!)
      const to = start(output)
      for (let i = 0; i < n; i += 1) memory[to + i] = f(memory[from + i]!)
    }
  }
}

function pair(f: (x: number, y: number) => number): (e: Emission) => Step {
  return ({ kernels, inputs, output }) => {
    const [x, y] = [inputs[0]!, inputs[1]!]
    const loop = broadcast2(x.shape, y.shape, output.shape, f)
    return () => loop(kernels.f32(), start(x), start(y), start(output))
  }
}

/** Typed arrays convert on `set` as the op does: to integers by truncation, and natively quick. */
function cast({ kernels, inputs: [x], output }: Parameters<Emit<'cast'>>[0]): Step {
  const n = sizeOf(output.shape)
  return () => {
    const from = start(x!)
    const source = view(kernels, x!.dtype).subarray(from, from + n)
    view(kernels, output.dtype).set(source, output.address / BYTES[output.dtype])
  }
}
