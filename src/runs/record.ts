import { join } from 'node:path'
import type { Diagnostic } from '../util/diagnostic.ts'
import type { Digest } from '../util/digest.ts'
import { writeFileAtomic } from '../util/files.ts'
import { foldedJson, type Json } from '../util/json.ts'
import type { PhaseReport } from './phase-report.ts'

export type RunStatus = 'running' | 'done' | 'failed' | 'interrupted'
export type Figures = Readonly<Record<string, number>>

/** run.json: small, sorted, with stable numbers, so that two committed runs diff well. No path, user or machine name. */
export interface RunRecord {
  readonly format: 1
  readonly name: string
  readonly id: string
  readonly status: RunStatus
  /** Of the resolved pipeline without name, notes and tags: what makes two runs the same run. */
  readonly pipeline: Digest
  /** Git's id of the pipeline file's own text: `git log --find-object=ID` names the commits that have it. */
  readonly blob?: string | undefined
  /** As the file has them; marks.json has what was changed afterwards. */
  readonly tags?: readonly string[] | undefined
  readonly notes?: string | undefined
  readonly seed: number
  readonly engine: {
    readonly name: string
    readonly device: string
    readonly version: string
    readonly threads: number
    /** Absent: float32. */
    readonly precision?: 'mixed'
    /** Of webgpu: vendor, device and driver. */
    readonly adapter?: string
  } | null
  /** ISO 8601, UTC. */
  readonly started: string
  readonly seconds: number
  readonly stages: readonly StageRecord[]
  readonly epochs: readonly EpochRecord[]
  /** Split -> metric -> value. */
  readonly metrics: Readonly<Record<string, Figures>>
  /** Split -> pictures. */
  readonly pictures: Readonly<Record<string, number>>
  readonly classes: readonly string[]
  /** Of a run without training: pictures that have predictions, and those that could not be read. */
  readonly predicted?: { readonly pictures: number; readonly bad: number } | undefined
  /** What was frozen and kept; missing in runs of before. */
  readonly phases?: readonly PhaseReport[] | undefined
  /** Of the whole model, head included. */
  readonly parameters: { readonly total: number; readonly trainable: number }
  readonly warnings: readonly Diagnostic[]
  /** What a failed run failed with. */
  readonly problems?: readonly Diagnostic[] | undefined
  readonly environment: Readonly<Record<string, Json>>
}

export interface StageRecord {
  readonly id: string
  readonly kind: string
  readonly cached: boolean
  readonly seconds: number
  readonly fingerprint: Digest
  readonly digest: Digest
  readonly bytes: number
}

export interface EpochRecord {
  readonly epoch: number
  readonly phase: number
  readonly train: Figures
  readonly validation: Figures | undefined
  readonly seconds: number
}

/** Files of a run folder. */
export const RUN_FILES = {
  record: 'run.json',
  pipeline: 'pipeline.yaml',
  resolved: 'resolved.yaml',
  metrics: 'metrics.jsonl',
  predictions: 'predictions.jsonl',
  predictionTable: 'predictions.csv',
  index: 'index.jsonl',
  indexSummary: 'index.json',
  summary: 'summary.md',
  report: 'report.html',
  tensorboard: 'tensorboard',
  freeze: 'freeze.json',
  augmentation: 'augmentation.png',
  model: 'model',
  running: 'running.json',
  marks: 'marks.json',
  pins: 'pipeline.lock',
} as const

export async function writeRecord(folder: string, record: RunRecord): Promise<void> {
  await writeFileAtomic(join(folder, RUN_FILES.record), foldedJson(record as unknown as Json))
}
