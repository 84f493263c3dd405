import { existsSync } from 'node:fs'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Event } from '../graph/event.ts'
import type { Artifact } from '../graph/stage.ts'
import { readIndex, SUMMARY_FILE } from '../data/index-table.ts'
import { EVALUATION_FILES, type EvaluationFile } from '../stages/evaluate.ts'
import { SHEET_FILE } from '../stages/augmentation-sheet.ts'
import { readFrozen } from '../stages/frozen-check.ts'
import { HISTORY_FILE } from '../stages/history.ts'
import { buildModel } from '../models/base-model.ts'
import { storedText, storeGraph } from '../models/stored-graph.ts'
import { ARCHITECTURE_FILE } from '../stages/model-choice.ts'
import { MODEL_FILE } from '../stages/weight-files.ts'
import { splitsOf } from '../pipeline/stages.ts'
import { pin, pinned } from '../data/sources/pins.ts'
import { sourceOf, type DownloadHints, type DownloadParams } from '../stages/download.ts'
import type { Diagnostic } from '../util/diagnostic.ts'
import type { Digest } from '../util/digest.ts'
import { appendLine, diskError, writeFileAtomic } from '../util/files.ts'
import { stableJson, type Json } from '../util/json.ts'
import { stableSeconds } from '../util/figures.ts'
import { anonymous, anonymousDiagnostic } from './anonymous.ts'
import { confusionSvg } from './confusion.ts'
import { environment } from './environment.ts'
import { makeRunFolder, takeRunFolder } from './layout.ts'
import { keepMark, removeMark } from './mark.ts'
import { modelDescription, parameterCounts } from './model.ts'
import { freezeJson, phaseReports, type PhaseReport } from './phase-report.ts'
import { placesFrom } from './places.ts'
import { writePredictions } from './predict-out.ts'
import type { AnyPrepared, Prepared } from './prepare.ts'
import { withoutPrivate } from './public-text.ts'
import { resolvedYaml } from './resolved.ts'
import {
  RUN_FILES,
  writeRecord,
  type EpochRecord,
  type RunRecord,
  type StageRecord,
} from './record.ts'
import type { StoredRun } from './read.ts'
import type { RunOptions } from './run.ts'
import { summaryMarkdown } from './summary.ts'
import { openBoard } from './tensorboard/board.ts'

/** Writes a run folder while its stages run: events go in as they come, the rest at the end. */
export interface Recorder {
  readonly folder: string
  event(event: Event): void
  /** The pipeline with the stages that only became known while it ran. */
  settled(prepared: Prepared): void
  /** `settled`: the pipeline as the number of its pictures has settled it. */
  finish(artifacts: ReadonlyMap<string, Artifact>, settled: Prepared): Promise<RunRecord>
  /** The same of a run without training: what its one stage has come to. */
  finishPrediction(artifact: Artifact): Promise<RunRecord>
  /** `problems`: what the run failed with. */
  abandon(status: 'failed' | 'interrupted', problems?: readonly Diagnostic[]): Promise<void>
}

