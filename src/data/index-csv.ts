import { failure, PipelineError } from '../util/diagnostic.ts'
import { byCodePoint } from '../util/json.ts'
import { closest } from '../util/suggest.ts'
import { parseCsv } from './csv.ts'
import { usualSplits } from './index-find.ts'
import { joinPosix, listed, nfc } from './index-folder.ts'
import { MISSING } from './scan.ts'
import type { Diagnostic, Position } from '../util/diagnostic.ts'
import type { CsvRecord } from './csv.ts'
import type { Candidate, Listing } from './index-source.ts'
import type { Scanned } from './scan.ts'
import type { SplitSpecs } from './splits.ts'

/** Names of the table's columns. */
export interface CsvColumns {
  /** Default `image`. */
  readonly image?: string | undefined
  /** Default `label`. */
  readonly label?: string | undefined
  /** Default `split`; the column may be missing when no split is a value of it. */
  readonly split?: string | undefined
}

export interface CsvLayout {
  /** As it is to be named in messages. */
  readonly file: string
  readonly text: string
  readonly columns: CsvColumns
  /** Folder inside the source, below which the images are; '' for the source itself. */
  readonly root: string
  /** Default: the usual values of the split column, or everything as `train`. */
  readonly splits?: SplitSpecs | undefined
  readonly classes?: readonly string[] | undefined
}

export interface CsvListing extends Listing {
  readonly splits: SplitSpecs
  /** Where the table names each path first. */
  readonly positions: ReadonlyMap<string, Position>
}

function valueSplits(layout: CsvLayout, values: readonly string[]): SplitSpecs {
  const splits = usualSplits(values)
  if (values.length === 0 || splits['train'] !== '.') return splits
  const column = layout.columns.split ?? 'split'
  throw failure('BAD_SPLIT', `no value of column "${column}" in ${layout.file} means training`, {
    hint: `name the values in dataset.splits; they are: ${listed(values)}`,
  })
}

interface Row extends Candidate {
  readonly at: Position
}

/** Errors shown of one table. */
const SHOWN = 20

/**
 * Layout csv: one row a picture, in the table's order. Throws BAD_TABLE with the row's position: a missing
 * column, a wrong number of fields, an empty image or label, a path that leads out of root, a picture listed twice;
 * BAD_SPLIT for a value that no row has.
 */
export function listTable(layout: CsvLayout): CsvListing {
  const records = parseCsv(layout.text, layout.file)
  const header = records[0]
  if (header === undefined) throw failure('BAD_TABLE', `${layout.file} is empty`)
  const column = findColumns(layout, header)
  const rows = readRows(layout, records, column)
  const values = [...new Set(rows.map((row) => row.split))].filter((value) => value !== '')
  const splits = layout.splits ?? valueSplits(layout, values)
  const wanted = layout.classes?.map(nfc)
  checkNames(layout, splits, values, wanted, rows)
  const candidates: Candidate[] = []
  const positions = new Map<string, Position>()
  for (const [name, spec] of Object.entries(splits)) {
    if (typeof spec !== 'string') continue
    for (const { path, label, split, at } of rows) {
      if (spec !== '.' && spec !== split) continue
      if (wanted !== undefined && !wanted.includes(label)) continue
      candidates.push({ path, label, split: name })
      if (!positions.has(path)) positions.set(path, at)
    }
  }
  const classes = wanted ?? [...new Set(candidates.map((c) => c.label))].sort(byCodePoint)
  return { candidates, classes, ignored: {}, splits, positions }
}

/** Throws BAD_TABLE for rows whose picture does not exist. */
export function refuseMissing(listing: CsvListing, scanned: ReadonlyMap<string, Scanned>): void {
  const missing = [...listing.positions].filter(([path]) => {
    const check = scanned.get(path)?.check
    return check !== undefined && 'problem' in check && check.problem === MISSING
  })
  const problems = missing.map(([path, at]): Diagnostic => ({
    code: 'BAD_TABLE',
    message: `there is no picture ${path}`,
    at,
    hint: path.includes('\\')
      ? 'write / between the folders of a path'
      : 'paths are below dataset.root; check the path and the root',
  }))
  if (problems.length > 0) throw new PipelineError(capped(problems))
}

interface Columns {
  readonly image: number
  readonly label: number
  /** -1 when the table has no such column. */
  readonly split: number
}

