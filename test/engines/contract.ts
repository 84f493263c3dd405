import { after, before, describe } from 'node:test'

import type { Engine } from '../../src/engines/engine.ts'
import { emaContract } from './contract/ema.ts'
import { convolutionalContract } from './contract/convolutional.ts'
import { failureContract } from './contract/failures.ts'
import { fusionContract } from './contract/fusion.ts'
import { opContract } from './contract/ops.ts'
import { optimizerContract } from './contract/optimizers.ts'
import { regularizerContract } from './contract/regularizers.ts'
import { runContract } from './contract/runs.ts'
import { trainingContract } from './contract/training.ts'
import { variableContract } from './contract/variables.ts'
import { windowContract } from './contract/windows.ts'

/**
 * What every engine must do, one suite for all: each engine's test file calls this with a function that opens it.
 * The engine is opened once, before the first test, and closed after the last.
 */
export function contractSuite(name: string, open: () => Promise<Engine>): void {
  describe(`contract of ${name}`, () => {
    let engine: Engine | undefined
    before(async () => {
      engine = await open()
    })
    after(() => engine?.close())
    const opened = (): Engine => engine!

    opContract(opened)
    windowContract(opened)
    fusionContract(opened)
    variableContract(opened)
    optimizerContract(opened)
    emaContract(opened)
    regularizerContract(opened)
    trainingContract(opened)
    convolutionalContract(opened)
    runContract(opened)
    failureContract(opened)
  })
}
