import type { LayerGraph } from '../models/layer-graph.ts'
import type { BaseModel } from '../models/catalogue.ts'
import type { DiagnosticCode } from '../util/diagnostic.ts'
import type { KnownModel, ModelPart } from './base-model.ts'
import type { Pipeline } from './pipeline.ts'
import type { Path } from './tree.ts'

/** What the checks past the schema look at. */
export interface Checked {
  /** Resolved; only what the check says it reads is sure to be whole. */
  readonly pipeline: Pipeline
  /** What is known of the base model; undefined where there is no such model. */
  readonly known: KnownModel | undefined
  /** Its layers, where a file brings them and they are known. */
  readonly layers?: LayerGraph | undefined
  /** Undefined where the base model is not in the catalogue. */
  readonly model: BaseModel | undefined
  /** The classes as far as they are known before anything runs: listed, or folders of a local source. */
  readonly classes: readonly string[] | undefined
  /** Whether the file itself says so; a default is no one's mistake. */
  readonly isWritten: (path: Path) => boolean
  readonly report: (code: DiagnosticCode, path: Path, message: string, more?: More) => void
}

/** The same of what trains and of what only predicts. */
export type CheckedModel = Omit<Checked, 'pipeline' | 'classes'> & {
  readonly pipeline: ModelPart & Pick<Pipeline, 'preprocessing'>
}

export interface More {
  readonly hint?: string | undefined
  readonly severity?: 'error' | 'warning'
}

/** A list for a message: the first few words of it. */
export function short(words: readonly string[]): string {
  return words.length > 8
    ? `${words.slice(0, 7).join(', ')} and ${words.length - 7} more`
    : words.join(', ')
}
