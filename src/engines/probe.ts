import { fileURLToPath } from 'node:url'
import type { TensorflowLocation } from './tensorflow/locate.ts'

/** What is tried: a libtensorflow, WebGPU's best adapter, or the embedded engine. */
export type ProbeTarget =
  | { readonly engine: 'tensorflow'; readonly location: TensorflowLocation }
  | { readonly engine: 'webgpu' }
  | { readonly engine: 'wasm' }

/** What an engine does when it is really used. */
export interface Probe {
  /** Absent where it does not work. */
  readonly version?: string
  /** Of webgpu: vendor, device and driver. */
  readonly adapter?: string
  /** `cpu`, `gpu`: where a small matrix product came out right. */
  readonly devices: readonly string[]
  /** Why it does not work, or why its GPU does not. */
  readonly problem?: string
  /** From nothing to the first product. */
  readonly seconds: number
}

/** What the child prints. */
export type ProbeAnswer = Omit<Probe, 'seconds'>

const CHILD = fileURLToPath(new URL('./probe-child.js', import.meta.url))

/**
 * Multiplies two matrices in a process of its own: a library that is wrong for this machine may end the process
 * that loads it.
 */
export async function probeEngine(
  target: ProbeTarget,
  { signal, timeout = 120_000 }: { signal?: AbortSignal | undefined; timeout?: number } = {},
): Promise<Probe> {
  const { execa } = await import('execa')
  const start = performance.now()
  const result = await execa(process.execPath, [CHILD, JSON.stringify(target)], {
    reject: false,
    stdin: 'ignore',
    timeout,
    ...(signal ? { cancelSignal: signal } : {}),
  })
  signal?.throwIfAborted()
  const seconds = (performance.now() - start) / 1000
  try {
    const last = result.stdout.trim().split('\n').at(-1) ?? ''
    return { ...(JSON.parse(last) as ProbeAnswer), seconds }
  } catch {
    return { devices: [], seconds, problem: reasonOf(result, timeout) }
  }
}

interface Ending {
  readonly timedOut: boolean
  readonly signal?: string | undefined
  readonly exitCode?: number | undefined
  readonly stderr: string
}

function reasonOf({ timedOut, signal, exitCode, stderr }: Ending, timeout: number): string {
  if (timedOut) return `no answer within ${timeout / 1000} s`
  if (signal === 'SIGILL') return 'it uses instructions that this processor lacks'
  const said = stderr.trim().split('\n').at(-1)
  const end = signal ?? `exit code ${exitCode}`
  return `it ended the process (${end})${said ? `: ${said}` : ''}`
}
