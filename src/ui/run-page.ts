import type { Store } from '../graph/store.ts'
import { markup, type Html } from '../report/html.ts'
import type { Section } from '../report/page.ts'
import { readReport } from '../report/read.ts'
import { runParts } from '../report/run-page.ts'
import { withEpochsSoFar } from '../runs/epochs-so-far.ts'
import { readRun, type StoredRun } from '../runs/read.ts'
import { shownFiles } from './jail.ts'
import { filePath, runPath, sweepPath } from './paths.ts'
import { makePage, type MadePage } from './shell.ts'
import type { Place } from './state.ts'

export interface RunPageOptions {
  readonly place: Place
  /** Absolute. */
  readonly folder: string
  /** Opened for one page, to read pictures that are kept there. */
  readonly openStore: () => Promise<Store>
  readonly isOfSweep: boolean
}

/** The page of one run; undefined where there is none. */
export async function runPageOf(options: RunPageOptions): Promise<MadePage | undefined> {
  const { place, folder, openStore, isOfSweep } = options
  const stored = readRun(folder)
  if (!stored) return undefined
  const store = await openStore()
  const report = await readReport(withEpochsSoFar(stored), store).finally(() => store.close())
  const parts = runParts(report)
  const [name, id] = place
  const path = runPath(...place)
  return makePage({
    ...parts,
    sections: [...parts.sections, ...files(stored, place)],
    footer: footer(report.place),
    trail: [...(isOfSweep ? [[name, sweepPath(name)] as const] : []), [id, path]],
    pages: [path],
  })
}

function files({ folder }: StoredRun, place: Place): Section[] {
  const links = shownFiles(folder).map(
    (file) => markup`<li><a href="${filePath(...place, file)}">${file}</a></li>`,
  )
  if (links.length === 0) return []
  return [{ id: 'files', title: 'Files', body: markup`<ul class="findings">${links}</ul>` }]
}

function footer(place: string): Html {
  return markup`Read from the folder <code>${place}</code>. <code>pipeline report ${place}</code> makes
    it one file to keep or send.`
}
