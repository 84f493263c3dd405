import { PipelineError, type Diagnostic } from '../util/diagnostic.ts'
import type { Engine, EngineInfo, EngineName, EngineOptions } from './engine.ts'
import { ENGINES, type EngineRow } from './table.ts'

export interface EngineRequest extends Omit<EngineOptions, 'verbose'> {
  readonly name: 'auto' | EngineName
}

export interface ChooseOptions {
  readonly verbose?: boolean
  /** Hears, as a warning, of an engine that is there and does not work. */
  readonly note?: (diagnostic: Diagnostic) => void
  /** For tests: other engines than those of the table, on a machine with a GPU or without. */
  readonly machine?: { readonly engines: readonly EngineRow[]; readonly hasGpu: boolean }
}

/** An engine that is decided on, and opened only when something must be computed. */
export interface ChosenEngine {
  readonly info: EngineInfo
  readonly open: () => Promise<Engine>
}

/**
 * The engine asked for, not opened where its files tell enough: what is cached needs none. `auto` takes the first that works
 * of: tensorflow on a GPU, webgpu on a GPU, tensorflow on the CPU, wasm. Throws ENGINE_MISSING with the cure for an engine, a
 * device or a precision that this machine has not, ENGINE_FAILED for one that does not work.
 */
export async function chooseEngine(
  { name, ...request }: EngineRequest,
  { verbose, note, machine }: ChooseOptions = {},
): Promise<ChosenEngine> {
  const options = { ...request, verbose }
  const engines = machine?.engines ?? ENGINES
  const rowOf = (wanted: EngineName): EngineRow => engines.find((row) => row.name === wanted)!
  if (name !== 'auto') return choose(rowOf(name), options)

  const tensorflow = rowOf('tensorflow')
  const isThere = (await tensorflow.available()).ready
  const native = await attempt(tensorflow, options)
  if (native.chosen && isGpu(native.chosen)) return native.chosen
  const gpu: Attempt = (await mayUseWebgpu(options, machine))
    ? await attempt(rowOf('webgpu'), { ...options, device: options.device ?? 'gpu' })
    : {}
  if (gpu.chosen) await native.chosen?.opened?.close()
  const chosen = gpu.chosen ?? native.chosen
  if (!chosen && matter(options, isThere)) {
    throw new PipelineError([native, gpu].flatMap(({ problem }) => problem?.diagnostics ?? []))
  }
  const decided = chosen ?? (await choose(rowOf('wasm'), options))
  warn('tensorflow', native, decided, note)
  warn('webgpu', gpu, decided, note)
  return decided
}

/**
 * Whoever asks for a GPU must not get a CPU without a word. And only tensorflow computes in mixed precision: what a
 * tensorflow that is there lacks for it says more than that wasm has none.
 */
function matter({ device, precision }: EngineOptions, isThere: boolean): boolean {
  return device?.startsWith('gpu') === true || (precision === 'mixed' && isThere)
}

/** Software adapters are slower than wasm, and mixed precision is not for this engine. */
async function mayUseWebgpu(
  { device, precision }: EngineOptions,
  machine: ChooseOptions['machine'],
): Promise<boolean> {
  if (device === 'cpu' || precision === 'mixed') return false
  if (machine) return machine.hasGpu
  const { mayHaveGpu } = await import('./webgpu/hardware.ts')
  return mayHaveGpu()
}

interface Choice extends ChosenEngine {
  /** Where only opening it told what it is. */
  readonly opened?: Engine
}

async function choose(row: EngineRow, options: EngineOptions): Promise<Choice> {
  const { ready } = await row.available()
  const info = ready ? await row.info(options) : undefined
  if (info) return { info, open: () => row.open(options) }
  const opened = await row.open(options)
  return { info: opened.info, open: () => Promise.resolve(opened), opened }
}

interface Attempt {
  readonly chosen?: Choice
  readonly problem?: PipelineError
}

async function attempt(row: EngineRow, options: EngineOptions): Promise<Attempt> {
  try {
    return { chosen: await choose(row, options) }
  } catch (error) {
    if (error instanceof PipelineError) return { problem: error }
    throw error
  }
}

function isGpu({ info }: ChosenEngine): boolean {
  return info.device.startsWith('gpu')
}

/** What is merely not there is nothing to warn of. */
function warn(
  name: EngineName,
  { problem }: Attempt,
  taken: ChosenEngine,
  note: ChooseOptions['note'],
): void {
  for (const { code, message, hint } of problem?.diagnostics ?? []) {
    if (code === 'ENGINE_MISSING') continue
    const told = `the ${name} engine does not work here, taking ${taken.info.name}: ${message}`
    note?.({ code: 'NOTE', severity: 'warning', message: told, hint })
  }
}
