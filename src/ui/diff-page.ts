import type { Store } from '../graph/store.ts'
import { markup } from '../report/html.ts'
import { diffParts } from '../report/diff/page.ts'
import { readDiffReport } from '../report/diff/read.ts'
import { diffSides } from '../runs/diff/diff.ts'
import { sideOfRun } from '../runs/diff/side.ts'
import { readRun } from '../runs/read.ts'
import { diffPath, runPath } from './paths.ts'
import { makePage, type MadePage } from './shell.ts'
import type { Place } from './state.ts'

export interface Picked {
  readonly place: Place
  /** Absolute. */
  readonly folder: string
}

/** What `pipeline diff` finds between two runs; undefined where one of them is none. */
export async function diffPageOf(
  picked: readonly [Picked, Picked],
  places: { readonly store: string; readonly cwd: string },
  openStore: () => Promise<Store>,
): Promise<MadePage | undefined> {
  const read = picked.map(({ place, folder }) => ({ place, run: readRun(folder) }))
  const [a, b] = read.sort((x, y) => order(x.run?.record.started, y.run?.record.started))
  if (!a?.run || !b?.run) return undefined
  const diff = diffSides(sideOfRun(a.run, places), sideOfRun(b.run, places), { all: true })
  const store = await openStore()
  const report = await readDiffReport(diff, store).finally(() => store.close())
  const ids = [a, b].map(({ place }) => place[1])
  return makePage({
    ...diffParts(report),
    footer: markup`<code>pipeline report ${ids[0]} ${ids[1]}</code> makes it one file to keep or send;
      the runs: <a href="${runPath(...a.place)}">${ids[0]}</a>, <a href="${runPath(...b.place)}">${ids[1]}</a>.`,
    trail: [['Two runs', diffPath(a.place, b.place)]],
    pages: [runPath(...a.place), runPath(...b.place)],
  })
}

function order(a = '', b = ''): number {
  return a < b ? -1 : Number(a > b)
}
