import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bindLibC } from '../tensorflow/c-api.ts'

/**
 * Calls with stderr caught for as long as the call itself takes: Dawn tells there why it takes no adapter, and much that
 * nobody has asked for. `said`: the first of its warnings, for an error.
 */
export function quietly<T>(call: () => T, verbose: boolean): { result: T; said: string } {
  if (verbose || process.platform === 'win32') return { result: call(), said: '' }
  const folder = mkdtempSync(join(tmpdir(), 'graft-dawn-'))
  const file = openSync(join(folder, 'stderr'), 'w+')
  try {
    const result = redirected(file, call)
    return { result, said: firstWarning(file) }
  } finally {
    closeSync(file)
    rmSync(folder, { recursive: true })
  }
}

function redirected<T>(file: number, call: () => T): T {
  const c = bindLibC()
  const saved = c.duplicate(2)
  if (saved < 0) return call()
  try {
    c.duplicateTo(file, 2)
    return call()
  } finally {
    c.duplicateTo(saved, 2)
    closeSync(saved)
  }
}

function firstWarning(file: number): string {
  const bytes = Buffer.alloc(8192)
  const text = bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0))
  return /^Warning: (.*?)\.?$/m.exec(text)?.[1] ?? ''
}
