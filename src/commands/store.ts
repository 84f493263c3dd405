import type { GcReport } from '../graph/gc.ts'
import { inventory, verifyStore, type Item, type Verification } from '../graph/inventory.ts'
import { storeRoot } from '../graph/store-root.ts'
import { openStore, type Store, type StoreOptions } from '../graph/store.ts'
import { failure, PipelineError } from '../util/diagnostic.ts'
import type { Json } from '../util/json.ts'
import { bytesText, parseBytes, plural } from '../util/text.ts'
import type { CommandRun } from './command.ts'
import { tableText, type Column, type TableFormat } from './table-text.ts'

export interface StoreFlags {
  /** Where it is. */
  readonly store: string
  readonly json?: boolean
  readonly md?: boolean
  readonly csv?: boolean
  readonly maxSize?: string
  readonly allWork?: boolean
}

/** `pipeline store ls|gc|verify`. */
export const run: CommandRun = async ([action], options, context) => {
  const flags: StoreFlags = {
    ...options,
    store: storeRoot(context.env, options['store'] as string | undefined, context.cwd),
  }
  if (action !== 'gc') refuseGcFlags(flags)
  if (action === 'ls') context.stdout.write(await storeLs(flags))
  if (action === 'gc') context.stdout.write(await storeGc(flags))
  if (action !== 'verify') return
  const { text, found } = await storeVerify(flags)
  context.stdout.write(text)
  if (found) throw found
}

function refuseGcFlags({ maxSize, allWork }: StoreFlags): void {
  const given = maxSize !== undefined ? '--max-size' : allWork ? '--all-work' : undefined
  if (given === undefined) return
  throw failure('USAGE', `${given} is about gc`, { hint: `pipeline store gc ${given} …` })
}

export async function storeLs(flags: StoreFlags): Promise<string> {
  return await withStore(flags, { readOnly: true }, async (store) => {
    const items = inventory(store)
    const bytes = items.reduce((sum, item) => sum + item.bytes, 0)
    const maxBytes = await store.maxBytes()
    if (flags.json) {
      return json({ store: store.root, bytes, maxBytes, items: items.map(itemJson) })
    }
    const table = itemTable(items, formatOf(flags))
    if (formatOf(flags) !== 'text') return table
    const total = `${bytesText(bytes)} of at most ${bytesText(maxBytes)} in ${store.root}\n`
    return items.length === 0 ? `nothing in ${store.root}\n` : `${table}\n${total}`
  })
}

export async function storeGc(flags: StoreFlags): Promise<string> {
  const maxBytes = flags.maxSize === undefined ? undefined : parseBytes(flags.maxSize)
  if (flags.maxSize !== undefined && maxBytes === undefined) {
    throw failure('USAGE', `--max-size takes a number of bytes, got "${flags.maxSize}"`, {
      hint: 'write it as in --max-size 20GB',
    })
  }
  return await withStore(flags, {}, async (store) => {
    const report = await store.gc({ maxBytes, allWork: flags.allWork })
    if (flags.json) return json({ store: store.root, ...reportJson(report) })
    const items = report.removed.map((entry) => ({ ...entry, inUse: false }))
    if (formatOf(flags) !== 'text') return itemTable(items, formatOf(flags))
    const freed = bytesText(report.before - report.after)
    const kept = report.inUse > 0 ? `; ${bytesText(report.inUse)} are in use and stayed` : ''
    return `removed ${plural(items.length, 'entry', 'entries')}, ${freed}; ${bytesText(report.after)} left${kept}\n`
  })
}

export async function storeVerify(
  flags: StoreFlags,
): Promise<{ text: string; found?: PipelineError }> {
  return await withStore(flags, {}, async (store) => {
    const result = await verifyStore(store)
    const text = verifyText(result, store, flags)
    if (result.damaged.length === 0) return { text }
    const found = new PipelineError(
      result.damaged.map(({ digest, damage }) => ({
        code: 'STORE_DAMAGED',
        message: `artifact ${digest.slice(7, 19)} was damaged (${damage}) and is set aside`,
        hint: 'run the pipeline again: what is missing is computed again',
      })),
    )
    return { text, found }
  })
}

function verifyText(result: Verification, store: Store, flags: StoreFlags): string {
  const { checked, bytes, damaged } = result
  if (flags.json) {
    return json({ store: store.root, checked, bytes, damaged: damaged.map((d) => ({ ...d })) })
  }
  if (formatOf(flags) !== 'text') {
    const columns: Column<Verification['damaged'][number]>[] = [
      { title: 'digest', value: (d) => d.digest },
      { title: 'damage', value: (d) => d.damage },
    ]
    return tableText(columns, damaged, formatOf(flags))
  }
  return `checked ${plural(checked, 'artifact')}, ${bytesText(bytes)}: ${damaged.length === 0 ? 'all whole' : `${damaged.length} damaged`}\n`
}

/** For people; a spreadsheet gets plain numbers and times. */
const columnsFor = (format: TableFormat): readonly Column<Item>[] => [
  { title: 'what', value: (item) => item.what },
  {
    title: 'stage',
    value: (item) => item.stage ?? (item.what === 'kept' ? (item.kind ?? '') : ''),
  },
  {
    title: 'size',
    value: ({ bytes }) => (format === 'csv' ? String(bytes) : bytesText(bytes)),
    right: true,
  },
  {
    title: 'last used',
    value: ({ used }) => (format === 'csv' ? new Date(used).toISOString() : minuteText(used)),
  },
  { title: 'digest', value: (item) => item.key.slice(0, 12) },
  { title: 'in use', value: (item) => (item.inUse ? 'yes' : '') },
]

function itemTable(items: readonly Item[], format: TableFormat): string {
  return tableText(columnsFor(format), items, format)
}

function itemJson(item: Item): Json {
  const { what, key, stage, kind, bytes, used, created, inUse, path } = item
  const lastUsed = new Date(used).toISOString()
  return { what, key, stage, kind, bytes, used: lastUsed, created, inUse, path }
}

function reportJson({ before, after, inUse, removed }: GcReport) {
  const items = removed.map((entry) => itemJson({ ...entry, inUse: false }))
  return { before, after, inUse, removed: items }
}

/** Local time, to the minute. */
function minuteText(ms: number): string {
  const local = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 16).replace('T', ' ')
}

function formatOf(flags: StoreFlags): TableFormat {
  return flags.md ? 'md' : flags.csv ? 'csv' : 'text'
}

function json(value: Json): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

async function withStore<T>(
  flags: StoreFlags,
  options: StoreOptions,
  body: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await openStore(flags.store, options)
  try {
    return await body(store)
  } finally {
    store.close()
  }
}