function findColumns(layout: CsvLayout, header: CsvRecord): Columns {
  const names = header.fields.map((name) => name.trim())
  const at = { file: layout.file, line: header.line, col: 1 }
  const find = (key: keyof CsvColumns, needed: boolean): number => {
    const name = layout.columns[key] ?? key
    const index = names.indexOf(name)
    if (index >= 0 || !needed) return index
    const near = closest(name, names)
    const separator = names.length === 1 && /[;\t]/.exec(names[0]!)?.[0]
    const hint =
      typeof separator === 'string'
        ? 'the columns of a table are separated by commas'
        : `${near === undefined ? '' : `did you mean "${near}"? `}the columns are: ${listed(names)}; name yours in dataset.layout.csv.${key}`
    throw failure('BAD_TABLE', `no column "${name}"`, { at, hint })
  }
  const byValue = Object.values(layout.splits ?? {}).some(
    (spec) => typeof spec === 'string' && spec !== '.',
  )
  return {
    image: find('image', true),
    label: find('label', true),
    split: find('split', layout.columns.split !== undefined || byValue),
  }
}

function readRows(layout: CsvLayout, records: readonly CsvRecord[], column: Columns): Row[] {
  const problems: Diagnostic[] = []
  const rows: Row[] = []
  const seen = new Map<string, Row>()
  const width = records[0]!.fields.length
  for (const { fields, line } of records.slice(1)) {
    const at = { file: layout.file, line, col: 1 }
    const problem = (message: string, hint?: string) => {
      problems.push({ code: 'BAD_TABLE', message, at, hint })
    }
    if (fields.length !== width) {
      const got = `${fields.length} ${fields.length === 1 ? 'field' : 'fields'}`
      problem(`${got} where the header has ${width}`, 'put a field with a comma in it into quotes')
      continue
    }
    const image = nameOf(fields[column.image]!)
    const label = nfc(fields[column.label]!)
    const split = column.split < 0 ? '' : fields[column.split]!
    if (fields[column.image] === '' || label === '') {
      problem(`no ${label === '' ? 'label' : 'image'} in this row`)
    } else if (image === undefined) {
      problem(`the image ${JSON.stringify(fields[column.image])} leads out of dataset.root`)
    } else {
      const row = { path: joinPosix(layout.root, image), label, split, at }
      const before = seen.get(`${split}\0${row.path}`) ?? seen.get(row.path)
      if (before !== undefined && (before.split === split || before.label !== label)) {
        const why = before.label === label ? '' : ` as "${before.label}" and here as "${label}"`
        problem(`${image} is listed twice: in line ${before.at.line}${why}`)
      }
      seen.set(row.path, before ?? row).set(`${split}\0${row.path}`, row)
      rows.push(row)
    }
  }
  if (problems.length > 0) throw new PipelineError(capped(problems))
  if (rows.length === 0) throw failure('BAD_TABLE', `${layout.file} has no rows below its header`)
  return rows
}

/** A clean relative path, or undefined when it leaves root. */
function nameOf(image: string): string | undefined {
  const parts = image.split('/').filter((part) => part !== '.' && part !== '')
  const outside = image.startsWith('/') || parts.includes('..') || image.includes('\0')
  return outside || parts.length === 0 ? undefined : parts.join('/')
}

function checkNames(
  layout: CsvLayout,
  splits: SplitSpecs,
  values: readonly string[],
  classes: readonly string[] | undefined,
  rows: readonly Row[],
): void {
  const problems: Diagnostic[] = []
  for (const [name, spec] of Object.entries(splits)) {
    if (typeof spec !== 'string' || spec === '.' || values.includes(spec)) continue
    const near = closest(spec, values)
    problems.push({
      code: 'BAD_SPLIT',
      message: `split "${name}": no row of ${layout.file} has the value "${spec}" in column "${layout.columns.split ?? 'split'}"`,
      hint: `${near === undefined ? '' : `did you mean "${near}"? `}the values are: ${listed(values)}`,
    })
  }
  const labels = new Set(rows.map((row) => row.label))
  for (const label of classes ?? []) {
    if (labels.has(label)) continue
    const near = closest(label, [...labels])
    problems.push({
      code: 'EMPTY_CLASS',
      message: `dataset.classes names "${label}", which no row of ${layout.file} has as its label`,
      hint: `${near === undefined ? '' : `did you mean "${near}"? `}the labels are: ${listed([...labels].sort(byCodePoint))}`,
    })
  }
  if (problems.length > 0) throw new PipelineError(problems)
}

function capped(problems: readonly Diagnostic[]): Diagnostic[] {
  const shown = problems.slice(0, SHOWN)
  const more = problems.length - SHOWN
  if (more > 0) shown.push({ code: 'BAD_TABLE', message: `and ${more} more rows like these` })
  return shown
}
