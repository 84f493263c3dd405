import type { OpName } from '../../program/ops.ts'
import { deviceType } from './kernels.ts'
import type { Emit, Emitters } from './emit.ts'
import { TO_FLOAT } from './map.ts'

type Unary =
  | 'relu'
  | 'relu6'
  | 'sigmoid'
  | 'softplus'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'rsqrt'
  | 'square'
  | 'negative'
type Binary =
  'add' | 'subtract' | 'multiply' | 'divide' | 'maximum' | 'minimum' | 'power' | 'biasAdd'

export const ELEMENTWISE: Emitters<Unary | Binary | 'cast'> = {
  relu: unary('Relu'),
  relu6: unary('Relu6'),
  sigmoid: unary('Sigmoid'),
  softplus: unary('Softplus'),
  exp: unary('Exp'),
  log: unary('Log'),
  sqrt: unary('Sqrt'),
  rsqrt: unary('Rsqrt'),
  square: unary('Square'),
  negative: unary('Neg'),

  add: binary('Add'),
  subtract: binary('Sub'),
  multiply: binary('Multiply'),
  divide: binary('RealDiv'),
  maximum: binary('Maximum'),
  minimum: binary('Minimum'),
  power: binary('Pow'),
  biasAdd: binary('Add'),

  // tfjs would call an array of integers one of floats and leave it as it is.
  cast: ({ run, map, view, inputs: [x], attributes }) => {
    const dtype = deviceType(attributes.dtype)
    if (x!.dtype === dtype) return view(x!)
    return dtype === 'float32' ? map(TO_FLOAT, [x!]) : run('Cast', { x }, { dtype })
  },
}

function unary<Name extends OpName>(kernel: string): Emit<Name> {
  return (e) => e.run(kernel, { x: e.inputs[0]! })
}

function binary<Name extends OpName>(kernel: string): Emit<Name> {
  return (e) => e.run(kernel, { a: e.inputs[0]!, b: e.inputs[1]! })
}
