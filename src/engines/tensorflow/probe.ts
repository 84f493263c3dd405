import { fileURLToPath } from 'node:url'
import type { TensorflowLocation } from './locate.ts'

/** What a libtensorflow does when it is really used. */
export interface Probe {
  /** Absent where it does not work. */
  readonly version?: string
  /** `cpu`, `gpu`: where a small matrix product came out right. */
  readonly devices: readonly string[]
  /** Seconds from nothing to the first product. */
  readonly seconds: number
  /** Why it does not work, or why its GPU does not. */
  readonly problem?: string
}

/** What the child prints. */
export type ProbeAnswer = Omit<Probe, 'seconds'>

const CHILD = fileURLToPath(new URL('./probe-child.js', import.meta.url))

/**
 * Multiplies two matrices with the library in a process of its own: a library that is wrong for this machine may end
 * the process that loads it.
 */
export async function probeTensorflow(
  location: TensorflowLocation,
  { signal, timeout = 120_000 }: { signal?: AbortSignal | undefined; timeout?: number } = {},
): Promise<Probe> {
  const { execa } = await import('execa')
  const start = performance.now()
  const result = await execa(process.execPath, [CHILD, JSON.stringify(location)], {
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

function reasonOf(
  {
    timedOut,
    signal,
    exitCode,
    stderr,
  }: { timedOut: boolean; signal?: string; exitCode?: number; stderr: string },
  timeout: number,
): string {
  if (timedOut) return `no answer within ${timeout / 1000} s`
  if (signal === 'SIGILL') return 'this processor lacks instructions that it uses (AVX)'
  const said = stderr.trim().split('\n').at(-1)
  return `it ended the process (${signal ?? `exit code ${exitCode}`})${said ? `: ${said}` : ''}`
}
