import { openStore, type Store } from '../graph/store.ts'
import type { Html } from '../report/html.ts'
import type { Json } from '../util/json.ts'
import type { CommandContext } from './command.ts'
import { storeOptions } from './pipeline-file.ts'

export interface ReportFlags {
  readonly out?: string
  readonly runs?: string
  readonly store?: string
  readonly json?: boolean
}

/** A page that was made. */
export interface Made {
  /** What it is about, for a program. */
  readonly about: Readonly<Record<string, Json>>
  /** Absolute: where it goes unless a person says otherwise. */
  readonly place: string
  readonly page: Html
}

/** Where there is no store, pages are without what it has. */
export async function withStore<T>(
  flags: ReportFlags,
  context: CommandContext,
  use: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await openStore(storeOptions(flags, context).store, { readOnly: true })
  return use(store).finally(() => store.close())
}
