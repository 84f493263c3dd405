import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Artifact, StageContext } from '../graph/stage.ts'
import { drawnFromBank, openAugmented } from '../training/augmented-source.ts'
import { planEpoch } from '../training/batches.ts'
import type { ExampleSource } from '../training/example-source.ts'
import type { LabelledSplit } from '../training/labelled-split.ts'
import { SHEET_FILE, writeSheet } from './augmentation-sheet.ts'
import { exampleFiles } from './examples.ts'
import { openExamples, openSplit, withLabels } from './labelled-split.ts'
import type { TrainParams } from './train.ts'

/** What a training reads. */
export interface TrainData {
  readonly train: LabelledSplit
  readonly validation: LabelledSplit | undefined
  /** Only where a callback watches it. */
  readonly test: LabelledSplit | undefined
  readonly classes: readonly string[]
  close(): Promise<void>
}

/** Needs `train` and `labels`; where they are, `validation` with `validationLabels` and `test` with `testLabels`. */
export async function openData(context: StageContext): Promise<TrainData> {
  const { inputs, params } = context
  const { scoredEnds } = params as unknown as TrainParams
  const opened: LabelledSplit[] = []
  const close = async (): Promise<void> => {
    for (const { source } of opened) await source.close()
  }
  const scored = async (split: 'validation' | 'test', examples: Artifact | undefined) => {
    if (!examples) return undefined
    const data = await openSplit(
      inputs[`${split}Labels`]!,
      exampleFiles(examples, scoredEnds),
      split,
    )
    opened.push(data)
    return data
  }
  try {
    const train = await withLabels(inputs['labels']!, await openTraining(context), 'train')
    opened.push(train)
    const validation = await scored('validation', inputs['validation'])
    const test = await scored('test', inputs['test'])
    return { train, validation, test, classes: train.classes, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function openTraining({ inputs, params, stage }: StageContext): Promise<ExampleSource> {
  const { ends, augmentation, bank } = params as unknown as TrainParams
  const examples = inputs['train']!
  const seed = stage.seed ?? 0
  if (augmentation) return openAugmented({ path: join(examples.path, 'train'), augmentation, seed })
  const source = await openExamples(exampleFiles(examples, ends), 'train')
  return bank === undefined ? source : drawnFromBank(source, bank, seed)
}

/** A sheet of the first batch as the model sees it, or of a bank's first variants, where pictures are augmented. */
export async function showDraws(
  { inputs, out, params, stage }: StageContext,
  { train }: TrainData,
): Promise<void> {
  const settings = params as unknown as TrainParams
  const { augmentation, bank, firstEpoch: epoch } = settings
  const { path } = inputs['train']!
  if (bank !== undefined) await copyFile(join(path, SHEET_FILE), join(out, SHEET_FILE))
  if (!augmentation) return
  const seed = stage.seed ?? 0
  const { order, batches } = planEpoch(train.source.pictures, { ...settings, seed, epoch })
  const rows = [...order.subarray(...batches[0]!)].map((row) => ({ row, picture: row }))
  await writeSheet(out, join(path, 'train'), train.source, rows, epoch)
}
