import { Builder } from '../../program/builder.ts'
import { multiplyAddsOf } from '../../program/cost.ts'
import type { Shape, Tensor } from '../../program/program.ts'
import { failure } from '../../util/diagnostic.ts'
import type { LayerDefinition } from '../layers/definition.ts'
import { inline } from './inline.ts'
import type { SavedModelConfig } from './stored.ts'

/** What the layer of a SavedModel does with its function. */
export const savedModelLayer = {
  outputShape: (config, inputs) => {
    const output = traced(new Builder(), config, inputs)
    const [batch, ...shape] = output.shape
    if (batch !== 1) {
      const got = `[${output.shape.join(', ')}]`
      throw failure('BAD_WEIGHTS', `the SavedModel's output for one picture is ${got}, not one row`)
    }
    return shape
  },
  multiplyAdds: (config, inputs) => {
    const b = new Builder()
    traced(b, config, inputs)
    return multiplyAddsOf(b.nodes)
  },
  lower: ({ b, config, inputs, weight, training, assign, uniform }) => {
    if (!training) return inline(config.inference, { b, config, inputs, weight })
    if (!config.training) {
      throw failure('WRONG_VALUE', 'the SavedModel has no branch to be trained by', {
        hint: 'write freeze: all',
      })
    }
    return inline(config.training, { b, config, inputs, weight, assign, uniform })
  },
  penalty: ({ b, config, weight }) => {
    const losses = config.regularizers.map((loss) => {
      const value = inline(loss, { b, config, inputs: [], weight })
      return b.reshape(value, [])
    })
    return losses.length === 0 ? undefined : losses.reduce((sum, loss) => b.add(sum, loss))
  },
} as const satisfies Omit<LayerDefinition<'SavedModel'>, 'defaults' | 'weights'>

/** The function on one picture. */
function traced(b: Builder, config: SavedModelConfig, inputs: readonly Shape[]): Tensor {
  const shapes = new Map(config.weights.map((weight) => [weight.name, weight.shape]))
  return inline(config.inference, {
    b,
    config,
    inputs: inputs.map((shape, i) => b.input(`input ${i}`, [1, ...fitting(config, shape, i)])),
    weight: (name) => b.input(`weight ${name}`, known(shapes, name)),
  })
}

/** The shape as it is, where it is one that the module declares that it takes. */
function fitting({ inputs }: SavedModelConfig, shape: Shape, i: number): Shape {
  const declared = inputs[i]?.slice(1)
  const fits =
    !declared ||
    (declared.length === shape.length && declared.every((n, axis) => n < 0 || n === shape[axis]))
  if (fits) return shape
  const text = declared.map((n) => (n < 0 ? 'any' : n)).join(', ')
  throw failure(
    'WRONG_VALUE',
    `the SavedModel takes pictures of [${text}], got [${shape.join(', ')}]`,
    {
      hint:
        declared.length === 3 && declared[0]! > 0 ? `set imageSize to ${declared[0]}` : undefined,
    },
  )
}

function known(shapes: ReadonlyMap<string, Shape>, name: string): Shape {
  const shape = shapes.get(name)
  if (!shape) throw failure('BAD_WEIGHTS', `the SavedModel has no variable ${name}`)
  return shape
}
