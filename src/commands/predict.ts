import { findImages, someImages } from '../data/find-images.ts'
import { chooseEngine, type ChosenEngine } from '../engines/choose.ts'
import type { EngineName } from '../engines/engine.ts'
import { ENGINES } from '../engines/table.ts'
import type { Event } from '../graph/event.ts'
import { storeRoot } from '../graph/store-root.ts'
import { openStore, type Store } from '../graph/store.ts'
import { BASE_MODELS } from '../models/catalogue.ts'
import { publishedWeights } from '../models/published.ts'
import type { Classifier } from '../prediction/classifier.ts'
import { predictPictures } from '../prediction/predict-pictures.ts'
import { findRun, runsRoot, type StoredRun } from '../runs/read.ts'
import { TRUNK_BATCH } from '../stages/trunk-batch.ts'
import { namingBatches } from '../stages/memory.ts'
import { failure, PipelineError } from '../util/diagnostic.ts'
import { didYouMean } from '../util/suggest.ts'
import type { CommandContext, CommandRun } from './command.ts'
import { formatOf } from './plan.ts'
import { predictionTable } from './screen/predictions.ts'
import { openPrinter, type Printer } from './screen/printer.ts'
import { tableWidth } from './table-text.ts'

export interface PredictFlags {
  readonly top?: string
  readonly engine?: string
  readonly batch?: string
  readonly offline?: boolean
  readonly verbose?: boolean
  readonly store?: string
  readonly runs?: string
  readonly json?: boolean
  readonly md?: boolean
  readonly csv?: boolean
}

/** `pipeline predict RUN|MODEL IMAGE…`: the most probable classes of pictures. Exits with 1 where a picture is bad. */
export const run: CommandRun = async ([reference, ...paths], options, context) => {
  const flags: PredictFlags = options
  const { stdout, cwd } = context
  const top = countOf('--top', flags.top, 5)
  const batch = flags.batch === undefined ? undefined : countOf('--batch', flags.batch, 1)
  const chosen = choose(String(reference), flags, context)
  const images = findImages(paths, cwd)
  someImages(images)
  const engine = await openingEngine(flags, context)
  const printer = await openPrinter('auto', context.stderr, context.env)
  try {
    const classifier = await loadClassifier(chosen, engine, flags, context, printer)
    const result = await predict(classifier, engine, {
      images: images.images,
      top,
      batch: batch ?? TRUNK_BATCH[engine.info.name],
      signal: context.signal,
      printer,
    })
    printer.close()
    const bad = [...images.problems, ...result.bad]
    context.report(bad)
    const { predictions } = result
    const format = formatOf(flags)
    if (flags.json) stdout.write(`${JSON.stringify(predictions, null, 2)}\n`)
    else if (predictions.length > 0 || format !== 'text') {
      stdout.write(predictionTable(predictions, format, tableWidth(stdout)))
    }
    return bad.length > 0 ? 1 : 0
  } finally {
    printer.close()
  }
}

type Chosen = { readonly model: string } | { readonly run: StoredRun }

/** A name of the catalogue, or a run. Throws UNKNOWN_RUN with what there is of both. */
function choose(reference: string, { runs }: PredictFlags, { env, cwd }: CommandContext): Chosen {
  const names = BASE_MODELS.map(({ name }) => name)
  if (names.includes(reference)) {
    if (publishedWeights({ name: reference, includeTop: true })) return { model: reference }
    const hint = 'with a file of your own, in a pipeline: baseModel.weights beside prediction'
    throw failure('WRONG_VALUE', `no ImageNet weights of ${reference} are published`, { hint })
  }
  try {
    return { run: findRun(reference, runsRoot(runs, env, cwd), cwd) }
  } catch (error) {
    const [first] = error instanceof PipelineError ? error.diagnostics : []
    if (!first?.message.startsWith('no run ')) throw error
    const hint = didYouMean(reference, names) ?? `${first.hint}; \`pipeline models\` lists models`
    throw failure('UNKNOWN_RUN', `no run and no model ${reference}`, { hint, cause: error })
  }
}

async function openingEngine(
  { engine = 'auto', verbose }: PredictFlags,
  { report }: CommandContext,
): Promise<ChosenEngine> {
  const names = ['auto', ...ENGINES.map(({ name }) => name)]
  if (!names.includes(engine)) {
    throw failure('USAGE', `--engine takes ${names.join(', ')}, got "${engine}"`, {
      hint: didYouMean(engine, names),
    })
  }
  return chooseEngine(
    { name: engine as 'auto' | EngineName },
    { verbose: verbose ?? false, note: (diagnostic) => report([diagnostic]) },
  )
}

async function loadClassifier(
  chosen: Chosen,
  { info }: ChosenEngine,
  { store: folder, offline = false }: PredictFlags,
  { env, cwd, signal }: CommandContext,
  printer: Printer,
): Promise<Classifier> {
  const store: Store = await openStore(storeRoot(env, folder, cwd))
  const { namedClassifier, runClassifier } = await import('../runs/classifier.ts')
  try {
    if ('run' in chosen) return await runClassifier(chosen.run, store)
    const emit = (event: Event): void => {
      if (event.type !== 'stageDone' || !event.cached) printer.event(event)
    }
    return await namedClassifier(chosen.model, store, { signal, emit, offline, engine: info })
  } finally {
    store.close()
  }
}

async function predict(
  classifier: Classifier,
  { open }: ChosenEngine,
  {
    printer,
    ...options
  }: Omit<Parameters<typeof predictPictures>[2], 'onProgress'> & { readonly printer: Printer },
) {
  const engine = await open()
  const stage = 'predict'
  printer.event({ type: 'stageStarted', stage, kind: stage })
  const use = { batch: options.batch, key: '--batch', hint: 'lower --batch' }
  const onProgress = (done: number, total: number) =>
    printer.event({ type: 'stageProgress', stage, done, total, unit: 'pictures' })
  try {
    return await namingBatches(use, () =>
      predictPictures(engine, classifier, { ...options, onProgress }),
    )
  } finally {
    await engine.close()
  }
}

function countOf(flag: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1) return count
  throw failure('USAGE', `${flag} takes a whole number from 1, got "${text}"`)
}
