import { GLOROT, trainable, ZEROS, type LayerDefinition } from './definition.ts'

/** Along the last axis; an image keeps its rows and columns, as in Keras. */
export const dense = {
  defaults: {
    activation: 'linear',
    useBias: true,
    kernelInitializer: GLOROT,
    biasInitializer: ZEROS,
    kernelRegularizer: undefined,
  },
  outputShape: ({ units }, [input]) => [...input!.slice(0, -1), units],
  weights: ({ units, useBias, kernelInitializer, biasInitializer }, [input]) => [
    trainable('kernel', [input!.at(-1)!, units], kernelInitializer),
    ...(useBias ? [trainable('bias', [units], biasInitializer)] : []),
  ],
  foldsInto: 'kernel',
  lower: ({ b, config, inputs, weight, bias, activate }) => {
    const x = inputs[0]!
    const features = x.shape.at(-1)!
    const rows = x.shape.slice(0, -1)
    const flat = b.reshape(x, [rows.reduce((n, m) => n * m, 1), features])
    const product = b.reshape(b.matMul(flat, weight('kernel')), [...rows, config.units])
    const offset = bias()
    return activate(config.activation, offset ? b.biasAdd(product, offset) : product)
  },
} as const satisfies LayerDefinition<'Dense'>
