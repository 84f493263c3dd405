import { alternatives, SCHEMA, type Schema } from '../../pipeline/schema.ts'

/** Whether a run could have the key: a metric, or a setting of pipeline files. */
export function isKnownKey(key: string): boolean {
  const steps = key.split('.')
  return isMetric(steps) || reached([SCHEMA], steps).length > 0
}

function isMetric(steps: readonly string[]): boolean {
  const [split, name] = steps.length === 2 ? steps : ['test', steps[0]]
  const metrics = reached([SCHEMA], ['evaluation', 'metrics', '0']).flatMap((s) => s.enum ?? [])
  const splits = Object.keys(reached([SCHEMA], ['dataset', 'splits'])[0]?.properties ?? {})
  return steps.length <= 2 && metrics.includes(name!) && splits.includes(split!)
}

/** What may stand at a path, whatever stands beside it. */
function reached(
  schemas: readonly Schema[],
  [step, ...more]: readonly string[],
): readonly Schema[] {
  const all = schemas.flatMap(alternatives)
  if (step === undefined) return all
  const next = all.flatMap((schema) => {
    if (/^\d+$/.test(step) && schema.items) return [schema.items]
    const { properties = {}, additionalProperties: other } = schema
    if (Object.hasOwn(properties, step)) return [properties[step]!]
    return other ? [other] : []
  })
  return next.length === 0 ? [] : reached(next, more)
}
