import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { indexWarnings, SUMMARY_FILE, type IndexSummary } from '../data/index-table.ts'
import type { Event } from '../graph/event.ts'
import { isForced } from '../graph/plan.ts'
import type { Artifact, Stage } from '../graph/stage.ts'
import { readArchitecture } from '../stages/model-choice.ts'
import { PipelineError, type Diagnostic } from '../util/diagnostic.ts'
import type { Digest } from '../util/digest.ts'
import { phaseReports } from './phase-report.ts'
import { freezeText } from './phase-text.ts'
import type { Prepared } from './prepare.ts'
import type { Recorder } from './recorder.ts'
import type { RunOptions, Workshop } from './run.ts'
import { budgetNotes, picturesOf } from './settle.ts'

/**
 * Executes the stages of a pipeline. As soon as the pictures are indexed it is looked whether their classes fit the head and
 * their features the budget: if they do not fit the head it fails, before a trunk runs for an hour; if features do not fit, it
 * starts over with other stages, the index at hand. Throws what `execute` and `withPictures` do.
 */
export async function carryOut(
  prepared: Prepared,
  { store, kinds }: Workshop,
  options: RunOptions,
  recorder: Recorder,
): Promise<{ readonly prepared: Prepared; readonly artifacts: ReadonlyMap<string, Artifact> }> {
  const { execute } = await import('../graph/execute.ts')
  const { signal, jobs, restart } = options
  /** What stages have told that they came to: a second execution does not say it again. */
  const told = new Map<string, Digest>()
  let settled = prepared
  let grown = false
  const emit = (event: Event): void => {
    recorder.event(event)
    options.emit(event)
  }
  const note = () => {
    for (const message of budgetNotes(settled)) emit({ type: 'note', message })
  }
  note()
  for (let first = true; ; first = false) {
    const misfit = new AbortController()
    const stop = (reason: unknown) => misfit.abort(reason)
    const hear = (event: Event): void => {
      if (event.type === 'planStarted' && !first && !grown) return
      if (event.type === 'stageDone') {
        if (event.cached && told.get(event.stage) === event.digest) return
        told.set(event.stage, event.digest)
      }
      emit(event)
      if (event.type === 'stageStarted') {
        const message = trainingNote(settled, event.stage)
        if (message !== undefined) emit({ type: 'note', stage: event.stage, message })
      }
      if (event.type !== 'stageDone' || event.stage !== 'index') return
      const index = store.pathOf(event.digest)
      // The stage itself has told them where it was computed now.
      for (const diagnostic of event.cached ? warningsOf(index) : []) {
        emit({ type: 'warning', stage: event.stage, diagnostic })
      }
      try {
        const problems = prepared.classProblems(classesOf(index))
        if (problems.length > 0) throw new PipelineError(problems)
        const before = settled.stages
        settled = settled.withPictures(picturesOf(index))
        if (settled.stages !== before) stop(SETTLED)
      } catch (error) {
        stop(error)
      }
    }
    try {
      const artifacts = await execute(settled.stages, kinds, store, {
        jobs,
        signal: AbortSignal.any([signal, misfit.signal]),
        emit: hear,
        force: settled.stages.flatMap((stage) =>
          isForced(stage, options) && !told.has(stage.id) ? [stage.id] : [],
        ),
        restart,
        want: settled.stages.filter((stage) => isWanted(stage, settled)).map(({ id }) => id),
      })
      if (settled.model) return { prepared: settled, artifacts }
      // Now the layers of the base model are here, and with them all that there is to do.
      settled = await settled.withLayers(await readArchitecture(artifacts.get('weights')!))
      recorder.settled(settled)
      grown = true
      note()
    } catch (error) {
      if (error !== SETTLED) throw error
      note()
    }
  }
}

/** What a stage that trains layers of the trunk should say at its start. */
function trainingNote(settled: Prepared, stage: string): string | undefined {
  if (settled.phases.every(({ freeze }) => freeze === 'all')) return undefined
  const report = phaseReports(settled).find((phase) => phase.stage === stage)
  return report && freezeText(report)
}

/** Why an execution ends whose stages turned out to be others. */
const SETTLED = new Error('the number of pictures has settled what is kept')

function classesOf(index: string): string[] {
  return JSON.parse(readFileSync(join(index, 'classes.json'), 'utf8')) as string[]
}

function warningsOf(index: string): Diagnostic[] {
  const text = readFileSync(join(index, SUMMARY_FILE), 'utf8')
  return indexWarnings(JSON.parse(text) as IndexSummary)
}

/** The stages that a run folder is written from, or those that tell the layers of the base model. */
function isWanted({ kind }: Stage, { model }: Prepared): boolean {
  if (!model) return true
  return kind === 'index' || kind === 'train' || kind === 'evaluate'
}
