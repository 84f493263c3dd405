import { markup, type Html, type Part } from '../report/html.ts'
import { dateText, figureText, percentText } from '../report/figures.ts'
import type { Section } from '../report/page.ts'
import { table, type HtmlColumn } from '../report/table.ts'
import { epochsSoFar } from '../runs/epochs-so-far.ts'
import { openTable, type TableRun } from '../runs/list/columns.ts'
import { listRuns, placeOf } from '../runs/list/list.ts'
import { columnOf, sorted, testOf } from '../runs/list/query.ts'
import { metricOf, shownSplit } from '../runs/list/row.ts'
import { tagsOf } from '../runs/marks.ts'
import { readSweeps, type StoredSweep } from '../sweeps/definition.ts'
import { PipelineError } from '../util/diagnostic.ts'
import { countText, plural, secondsText } from '../util/text.ts'
import { INDEX_PATH, runPath, sweepPath } from './paths.ts'
import { makePage, type MadePage } from './shell.ts'

/** What is asked of the list, as in `pipeline ls`. */
export interface Asked {
  readonly filter: string
  /** A key, `-` in front for the most first; empty: the newest first. */
  readonly sort: string
  /** 1 is the first. */
  readonly page: number
}

/** Rows of one page. */
const ROWS = 100

/** All runs and sweeps below the root. `isWrong`: the filter or the order is none, and the page says why. */
export async function listPage(
  root: string,
  asked: Asked,
): Promise<{ page: MadePage; isWrong: boolean }> {
  const all = openTable(root, listRuns(root).reverse())
  const { runs, problem } = await chosen(all, asked)
  const running = all.runs.filter(({ row }) => row.status === 'running')
  const sweeps = readSweeps(root)
  const page = makePage({
    title: running.length > 0 ? `Runs (${countText(running.length)} under way)` : 'Runs',
    description: `${plural(all.runs.length, 'run')} and ${plural(sweeps.length, 'sweep')}.`,
    header: markup`<header><h1>Runs</h1><p class="status">
      <span>${plural(all.runs.length, 'run')}</span> ${sweeps.length > 0 && markup`<span>${plural(sweeps.length, 'sweep')}</span>`}
      ${running.length > 0 && markup`<b class="running">${countText(running.length)} under way</b>`}</p></header>`,
    sections: [
      ...underWay(running),
      ...sweepSection(sweeps),
      { id: 'runs', title: 'All runs', body: runsBody(all.runs.length, runs, asked, problem) },
    ],
    footer: markup`Read from the folder of runs, and only read. <code>pipeline ls</code> lists the same.`,
    trail: [],
    pages: [INDEX_PATH],
  })
  return { page, isWrong: problem !== undefined }
}

interface Chosen {
  readonly runs: readonly TableRun[]
  readonly problem?: Part
}

async function chosen(
  table: ReturnType<typeof openTable>,
  { filter, sort }: Asked,
): Promise<Chosen> {
  try {
    const runs = filter === '' ? table.runs : table.runs.filter(await testOf(filter, table))
    if (sort === '') return { runs }
    const isDescending = sort.startsWith('-')
    const key = sort.slice(isDescending ? 1 : 0)
    return { runs: sorted(runs, await columnOf(key, 'sort', table), isDescending) }
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return { runs: [], problem: told(error) }
  }
}

/** Without what belongs to a command line: the option, the line with a mark below it. */
function told({ message, diagnostics: [first] }: PipelineError): string {
  const [line] = (first?.message ?? message).split('\n')
  return line!.replace(/^(?:--filter|sort)[,:] /, '')
}

function runLink(one: TableRun): Html {
  return markup`<a href="${runPath(...placeOf(one))}">${one.row.id}</a>`
}

function underWay(runs: readonly TableRun[]): Section[] {
  if (runs.length === 0) return []
  const rows = runs.map((run) => ({ run, last: epochsSoFar(run.folder).at(-1) }))
  const columns: HtmlColumn<(typeof rows)[number]>[] = [
    { title: 'run', head: true, value: ({ run }) => runLink(run) },
    { title: 'name', value: ({ run }) => markup`<bdi>${run.row.name}</bdi>` },
    { title: 'since', value: ({ run }) => dateText(run.row.started) },
    { title: 'epochs', right: true, value: ({ last }) => last?.epoch ?? '–' },
    { title: 'last figures', value: ({ last }) => lastFigures(last?.validation, last?.train) },
  ]
  const body = markup`<div class="list">${table('Runs under way', columns, rows)}</div>`
  return [{ id: 'under-way', title: 'Under way', body }]
}

type Given = Readonly<Record<string, number>> | undefined

function lastFigures(validation: Given, train: Given): string {
  const figures = Object.entries(validation ?? train ?? {})
  const text = figures.map(([metric, value]) => `${metric} ${figureText(metric, value)}`).join(', ')
  return text === '' ? '–' : `${validation ? 'validation' : 'training'} ${text}`
}

