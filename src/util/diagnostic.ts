/** Everything that can go wrong for a person, by code. docs/errors.md has a row for each. */
export type DiagnosticCode =
  // the pipeline file (exit 2)
  | 'YAML_SYNTAX'
  | 'FILE_TOO_LARGE'
  | 'FILE_NOT_FOUND'
  | 'EXTENDS_CYCLE'
  | 'UNKNOWN_KEY'
  | 'WRONG_TYPE'
  | 'WRONG_VALUE'
  | 'MISSING_KEY'
  | 'UNSET_VARIABLE'
  | 'BAD_OVERRIDE'
  | 'CONFLICT'
  | 'NOT_YET'
  | 'USAGE'
  // data and weights (exit 1)
  | 'NO_SUCH_FOLDER'
  | 'EMPTY_CLASS'
  | 'ONE_CLASS'
  | 'BAD_IMAGE'
  | 'TOO_MANY_BAD_IMAGES'
  | 'BAD_TABLE'
  | 'BAD_SPLIT'
  | 'SPLIT_LEAK'
  | 'MISSING_CLASS'
  | 'DIGEST_MISMATCH'
  | 'DOWNLOAD_FAILED'
  | 'OFFLINE'
  | 'BAD_ARCHIVE'
  | 'UNSAFE_ARCHIVE'
  | 'BAD_WEIGHTS'
  | 'WEIGHTS_MISMATCH'
  | 'NOT_FINITE'
  // running (exit 1)
  | 'STAGE_FAILED'
  | 'CHECKPOINT_DAMAGED'
  | 'FROZEN_CHANGED'
  | 'STORE_DAMAGED'
  | 'UNKNOWN_RUN'
  // this machine (exit 3)
  | 'DISK_FULL'
  | 'NOT_WRITABLE'
  | 'ENGINE_MISSING'
  | 'ENGINE_FAILED'
  | 'TOOL_MISSING'
  | 'OUT_OF_MEMORY'
  // warnings
  | 'PREPROCESSING_DIFFERS'
  | 'NOTE'

export interface Position {
  readonly file: string
  /** 1-based. */
  readonly line: number
  /** 1-based. */
  readonly col: number
}

export interface Diagnostic {
  readonly code: DiagnosticCode
  /** What is wrong, then what was got. One sentence, no full stop at the end. */
  readonly message: string
  readonly at?: Position | undefined
  /** The one edit or command that fixes it. */
  readonly hint?: string | undefined
  readonly severity?: 'error' | 'warning'
}

/** The one class of errors that are for people; anything else thrown is a bug. */
export class PipelineError extends Error {
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[], options?: ErrorOptions) {
    super(diagnostics.map((d) => `${d.code} ${d.message}`).join('\n'), options)
    this.name = 'PipelineError'
    this.diagnostics = diagnostics
  }
}

/** Shorthand for the common case of one diagnostic; `cause` keeps the original error. */
export function failure(
  code: DiagnosticCode,
  message: string,
  more: { hint?: string | undefined; at?: Position | undefined; cause?: unknown } = {},
): PipelineError {
  return new PipelineError(
    [{ code, message, hint: more.hint, at: more.at }],
    more.cause === undefined ? undefined : { cause: more.cause },
  )
}

const MACHINE: ReadonlySet<DiagnosticCode> = new Set([
  'DISK_FULL',
  'NOT_WRITABLE',
  'ENGINE_MISSING',
  'ENGINE_FAILED',
  'TOOL_MISSING',
  'OUT_OF_MEMORY',
])
const PIPELINE: ReadonlySet<DiagnosticCode> = new Set([
  'YAML_SYNTAX',
  'FILE_TOO_LARGE',
  'FILE_NOT_FOUND',
  'EXTENDS_CYCLE',
  'UNKNOWN_KEY',
  'WRONG_TYPE',
  'WRONG_VALUE',
  'MISSING_KEY',
  'UNSET_VARIABLE',
  'BAD_OVERRIDE',
  'CONFLICT',
  'NOT_YET',
  'USAGE',
])

/** 1 a stage failed, 2 bad usage or pipeline, 3 this machine lacks something (spec: cli.md). */
export function exitCode(error: PipelineError): 1 | 2 | 3 {
  const codes = error.diagnostics.filter((d) => d.severity !== 'warning').map((d) => d.code)
  if (codes.some((code) => PIPELINE.has(code))) return 2
  if (codes.some((code) => MACHINE.has(code))) return 3
  return 1
}
