import { readFileSync } from 'node:fs'
import { failure } from '../util/diagnostic.ts'
import type { EngineOptions } from './engine.ts'

/**
 * What an engine on this device can do of `precision: mixed`: ENGINE_MISSING where it computes in float32 only. Asked when the
 * engine is chosen, so before anything is computed.
 */
export function checkPrecision(
  { precision }: EngineOptions,
  engine: string,
  device: string,
  hasInstructions: () => boolean = hasBfloat16,
): void {
  if (precision !== 'mixed') return
  if (engine !== 'tensorflow') {
    throw failure('ENGINE_MISSING', `the ${engine} engine computes in float32 only`, {
      hint: 'write engine.precision: float32; mixed is for the tensorflow engine (`pipeline engine install`)',
    })
  }
  if (device === 'cpu' && !hasInstructions()) {
    throw failure('ENGINE_MISSING', 'this processor has no instructions for bfloat16', {
      hint: 'write engine.precision: float32; mixed takes a GPU, or a processor with AVX512_BF16 or AMX_BF16',
    })
  }
}

/** Without these TensorFlow would convert back and forth, slower than float32. `cpuinfo`: /proc/cpuinfo. */
export function hasBfloat16(cpuinfo: string = readCpuinfo()): boolean {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.split(' ') ?? []
  return flags.includes('avx512_bf16') || flags.includes('amx_bf16')
}

function readCpuinfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'latin1')
  } catch {
    // Not Linux: no macOS or Windows machine that TensorFlow does this on.
    return ''
  }
}
