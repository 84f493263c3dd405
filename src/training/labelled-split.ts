import type { ExampleSource } from './example-source.ts'

export interface LabelledSplit {
  readonly source: ExampleSource
  /** The class of every row. */
  readonly labels: Uint32Array
}
