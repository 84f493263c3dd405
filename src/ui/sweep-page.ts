import { markup } from '../report/html.ts'
import { figureText, isPercent, percentText } from '../report/figures.ts'
import { sweepParts } from '../report/sweep/page.ts'
import type { SweepReport } from '../report/sweep/read.ts'
import { table, type HtmlColumn } from '../report/table.ts'
import { readDefinition } from '../sweeps/definition.ts'
import { sweepFolder } from '../sweeps/sweep.ts'
import { readTrials } from '../sweeps/trial-folder.ts'
import { stateOf } from '../sweeps/trial-state.ts'
import { trialsFolder } from '../sweeps/trials.ts'
import { PipelineError } from '../util/diagnostic.ts'
import { countText, plural, secondsText } from '../util/text.ts'
import { runPath, sweepPath } from './paths.ts'
import { makePage, type LivePage, type MadePage } from './shell.ts'

/**
 * What `pipeline report SWEEP` says, and the trials with their runs; the trials alone where the file of the sweep is not here
 * any more, or is none.
 */
export async function sweepPageOf(
  root: string,
  name: string,
  readSweep: (name: string) => Promise<SweepReport>,
): Promise<MadePage> {
  const stored = storedSweep(root, name)
  try {
    const parts = sweepParts(await readSweep(name))
    const runs = stored.sections.map((section) => ({ ...section, id: 'runs', title: 'Runs' }))
    return makePage({ ...stored, ...parts, sections: [...parts.sections, ...runs] })
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return makePage(stored)
  }
}

/** All trials that a sweep has ever tried, the best first. */
function storedSweep(root: string, name: string): LivePage {
  const { method, metric, file } = readDefinition(root, name)!
  const folders = readTrials(trialsFolder({ folder: sweepFolder(root, name) }))
  const sign = metric.goal === 'maximize' ? -1 : 1
  const trials = folders.map(({ id, parameters, ...more }) => {
    const state = stateOf({ id, parameters, ...more })
    return { ...state, parameters, value: state.metrics[metric.name] }
  })
  trials.sort((a, b) =>
    a.value === undefined || b.value === undefined
      ? Number(a.value === undefined) - Number(b.value === undefined)
      : sign * (a.value - b.value),
  )
  const keys = [...new Set(trials.flatMap(({ parameters }) => Object.keys(parameters)))]
  const figure = metric.name.slice(metric.name.lastIndexOf('.') + 1)
  const columns: HtmlColumn<(typeof trials)[number]>[] = [
    {
      title: 'trial',
      head: true,
      value: ({ id, done, paused }) => {
        const run = (done ?? paused)?.run.split('/')
        return run?.length === 2 ? markup`<a href="${runPath(run[0]!, run[1]!)}">${id}</a>` : id
      },
    },
    ...keys.map((key) => ({
      title: key,
      value: ({ parameters }: (typeof trials)[number]) => JSON.stringify(parameters[key]) ?? '–',
    })),
    { title: 'status', value: ({ status }) => status },
    {
      title: metric.name,
      right: true,
      value: ({ value }) =>
        value !== undefined && isPercent(figure) ? percentText(value) : figureText(figure, value),
    },
    { title: 'epochs', right: true, value: ({ epochs }) => countText(epochs) },
    {
      title: 'took',
      right: true,
      value: ({ seconds }) => (seconds === undefined ? '–' : secondsText(seconds)),
    },
    { title: 'failure', value: ({ failure }) => failure?.message ?? '' },
  ]
  const done = trials.filter(({ status }) => status === 'done').length
  return {
    title: name,
    description: `Sweep ${name}: ${done} of ${plural(trials.length, 'trial')} done.`,
    header: markup`<header><h1><bdi>${name}</bdi></h1><p class="status"><span>${method}</span>
      <span>judged by ${metric.name}</span> <span>${countText(done)} of ${plural(trials.length, 'trial')} done</span></p></header>`,
    sections: [
      {
        id: 'trials',
        title: 'Trials',
        body: markup`<div class="list">${table('Trials', columns, trials)}</div>`,
      },
    ],
    footer: markup`Read from the folder of runs. <code>pipeline sweep show ${file}</code> shows the same.`,
    trail: [[name, sweepPath(name)]],
    pages: [sweepPath(name)],
  }
}
