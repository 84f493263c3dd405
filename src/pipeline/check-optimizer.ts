import type { Schedule } from '../training/schedules.ts'
import type { Checked } from './check.ts'
import type { Optimizer } from './pipeline.ts'
import type { Path } from './tree.ts'

/** The file's optimizer and those that phases write themselves, each with its place. */
function optimizersOf({ pipeline, isWritten }: Checked): { optimizer: Optimizer; place: Path }[] {
  const ofPhases = (pipeline.training?.phases ?? []).flatMap(({ optimizer }, i) => {
    const place = ['training', 'phases', i, 'optimizer']
    return isWritten(place) ? [{ optimizer, place }] : []
  })
  return [{ optimizer: pipeline.optimizer, place: ['optimizer'] }, ...ofPhases]
}

/** What the arguments of each optimizer say together. */
export function checkOptimizers(checked: Checked): void {
  for (const { optimizer, place } of optimizersOf(checked)) {
    checkClips(optimizer, place, checked)
    checkSchedule(optimizer, place, checked)
    checkEma(optimizer, place, checked)
  }
}

/** Keras takes one of the three ways to clip gradients. */
function checkClips(optimizer: Optimizer, place: Path, { report }: Checked): void {
  const clips = (['clipnorm', 'clipvalue', 'globalClipnorm'] as const).filter((key) => {
    return optimizer[key] !== undefined
  })
  if (clips.length < 2) return
  const message = `optimizer has ${clips.join(' and ')}, which exclude each other`
  report('CONFLICT', [...place, clips[1]!], message, { hint: 'keep one of them' })
}

/** What the values of a schedule say together. */
function checkSchedule(
  { learningRate }: Optimizer,
  place: Path,
  { isWritten, report }: Checked,
): void {
  if (typeof learningRate === 'number') return
  const path = [...place, 'learningRate']
  if (learningRate.name === 'PiecewiseConstantDecay') checkPieces(learningRate, path, report)
  if (learningRate.name === 'CosineDecay' && learningRate.warmupTarget !== undefined) {
    if (learningRate.warmupSteps) return
    report('WRONG_VALUE', [...path, 'warmupTarget'], 'a warmupTarget needs warmupSteps', {
      hint: 'for instance warmupSteps: 100, or take warmupTarget out',
    })
  }
  if (learningRate.name === 'PolynomialDecay') {
    const { initialLearningRate: first, endLearningRate: last = 0 } = learningRate
    if (last <= first) return
    const end = [...path, 'endLearningRate']
    const at = isWritten(end) ? end : path
    report('NOTE', at, `the learning rate rises from ${first} to endLearningRate ${last}`, {
      hint: 'write a smaller endLearningRate if it should fall',
      severity: 'warning',
    })
  }
}

/** What says how the average of the weights moves, where none is kept. */
function checkEma(optimizer: Optimizer, place: Path, { report }: Checked): void {
  if (optimizer.useEma) return
  for (const argument of ['emaMomentum', 'emaOverwriteFrequency'] as const) {
    if (optimizer[argument] === undefined) continue
    const message = `${argument} does nothing without useEma: true`
    report('NOTE', [...place, argument], message, {
      hint: `write useEma: true, or take ${argument} out`,
      severity: 'warning',
    })
  }
}

type Pieces = Extract<Schedule, { name: 'PiecewiseConstantDecay' }>

function checkPieces({ boundaries, values }: Pieces, path: Path, report: Checked['report']): void {
  for (const [i, boundary] of boundaries.entries()) {
    const before = boundaries[i - 1]
    if (before === undefined || before < boundary) continue
    const message = `boundaries must rise: ${boundary} comes after ${before}`
    report('WRONG_VALUE', [...path, 'boundaries', i], message)
  }
  const wanted = boundaries.length + 1
  if (values.length === wanted) return
  report(
    'WRONG_VALUE',
    [...path, 'values'],
    `values must be one more than boundaries: ${wanted}, got ${values.length}`,
    { hint: 'the first holds up to the first boundary, the last behind the last one' },
  )
}
