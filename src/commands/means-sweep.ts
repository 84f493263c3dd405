import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { readRun, runsRoot } from '../runs/read.ts'
import { readDefinition } from '../sweeps/definition.ts'
import type { CommandContext } from './command.ts'
import type { ReportFlags } from './report-page.ts'

/**
 * Whether a person means a sweep: a pipeline file, or the name of a sweep that was run, before runs whose id begins so. What
 * has an `@` in it, and a folder of a run, is a run.
 */
export function meansSweep(
  reference: string,
  flags: ReportFlags,
  { env, cwd }: Pick<CommandContext, 'env' | 'cwd'>,
): boolean {
  const path = resolve(cwd, reference)
  if (readRun(path)) return false
  if (existsSync(path) && statSync(path).isFile()) return true
  if (/\.ya?ml$/i.test(reference)) return true
  if (reference.includes('@') || reference.includes('/')) return false
  return readDefinition(runsRoot(flags.runs, env, cwd), reference) !== undefined
}
