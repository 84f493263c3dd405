import { describe, test } from 'node:test'

import type { Engine } from '../../../src/engines/engine.ts'
import { GraphBuilder, layerGraph } from '../../../src/models/graph-builder.ts'
import { addHead, headLayers } from '../../../src/models/head.ts'
import type { WeightMap } from '../../../src/models/layer-graph.ts'
import { fit } from '../../../src/training/fit.ts'
import type { WholeModel } from '../../../src/training/model.ts'
import { evaluateSplit } from '../../../src/training/score.ts'
import { trainingProgram } from '../../../src/training/training-program.ts'
import { featureName } from '../../../src/training/trunk.ts'
import { assertClose } from '../../support/compare.ts'
import { floats, readGolden, type Packed } from '../../support/golden.ts'
import { fitOptions, type KerasFit } from '../../support/keras-fit.ts'

type Regularizer = { readonly l1?: number; readonly l2?: number } | null

interface Golden extends KerasFit {
  readonly learningRate: number
  readonly runs: readonly {
    readonly kernelRegularizers: readonly [Regularizer, Regularizer]
    readonly classWeights: readonly number[]
    /** Of each epoch. */
    readonly losses: readonly number[]
    readonly validationLosses: readonly number[]
    /** The loss on the validation at the end. */
    readonly evaluated: number
    readonly weights: readonly Packed[]
  }[]
}

const TRUNK = 'global_average_pooling2d'
const NAMES = ['dense/kernel', 'dense/bias', 'dense_1/kernel', 'dense_1/bias']

/** The program and loop of training with regularizers against Keras 3's fit (goldens: test/golden/regularizers.py). */
export function regularizerContract(engine: () => Engine): void {
  const golden = readGolden<Golden>('regularizers')
  const weights = weightsOf(golden.start)
  describe('regularizers', () => {
    for (const run of golden.runs) {
      test(JSON.stringify(run.kernelRegularizers), async () => {
        const model = modelOf(golden, run.kernelRegularizers)
        const options = fitOptions(golden, featureName(TRUNK))
        const { validation, signal } = options
        const { inputs, pictures } = validation.source
        const start = { inputs, preprocessing: { mode: 'none' } } as const
        const loss = { name: 'SparseCategoricalCrossentropy' } as const
        const optimizer = { name: 'SGD', learningRate: golden.learningRate } as const
        const { program, shape } = trainingProgram({
          model,
          loss,
          weights,
          train: { start, optimizer, batches: [golden.batchSize, 12] },
          infer: { start, batch: pictures },
        })
        const training = await engine().compile(program)
        const { history, end } = await fit({
          ...options,
          session: training,
          shape,
          optimizer,
          lastEpoch: run.losses.length,
          classWeights: Float32Array.from(run.classWeights),
        })
        const losses = history.map(({ train }) => train['loss']!)
        const validationLosses = history.map(({ validation }) => validation!['loss']!)
        assertClose(losses, run.losses, 1e-5, 'losses')
        assertClose(validationLosses, run.validationLosses, 1e-5, 'losses on the validation')
        for (const [i, name] of NAMES.entries()) {
          assertClose(end.variables.get(name), floats(run.weights[i]!), 1e-5, name)
        }
        await training.close()

        const infer = { start, batch: 5 }
        const scoring = trainingProgram({ model, loss, weights: end.variables, infer })
        const scored = await engine().compile(scoring.program)
        const scores = { session: scored, shape: scoring.shape, signal }
        const tally = await evaluateSplit(scores, validation, ['loss'])
        assertClose([tally.figures().loss!], [run.evaluated], 1e-5, 'evaluated')
        await scored.close()
      })
    }
  })
}

/** Two Dense layers on kept features. */
function modelOf(
  { x, start }: Golden,
  [first, second]: readonly [Regularizer, Regularizer],
): WholeModel {
  const g = new GraphBuilder()
  const input = g.input([1, 1, x.shape[1]!])
  const trunk = layerGraph('trunk', input, g.layer('GlobalAveragePooling2D', input, {}, TRUNK))
  const dense = (units: number, activation: 'relu' | 'softmax', kernelRegularizer: Regularizer) =>
    ({ Dense: { units, activation, ...(kernelRegularizer ? { kernelRegularizer } : {}) } }) as const
  const head = [
    dense(start[1]!.shape[0]!, 'relu', first),
    dense(start[3]!.shape[0]!, 'softmax', second),
  ]
  const graph = addHead(trunk, head, 0)
  const frozen = new Set(trunk.layers.map(({ name }) => name))
  return { graph, trunk, frozen, trained: headLayers(graph, trunk) }
}

function weightsOf(packed: readonly Packed[]): WeightMap {
  return new Map(NAMES.map((name, i) => [name, floats(packed[i]!)]))
}
