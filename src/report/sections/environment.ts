import type { Json } from '../../util/json.ts'
import { markup, type Part } from '../html.ts'
import type { Section } from '../page.ts'
import type { RunReport } from '../read.ts'
import { facts } from '../table.ts'

/** What the run was made with: versions, processor, commit. */
export function environment({ record }: RunReport): Section {
  const { environment: made, engine, pipeline } = record
  const { git, graft, node, platform, cores, ...others } = made
  const pairs: (readonly [string, Part])[] = [
    ['Graft', text(graft)],
    ['Node', text(node)],
    ['Platform', text(platform)],
    ['Cores', text(cores)],
    ...(engine ? engineFacts(engine) : []),
    ...gitFacts(git),
    ...Object.entries(others).map(([name, value]) => [name, text(value)] as const),
    ['Pipeline', markup`<code>${pipeline.replace(/^sha256:/, '').slice(0, 12)}</code>`],
  ]
  return {
    id: 'environment',
    title: 'Environment',
    body: facts(pairs.filter(([, value]) => value !== '')),
  }
}

function engineFacts(
  engine: NonNullable<RunReport['record']['engine']>,
): (readonly [string, Part])[] {
  const { name, version, device, threads, precision, adapter } = engine
  return [
    ['Engine', `${name} ${version}`],
    ['Device', adapter === undefined ? device : `${device}: ${adapter}`],
    ['Threads', threads],
    ['Precision', precision ?? 'float32'],
  ]
}

function gitFacts(git: Json | undefined): (readonly [string, Part])[] {
  if (typeof git !== 'object' || git === null || !('commit' in git)) return []
  const { commit, dirty } = git
  const changed = dirty === true ? ', with changes that are not committed' : ''
  return [['Commit', markup`<code>${text(commit).slice(0, 12)}</code>${changed}`]]
}

function text(value: Json | undefined): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
