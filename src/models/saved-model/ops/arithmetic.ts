import type { Builder } from '../../../program/builder.ts'
import { broadcastShape } from '../../../program/shapes.ts'
import type { Shape, Tensor } from '../../../program/program.ts'
import type { Call, Handler, Handlers } from '../call.ts'
import type { ValueType } from '../stored.ts'
import { host, traced, Unsupported, type Value } from '../values.ts'
import { reader, zip } from './host.ts'

/** Element by element. What is known is computed here; of what is not, only floats are (whole numbers up to 2^24 are exact). */
export const ARITHMETIC: Handlers = {
  Relu: unary(
    (b, x) => b.relu(x),
    (x) => Math.max(0, x),
  ),
  Relu6: unary(
    (b, x) => b.relu6(x),
    (x) => Math.min(6, Math.max(0, x)),
  ),
  Sigmoid: unary(
    (b, x) => b.sigmoid(x),
    (x) => 1 / (1 + Math.exp(-x)),
  ),
  Tanh: unary((b, x) => b.tanh(x), Math.tanh),
  Softplus: unary(
    (b, x) => b.softplus(x),
    (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  ),
  Softsign: unary(
    (b, x) => b.divide(x, b.add(absolute(b, x), b.scalar(1))),
    (x) => x / (1 + Math.abs(x)),
  ),
  Exp: unary((b, x) => b.exp(x), Math.exp),
  Expm1: unary((b, x) => b.subtract(b.exp(x), b.scalar(1)), Math.expm1),
  Log: unary((b, x) => b.log(x), Math.log),
  Log1p: unary((b, x) => b.log(b.add(x, b.scalar(1))), Math.log1p),
  Sqrt: unary((b, x) => b.sqrt(x), Math.sqrt),
  Rsqrt: unary(
    (b, x) => b.rsqrt(x),
    (x) => 1 / Math.sqrt(x),
  ),
  Square: unary(
    (b, x) => b.square(x),
    (x) => x * x,
  ),
  Erf: (call) => traced('float', call.b.erf(call.tensor(0))),
  Erfc: (call) => traced('float', not(call.b, call.b.erf(call.tensor(0)))),
  Neg: unary(
    (b, x) => b.negative(x),
    (x) => -x,
  ),
  Abs: unary(absolute, Math.abs),
  Reciprocal: unary(
    (b, x) => b.divide(b.scalar(1), x),
    (x) => 1 / x,
  ),
  Inv: unary(
    (b, x) => b.divide(b.scalar(1), x),
    (x) => 1 / x,
  ),
  Floor: unary(floor, Math.floor),
  Ceil: unary((b, x) => b.negative(floor(b, b.negative(x))), Math.ceil),
  Elu: unary(
    // exp(x) - 1 where x < 0, x elsewhere
    (b, x) => b.add(b.relu(x), b.subtract(b.exp(b.negative(b.relu(b.negative(x)))), b.scalar(1))),
    (x) => (x > 0 ? x : Math.expm1(x)),
  ),
  LeakyRelu: (call) => {
    const alpha = call.number('alpha', 0.2)
    return unary(
      (b, x) => b.subtract(b.relu(x), b.multiply(b.relu(b.negative(x)), b.scalar(alpha))),
      (x) => (x > 0 ? x : alpha * x),
    )(call)
  },

  Add: binary(
    (b, x, y) => b.add(x, y),
    (x, y) => x + y,
  ),
  AddV2: binary(
    (b, x, y) => b.add(x, y),
    (x, y) => x + y,
  ),
  Sub: binary(
    (b, x, y) => b.subtract(x, y),
    (x, y) => x - y,
  ),
  Mul: (call) => timesOne(call) ?? binary(times, (x, y) => x * y)(call),
  RealDiv: binary(
    (b, x, y) => b.divide(x, y),
    (x, y) => x / y,
  ),
  Div: (call) =>
    call.type(0) === 'int'
      ? known((x, y) => Math.trunc(x / y))(call)
      : binary(
          (b, x, y) => b.divide(x, y),
          (x, y) => x / y,
        )(call),
  DivNoNan: binary(
    (b, x, y) => {
      const zero = isZero(b, y)
      return b.multiply(b.divide(x, b.add(y, zero)), not(b, zero))
    },
    (x, y) => (y === 0 ? 0 : x / y),
  ),
  FloorDiv: known((x, y) => Math.floor(x / y)),
  FloorMod: known((x, y) => x - Math.floor(x / y) * y),
  Mod: known((x, y) => x % y),
  TruncateDiv: known((x, y) => Math.trunc(x / y)),
  Maximum: binary((b, x, y) => b.maximum(x, y), Math.max),
  Minimum: binary((b, x, y) => b.minimum(x, y), Math.min),
  Pow: binary((b, x, y) => b.power(x, y), Math.pow),
  SquaredDifference: binary(
    (b, x, y) => b.square(b.subtract(x, y)),
    (x, y) => (x - y) ** 2,
  ),
  AddN: (call) => {
    const [first, ...more] = call.tensors()
    return traced(
      call.type(0),
      more.reduce((sum, x) => call.b.add(sum, x), first!),
    )
  },

  // whether a > b is asked of a - b, whose sign is exact
  Greater: compare(
    (b, x, y) => positive(b, b.subtract(x, y)),
    (x, y) => x > y,
  ),
  Less: compare(
    (b, x, y) => positive(b, b.subtract(y, x)),
    (x, y) => x < y,
  ),
  GreaterEqual: compare(
    (b, x, y) => not(b, positive(b, b.subtract(y, x))),
    (x, y) => x >= y,
  ),
  LessEqual: compare(
    (b, x, y) => not(b, positive(b, b.subtract(x, y))),
    (x, y) => x <= y,
  ),
  Equal: compare(
    (b, x, y) => isZero(b, b.subtract(x, y)),
    (x, y) => x === y,
  ),
  NotEqual: compare(
    (b, x, y) => not(b, isZero(b, b.subtract(x, y))),
    (x, y) => x !== y,
  ),
  LogicalNot: unary(not, (x) => (x === 0 ? 1 : 0)),
  LogicalAnd: compare(
    (b, x, y) => b.multiply(x, y),
    (x, y) => x !== 0 && y !== 0,
  ),
  LogicalOr: compare(
    (b, x, y) => b.maximum(x, y),
    (x, y) => x !== 0 || y !== 0,
  ),

  Cast: (call) => {
    const type = call.text('DstT', 'float') as ValueType
    const x = call.input(0)
    if (x.kind === 'host')
      return host(
        type,
        x.shape,
        Array.from(x.data, (v) => castTo(type, v)),
      )
    const tensor = call.tensor(0)
    if (type === 'bool') return traced(type, not(call.b, isZero(call.b, tensor)))
    const truncates = type === 'int' && call.type(0) === 'float'
    return traced(type, truncates ? truncated(call.b, tensor) : tensor)
  },
  Select: (call) => select(call, call.shape(0)),
  SelectV2: (call) => select(call, call.shape(0)),
  ClipByValue: (call) => {
    const { b } = call
    return traced(
      call.type(0),
      b.maximum(b.minimum(call.tensor(0), call.tensor(2)), call.tensor(1)),
    )
  },
  ZerosLike: (call) => call.filled(call.type(0), call.shape(0), [0]),
  OnesLike: (call) => call.filled(call.type(0), call.shape(0), [1]),
}

function unary(trace: (b: Builder, x: Tensor) => Tensor, f: (x: number) => number): Handler {
  return (call) => {
    const x = call.input(0)
    if (x.kind === 'host') return host(x.type, x.shape, Array.from(x.data, f))
    return traced(call.type(0), trace(call.b, call.tensor(0)))
  }
}

function binary(
  trace: (b: Builder, x: Tensor, y: Tensor) => Tensor,
  f: (x: number, y: number) => number,
): Handler {
  return (call) => {
    const [x, y] = [call.hostOrNot(0), call.hostOrNot(1)]
    if (x && y) return zip(x, y, x.type, f)
    return traced(call.type(0), trace(call.b, call.tensor(0), call.tensor(1)))
  }
}

function compare(
  trace: (b: Builder, x: Tensor, y: Tensor) => Tensor,
  f: (x: number, y: number) => boolean,
): Handler {
  return (call) => {
    const [x, y] = [call.hostOrNot(0), call.hostOrNot(1)]
    if (x && y) return zip(x, y, 'bool', (a, c) => Number(f(a, c)))
    return traced('bool', trace(call.b, call.tensor(0), call.tensor(1)))
  }
}

/** Of whole numbers, where no op of a Program is exact. */
function known(f: (x: number, y: number) => number): Handler {
  return (call) => zip(call.host(0), call.host(1), call.type(0), f)
}

/** The `beta` of a swish is mostly 1, and times its sigmoid is told by what the sigmoid is of. */
function timesOne(call: Call): Value | undefined {
  const i = [0, 1].find((k) => {
    const one = call.hostOrNot(k)
    return one?.data.length === 1 && one.data[0] === 1 && one.shape.length === 0
  })
  return i === undefined ? undefined : call.input(1 - i)
}

/** A product; x times its sigmoid is the one op that engines have for it. */
function times(b: Builder, x: Tensor, y: Tensor): Tensor {
  if (y.node.op === 'sigmoid' && y.node.inputs[0] === x) return b.silu(x)
  if (x.node.op === 'sigmoid' && x.node.inputs[0] === y) return b.silu(y)
  return b.multiply(x, y)
}

/** The slope at 0 is 0, as in TensorFlow. */
function absolute(b: Builder, x: Tensor): Tensor {
  return b.add(b.relu(x), b.relu(b.negative(x)))
}

/** 1 where x > 0, else 0: what `relu`'s gradient lets through of ones. */
function positive(b: Builder, x: Tensor): Tensor {
  return b.reluGradient(b.broadcastTo(b.scalar(1), x.shape), x)
}

function not(b: Builder, x: Tensor): Tensor {
  return b.subtract(b.scalar(1), x)
}

function isZero(b: Builder, x: Tensor): Tensor {
  return not(b, b.add(positive(b, x), positive(b, b.negative(x))))
}

function truncated(b: Builder, x: Tensor): Tensor {
  return b.cast(b.cast(x, 'int32'), 'float32')
}

function floor(b: Builder, x: Tensor): Tensor {
  const whole = truncated(b, x)
  return b.subtract(whole, positive(b, b.subtract(whole, x)))
}

function castTo(type: ValueType, value: number): number {
  return type === 'int'
    ? Math.trunc(value)
    : type === 'bool'
      ? Number(value !== 0)
      : Math.fround(value)
}

/** What is not taken has no say, be it infinite. A vector of conditions (TF1's Select) chooses among rows. */
function select(call: Call, condition: Shape): Value {
  const { b } = call
  const taken = call.hostOrNot(0)
  if (taken && taken.data.length === 1) {
    const chosen = call.input(taken.data[0] === 0 ? 2 : 1)
    const shape = broadcastShape(call.shape(1), call.shape(2))
    if (call.shape(taken.data[0] === 0 ? 2 : 1).join() === shape.join()) return chosen
  }
  const [x, y] = [call.hostOrNot(1), call.hostOrNot(2)]
  if (taken && x && y) {
    const shape = broadcastShape(taken.shape, broadcastShape(x.shape, y.shape))
    const [c, first, second] = [reader(taken, shape), reader(x, shape), reader(y, shape)]
    const both = zip(x, y, x.type, () => 0)
    if (both.shape.join() === shape.join()) {
      return host(
        x.type,
        shape,
        Array.from(both.data, (_, i) => (c(i) === 0 ? second(i) : first(i))),
      )
    }
  }
  const values = broadcastShape(call.shape(1), call.shape(2))
  const rows = call.node.op === 'Select' && condition.length === 1 && values.length > 1
  const shape = rows ? values : broadcastShape(condition, values)
  const given = call.tensor(0)
  const mask = rows ? b.reshape(given, [condition[0]!, ...values.slice(1).map(() => 1)]) : given
  const full = (t: Tensor): Tensor => b.broadcastTo(t, shape)
  const where = full(mask)
  if (call.type(1) === 'other') throw new Unsupported('of what are no numbers')
  return traced(
    call.type(1),
    b.add(
      b.reluGradient(full(call.tensor(1)), where),
      b.reluGradient(full(call.tensor(2)), not(b, where)),
    ),
  )
}
