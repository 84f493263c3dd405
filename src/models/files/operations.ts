import type { KindConfig } from '../keras-config/keras-config.ts'
import type { Call, TopologyLayer } from './topology.ts'

type Operands = Call['operands']

/** What a function computes of one tensor and numbers, `x * scale + offset`, from the numbers and where the tensor stands. */
type OfNumbers = (
  numbers: readonly number[],
  tensorFirst: boolean,
) => { scale: number | readonly number[]; offset: number | readonly number[] } | undefined

interface Operation {
  readonly ofTensors?: 'Add' | 'Multiply' | 'Subtract' | 'Maximum' | 'Minimum'
  readonly ofNumbers?: OfNumbers
}

/** Arithmetic that a person wrote between layers: `x / 127.5 - 1`, `x + y`. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  add: { ofTensors: 'Add', ofNumbers: (n) => ({ scale: 1, offset: short(n) }) },
  multiply: { ofTensors: 'Multiply', ofNumbers: (n) => ({ scale: short(n), offset: 0 }) },
  subtract: {
    ofTensors: 'Subtract',
    ofNumbers: (n, tensorFirst) =>
      tensorFirst
        ? { scale: 1, offset: short(n.map((value) => -value)) }
        : { scale: -1, offset: short(n) },
  },
  divide: {
    ofNumbers: (n, tensorFirst) =>
      tensorFirst ? { scale: short(n.map((value) => 1 / value)), offset: 0 } : undefined,
  },
  maximum: { ofTensors: 'Maximum' },
  minimum: { ofTensors: 'Minimum' },
}

/** Keras 3's classes (keras/src/ops/numpy.py) and Keras 2's names of TensorFlow's functions. */
const NAMES: Readonly<Record<string, keyof typeof OPERATIONS>> = {
  Add: 'add',
  Subtract: 'subtract',
  Multiply: 'multiply',
  Divide: 'divide',
  Maximum: 'maximum',
  Minimum: 'minimum',
  TrueDivide: 'divide',
  '__operators__.add': 'add',
  '__operators__.sub': 'subtract',
  '__operators__.mul': 'multiply',
  '__operators__.truediv': 'divide',
  'math.add': 'add',
  'math.subtract': 'subtract',
  'math.multiply': 'multiply',
  'math.divide': 'divide',
  'math.truediv': 'divide',
  'math.maximum': 'maximum',
  'math.minimum': 'minimum',
}

/**
 * Whether a layer is no layer of Keras' but a function that was called on tensors. Keras 3's .h5 files write no module:
 * there a function has nothing in its config but a name.
 */
export function isOperation({ layer }: TopologyLayer): boolean {
  if (layer.class_name === 'TFOpLambda') return true
  if (layer.module) return layer.module.startsWith('keras.src.ops')
  const bare = Object.keys(layer.config).every((key) => key === 'name')
  return bare && Object.hasOwn(NAMES, layer.class_name)
}

/** What it is called in messages: `TFOpLambda math.multiply`. */
export function operationName({ layer }: TopologyLayer): string {
  const { function: name } = layer.config
  return typeof name === 'string' ? `${layer.class_name} ${name}` : layer.class_name
}

/** Undefined for a function that there is no layer for. */
export function operationFrom(
  { layer }: TopologyLayer,
  operands: Operands,
): KindConfig | undefined {
  const { function: given } = layer.config
  const name = NAMES[typeof given === 'string' ? given : layer.class_name]
  if (name === undefined || operands.length !== 2) return undefined
  const { ofTensors, ofNumbers } = OPERATIONS[name]!
  const numbers = operands.find((operand) => !('layer' in operand)) as readonly number[] | undefined
  if (!numbers) return ofTensors && { kind: ofTensors, config: {} }
  const config = ofNumbers?.(numbers, 'layer' in operands[0]!)
  return config && { kind: 'Rescaling', config }
}

function short(values: readonly number[]): number | readonly number[] {
  return values.length === 1 ? values[0]! : values
}