export async function openRecorder(
  prepared: AnyPrepared,
  options: Pick<RunOptions, 'runs' | 'cwd' | 'store' | 'restart' | 'tensorboard'>,
  unfinished: StoredRun | undefined,
): Promise<Recorder> {
  const started = new Date()
  const began = performance.now()
  const made = await environment(options.cwd)
  const { id, folder } = await openFolder(prepared, options.runs, started, unfinished)
  const stages = new Map<string, StageRecord>()
  const epochs = new Map<number, EpochRecord>()
  const warnings: Diagnostic[] = [...prepared.warnings]
  const base: RunRecord = {
    format: 1,
    name: prepared.name,
    id,
    status: 'running',
    pipeline: prepared.digest,
    blob: prepared.blob,
    ...(prepared.tags.length > 0 ? { tags: prepared.tags } : {}),
    ...(prepared.notes === undefined ? {} : { notes: withoutPrivate(prepared.notes) }),
    seed: prepared.seed,
    engine: { ...prepared.engine },
    started: unfinished?.record.started ?? `${started.toISOString().slice(0, 19)}Z`,
    seconds: 0,
    stages: [],
    epochs: [],
    metrics: {},
    pictures: {},
    classes: [],
    parameters: { total: 0, trainable: 0 },
    warnings: [],
    environment: made,
  }
  const stopMark = keepMark(folder)
  const isTrained = 'pipeline' in prepared
  const board = options.tensorboard && isTrained ? await openBoard(folder, options) : undefined
  await writeFileAtomic(join(folder, RUN_FILES.pipeline), prepared.text)
  await writeFileAtomic(join(folder, RUN_FILES.resolved), resolvedYaml(prepared, folder))
  await rm(join(folder, RUN_FILES.metrics), { force: true })
  await writeRecord(folder, base)
  const ended = async (record: RunRecord): Promise<void> => {
    await writeRecord(folder, record)
    stopMark()
    await removeMark(folder)
  }
  const without = anonymous(options.store, options.cwd)
  /** Lines of metrics.jsonl are appended in the order of their epochs, one after the other. */
  let lines: Promise<void> = Promise.resolve()

  let latest: Pick<AnyPrepared, 'stages'> = prepared
  const soFar = (status: RunRecord['status']): RunRecord => ({
    ...base,
    status,
    seconds: stableSeconds((performance.now() - began) / 1000),
    stages: latest.stages.flatMap(({ id: stage }) => stages.get(stage) ?? []),
    epochs: [...epochs.values()],
    warnings: warnings.map((warning) => anonymousDiagnostic(warning, without)),
  })
  return {
    folder,
    settled: (prepared) => {
      latest = prepared
    },
    event: (event) => {
      if (event.type === 'stageDone') {
        const { stage, cached, fingerprint, digest, bytes } = event
        const kind = latest.stages.find(({ id }) => id === stage)?.kind ?? stage
        const took = stableSeconds(event.seconds)
        stages.set(stage, { id: stage, kind, cached, seconds: took, fingerprint, digest, bytes })
      }
      if (event.type === 'warning') warnings.push(event.diagnostic)
      if (event.type === 'epochDone') {
        const { epoch, phase, train, validation } = event
        const figures = { epoch, phase, train, ...(validation ? { validation } : {}) }
        epochs.set(epoch, { ...figures, seconds: stableSeconds(event.seconds) } as EpochRecord)
        const line = JSON.stringify(figures)
        lines = lines.then(async () => {
          await appendLine(join(folder, RUN_FILES.metrics), line)
          await board?.epoch(figures)
        })
      }
    },
    finish: async (artifacts, settled) => {
      await lines
      latest = settled
      const history = await writeHistory(folder, trained(settled, artifacts), epochs)
      // Those of a training that was there already.
      for (const epoch of history) await board?.epoch(epoch)
      const evaluated = await writeEvaluations(folder, settled, artifacts)
      const { path: indexed } = artifacts.get('index')!
      const index = await readIndex(indexed)
      await copyFile(join(indexed, 'index.jsonl'), join(folder, RUN_FILES.index))
      await copyFile(join(indexed, SUMMARY_FILE), join(folder, RUN_FILES.indexSummary))
      // A cached trunk that nothing had to read has no artifact here, but its digest is known all the same.
      const trunk = stages.get('weights')?.digest
      await writePins(folder, settled)
      await writeAugmentation(folder, artifacts)
      await writeModel(folder, settled, artifacts, { trunk, classes: index.classes })
      const record: RunRecord = {
        ...soFar('done'),
        epochs: history,
        metrics: evaluated,
        pictures: Object.fromEntries(
          splitsOf(settled.pipeline).map((split) => [split, index.split(split).length]),
        ),
        classes: index.classes,
        phases: await writeFreeze(folder, settled, artifacts, index.classes.length),
        parameters: parameterCounts(settled, index.classes.length),
      }
      await writeFileAtomic(join(folder, RUN_FILES.summary), summaryMarkdown(record))
      await ended(record)
      return record
    },
    finishPrediction: async (artifact) => {
      await writePins(folder, prepared)
      const made = await writePredictions(folder, artifact)
      const record: RunRecord = { ...soFar('done'), ...made }
      await writeFileAtomic(join(folder, RUN_FILES.summary), summaryMarkdown(record))
      await ended(record)
      return record
    },
    abandon: async (status, problems = []) => {
      await lines.catch(() => undefined)
      const told = problems.map((problem) => anonymousDiagnostic(problem, without))
      await ended({ ...soFar(status), ...(told.length > 0 ? { problems: told } : {}) })
    },
  }
}

/** A new folder, or the unfinished run's. */
async function openFolder(
  prepared: AnyPrepared,
  runs: string,
  started: Date,
  unfinished: StoredRun | undefined,
): Promise<{ id: string; folder: string }> {
  if (!unfinished) return makeRunFolder(runs, prepared.name, started, prepared.digest)
  await takeRunFolder(unfinished.folder)
  return { id: unfinished.record.id, folder: unfinished.folder }
}