function sweepSection(sweeps: readonly StoredSweep[]): Section[] {
  if (sweeps.length === 0) return []
  const total = ({ counts }: StoredSweep) => Object.values(counts).reduce((sum, n) => sum + n, 0)
  const count = (status: keyof StoredSweep['counts']): HtmlColumn<StoredSweep> => ({
    title: status,
    right: true,
    value: ({ counts }) => countText(counts[status]),
  })
  const columns: HtmlColumn<StoredSweep>[] = [
    {
      title: 'sweep',
      head: true,
      value: ({ definition: { name } }) =>
        markup`<a href="${sweepPath(name)}"><bdi>${name}</bdi></a>`,
    },
    { title: 'method', value: ({ definition }) => definition.method },
    { title: 'judged by', value: ({ definition }) => definition.metric.name },
    { title: 'trials', right: true, value: (sweep) => countText(total(sweep)) },
    ...(['done', 'running', 'failed'] as const).map(count),
  ]
  const body = markup`<div class="list">${table('Sweeps', columns, sweeps)}</div>`
  return [{ id: 'sweeps', title: 'Sweeps', body }]
}

const COLUMNS: readonly HtmlColumn<TableRun>[] = [
  {
    title: 'pick',
    value: (run) =>
      markup`<input class="pick" type="checkbox" name="run" value="${placeOf(run).join('/')}" aria-label="pick ${run.row.id}">`,
  },
  { title: 'run', head: true, value: runLink },
  { title: 'name', value: ({ row }) => markup`<bdi>${row.name}</bdi>` },
  {
    title: 'status',
    value: ({ row: { status } }) =>
      markup`<span class="${STATUS.has(status) ? status : 'failed'}">${status}</span>`,
  },
  { title: 'split', value: ({ row }) => shownSplit(row.metrics) ?? '–' },
  { title: 'accuracy', right: true, value: ({ row }) => share(metricOf(row.metrics, 'accuracy')) },
  {
    title: 'loss',
    right: true,
    value: ({ row }) => figureText('loss', metricOf(row.metrics, 'loss')),
  },
  { title: 'started (UTC)', value: ({ row }) => row.started.slice(0, 16).replace('T', ' ') },
  {
    title: 'took',
    right: true,
    value: ({ row }) => (row.status === 'running' ? '–' : secondsText(row.seconds)),
  },
  {
    title: 'tags',
    value: ({ row, marks }) => markup`<bdi>${tagsOf(row.tags, marks).join(', ')}</bdi>`,
  },
]

const STATUS: ReadonlySet<string> = new Set(['done', 'failed', 'interrupted', 'running'])

function share(value: number | undefined): string {
  return value === undefined ? '–' : percentText(value)
}

function runsBody(total: number, runs: readonly TableRun[], asked: Asked, problem: Part): Html {
  if (total === 0) {
    return markup`<p>There are no runs here yet: <code>pipeline run FILE</code> makes one, and it is
      shown here as soon as it begins.</p>`
  }
  const pages = Math.max(1, Math.ceil(runs.length / ROWS))
  const page = Math.min(asked.page, pages)
  const shown = runs.slice((page - 1) * ROWS, page * ROWS)
  const isAll = runs.length === total
  const found = isAll
    ? false
    : markup`<p class="note">${countText(runs.length)} of ${plural(total, 'run')}</p>`
  return markup`${form(asked)}
${problem !== undefined ? markup`<p class="alert" role="alert">${problem}</p>` : found}
${shown.length > 0 && picking(markup`<div class="list">${table('Runs', COLUMNS, shown)}</div>`)}
${pages > 1 && turn(asked, page, pages)}`
}

function picking(list: Html): Html {
  return markup`<form action="/diff" method="get">${list}
<p class="ask more"><button>Compare the two that are picked</button></p></form>`
}

const ORDERS: readonly (readonly [sort: string, label: string])[] = [
  ['', 'newest first'],
  ['started', 'oldest first'],
  ['-accuracy', 'most accurate first'],
  ['loss', 'least loss first'],
  ['-seconds', 'longest first'],
  ['name', 'by name'],
]

/** Works without script: what is asked stands in the address. */
function form({ filter, sort }: Asked): Html {
  const known = ORDERS.some(([order]) => order === sort)
  const orders = known ? ORDERS : [...ORDERS, [sort, sort] as const]
  return markup`<form class="ask" action="${INDEX_PATH}" method="get" role="search">
<div class="wide"><label for="filter">Only runs with</label>
<input id="filter" name="filter" value="${filter}" placeholder="accuracy > 0.9 and tag = best" autocomplete="off" spellcheck="false"></div>
<div><label for="sort">Order</label><select id="sort" name="sort">${orders.map(
    ([order, label]) =>
      markup`<option value="${order}"${order === sort && markup` selected`}>${label}</option>`,
  )}</select></div>
<button>Show</button>
</form>`
}

function turn(asked: Asked, page: number, pages: number): Html {
  const link = (to: number, label: string) =>
    to >= 1 && to <= pages && markup`<a href="${address({ ...asked, page: to })}">${label}</a>`
  return markup`<div class="turn"><span>Page ${page} of ${pages}</span>${link(page - 1, 'Earlier page')} ${link(page + 1, 'Next page')}</div>`
}

function address({ filter, sort, page }: Asked): string {
  const query = new URLSearchParams()
  if (filter !== '') query.set('filter', filter)
  if (sort !== '') query.set('sort', sort)
  if (page > 1) query.set('page', String(page))
  const text = query.toString()
  return text === '' ? INDEX_PATH : `${INDEX_PATH}?${text}`
}
