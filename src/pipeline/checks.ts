import { checkAugmentation } from './check-augmentation.ts'
import type { Checked } from './check.ts'
import { checkBest, checkMonitors, checkPlateau } from './check-callbacks.ts'
import {
  checkClassWeight,
  checkHead,
  checkHeadIsThere,
  checkLoss,
  checkUnits,
} from './check-head.ts'
import { checkImageSize, checkPreprocessing, checkVariant } from './check-model.ts'
import { checkOptimizers } from './check-optimizer.ts'
import { checkEvaluation, checkFolders, checkSplits } from './check-splits.ts'

/** One check: it is left out where a key that it reads is already known to be wrong. */
interface Check {
  readonly reads: readonly string[]
  readonly run: (checked: Checked) => void
}

const CALLBACKS = ['training.earlyStopping', 'training.reduceLROnPlateau', 'training.checkpoint']

export const CHECKS: readonly Check[] = [
  { reads: ['head'], run: checkHeadIsThere },
  { reads: ['head', 'baseModel'], run: checkHead },
  { reads: ['head', 'loss'], run: checkLoss },
  { reads: ['head', 'loss', 'dataset.classes', 'dataset.splits'], run: checkUnits },
  { reads: ['training.classWeight', 'dataset.classes', 'dataset.splits'], run: checkClassWeight },
  { reads: ['augmentation', 'features', 'freeze', 'training'], run: checkAugmentation },
  { reads: ['baseModel', 'preprocessing'], run: checkPreprocessing },
  { reads: ['baseModel', 'dataset.imageSize'], run: checkImageSize },
  { reads: ['baseModel'], run: checkVariant },
  { reads: ['optimizer', 'training.phases'], run: checkOptimizers },
  { reads: [...CALLBACKS, 'dataset.splits'], run: checkMonitors },
  { reads: CALLBACKS, run: checkBest },
  { reads: [...CALLBACKS, 'training.phases', 'optimizer'], run: checkPlateau },
  { reads: ['dataset'], run: checkFolders },
  { reads: ['dataset'], run: checkSplits },
  { reads: ['dataset', 'evaluation'], run: checkEvaluation },
]