/** metrics.jsonl as the train artifact has it, whether it was trained now or before; `seen` knows how long what was trained now took. */
async function writeHistory(
  folder: string,
  train: Artifact | undefined,
  seen: ReadonlyMap<number, EpochRecord>,
): Promise<EpochRecord[]> {
  if (!train) return []
  const text = await readFile(join(train.path, HISTORY_FILE), 'utf8')
  await writeFileAtomic(join(folder, RUN_FILES.metrics), text)
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const epoch = JSON.parse(line) as Omit<EpochRecord, 'seconds'>
      return { ...epoch, seconds: seen.get(epoch.epoch)?.seconds ?? 0 }
    })
}

/** freeze.json, and what the record says of each phase. */
async function writeFreeze(
  folder: string,
  settled: Prepared,
  artifacts: ReadonlyMap<string, Artifact>,
  classes: number,
): Promise<PhaseReport[]> {
  await write(join(folder, RUN_FILES.freeze), freezeJson(settled, classes))
  return Promise.all(
    phaseReports(settled).map(async (report) => {
      const unchanged = await readFrozen(artifacts.get(report.stage)!.path)
      return unchanged.tensors > 0 ? { ...report, unchanged } : report
    }),
  )
}

/** What augmentation does to the pictures, of the first stage that shows it. */
async function writeAugmentation(folder: string, artifacts: ReadonlyMap<string, Artifact>) {
  for (const { path } of artifacts.values()) {
    const sheet = join(path, SHEET_FILE)
    if (!existsSync(sheet)) continue
    await copyFile(sheet, join(folder, RUN_FILES.augmentation))
    return
  }
}

/** What the last phase made. */
function trained({ stages }: Prepared, artifacts: ReadonlyMap<string, Artifact>) {
  return artifacts.get(stages.findLast(({ kind }) => kind === 'train')!.id)
}

async function writeEvaluations(
  folder: string,
  { pipeline }: Prepared,
  artifacts: ReadonlyMap<string, Artifact>,
): Promise<RunRecord['metrics']> {
  const metrics: Record<string, Record<string, number>> = {}
  const predictions: Buffer[] = []
  for (const split of pipeline.evaluation.on) {
    const { path } = artifacts.get(`evaluate:${split}`)!
    const text = await readFile(join(path, EVALUATION_FILES.metrics), 'utf8')
    const { figures, confusion, classes } = JSON.parse(text) as EvaluationFile
    metrics[split] = figures
    const title = `${pipeline.name}: ${split}`
    await write(join(folder, `confusion-${split}.svg`), confusionSvg(confusion, classes, title))
    await write(join(folder, `evaluation-${split}.json`), text)
    if (pipeline.evaluation.predictions) {
      predictions.push(await readFile(join(path, EVALUATION_FILES.predictions)))
    }
  }
  if (predictions.length > 0) {
    await write(join(folder, RUN_FILES.predictions), Buffer.concat(predictions))
  }
  return metrics
}

/** Digests that the lock file beside the pipeline pins: resolved.yaml then fetches the same bytes, or says that it cannot. */
async function writePins(folder: string, { stages }: Pick<AnyPrepared, 'stages'>): Promise<void> {
  await rm(join(folder, RUN_FILES.pins), { force: true })
  for (const { hints, params } of stages.filter(({ kind }) => kind === 'download')) {
    const { lock } = (hints ?? {}) as DownloadHints
    const source = sourceOf(params as unknown as DownloadParams)
    const digest = lock === undefined ? undefined : await pinned(lock, source)
    if (digest === undefined) continue
    const { url } = placesFrom(folder)
    const named = 'url' in source ? { url: url(source.url) } : source
    await pin(join(folder, RUN_FILES.pins), named, digest)
  }
}

async function writeModel(
  folder: string,
  prepared: Prepared,
  artifacts: ReadonlyMap<string, Artifact>,
  { trunk, classes }: { trunk: Digest | undefined; classes: readonly string[] },
): Promise<void> {
  const model = join(folder, RUN_FILES.model)
  try {
    await mkdir(model, { recursive: true })
    await copyFile(join(trained(prepared, artifacts)!.path, MODEL_FILE), join(model, MODEL_FILE))
  } catch (error) {
    throw diskError(error, model)
  }
  const description = modelDescription(prepared, trunk, classes)
  await write(join(model, 'model.json'), stableJson(description as unknown as Json))
  // A trunk without a name is nowhere else than in the file that brought it.
  if (prepared.model && 'stored' in prepared.model) {
    const trunk = storeGraph(buildModel(prepared.model))
    await write(join(model, ARCHITECTURE_FILE), storedText(trunk))
  }
}

async function write(path: string, data: string | Buffer): Promise<void> {
  try {
    await writeFile(path, data)
  } catch (error) {
    throw diskError(error, path)
  }
}
