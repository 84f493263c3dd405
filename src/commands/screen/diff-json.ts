import type { RunDiff } from '../../runs/diff/diff.ts'
import type { Side } from '../../runs/diff/side.ts'
import type { Json } from '../../util/json.ts'

/** The contract of `diff --json` (spec: cli.md). What one side has not is null. */
export function diffJson(diff: RunDiff): Json {
  const { verdict, metrics, config, data, stages, environment, predictions, notes, same } = diff
  const document = {
    a: sideJson(diff.a),
    b: sideJson(diff.b),
    verdict,
    same,
    metrics,
    config,
    data,
    stages,
    environment,
    answers: predictions && { splits: predictions.splits, classes: predictions.classes },
    flips: predictions?.flips,
    notes,
  }
  return withNulls(document)
}

function sideJson({ title, record }: Side): Json {
  if (!record) return { file: title }
  const { name, id, status } = record
  return { run: { name, id }, status }
}

/** A key that has nothing to say is there all the same. */
function withNulls(value: unknown): Json {
  if (value === undefined) return null
  if (Array.isArray(value)) return value.map(withNulls)
  if (typeof value !== 'object' || value === null) return value as Json
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, withNulls(v)]))
}
