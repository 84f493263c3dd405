import type { Program, TensorData } from '../program/program.ts'

export type EngineName = 'tensorflow' | 'webgpu' | 'wasm'

export type Precision = 'float32' | 'mixed'

/** What a run records about the engine it used. */
export interface EngineInfo {
  readonly name: EngineName
  /** `cpu`, `gpu` or `gpu:1`. */
  readonly device: string
  /** Of the library that computes, `2.21.0`. */
  readonly version: string
  /** Threads inside one op; belongs to the numerics of a training fingerprint. */
  readonly threads: number
  /** Absent: float32. */
  readonly precision?: 'mixed'
  /** Of webgpu: vendor, device and driver of what computes. */
  readonly adapter?: string
}

export interface EngineOptions {
  readonly device?: string | undefined
  readonly threads?: number | undefined
  /** `mixed`: 16-bit arithmetic (bfloat16 on a CPU, float16 on a GPU), float32 variables. Default float32. */
  readonly precision?: Precision | undefined
  /** Shows the engine's own log lines on stderr. */
  readonly verbose?: boolean | undefined
}

export interface CompileOptions {
  /**
   * How many runs the caller keeps in flight. An engine that is single-threaded (wasm) starts so many processes,
   * at most one a core; only for programs without variables. Default 1.
   */
  readonly concurrency?: number | undefined
  /** Entries to prepare; default all. */
  readonly entries?: readonly string[] | undefined
}

/** An engine executes Programs; it neither differentiates nor knows layers. */
export interface Engine {
  readonly info: EngineInfo
  /** Throws ENGINE_FAILED with the engine's own message where it refuses the program. */
  compile(program: Program, options?: CompileOptions): Promise<Session>
  close(): Promise<void>
}

/** A compiled Program with the state of its variables. */
export interface Session {
  /** Runs that may usefully be in flight at once: 1, or the number of processes. */
  readonly concurrency: number
  /**
   * Runs one entry: feeds by name (row-major, of the feed's dtype and exact size, read before the call returns
   * its promise: the caller may reuse the array once the promise is settled), fetches by name. A fetch is a fresh
   * array that the caller owns. Runs of one session that update variables are the caller's to put in order.
   */
  run(
    entry: string,
    feeds: Readonly<Record<string, TensorData>>,
  ): Promise<Record<string, TensorData>>
  /** Copies of the variables' values, by name; all of them by default. */
  read(names?: readonly string[]): Promise<Map<string, Float32Array>>
  /** Overwrites variables; an unknown name or wrong size is a bug (TypeError). */
  write(values: ReadonlyMap<string, Float32Array>): Promise<void>
  close(): Promise<void>
}
