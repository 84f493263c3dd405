import { stringify } from 'yaml'
import { placesFrom, withPlaces, withPlacesOfPrediction } from './places.ts'
import type { Prepared, PreparedPrediction } from './prepare.ts'
import { withoutPrivate } from './public-text.ts'

/** What there is to write of a prepared file. */
export type Resolved = (Pick<Prepared, 'pipeline'> | Pick<PreparedPrediction, 'prediction'>) & {
  readonly seed: number | 'random'
}

/** resolved.yaml: the pipeline with every default written out; its paths are relative to the run folder, so that it can be run. */
export function resolvedYaml(prepared: Resolved, folder: string): string {
  const places = placesFrom(folder)
  const pipeline =
    'prediction' in prepared
      ? withPlacesOfPrediction(prepared.prediction, places)
      : withPlaces(prepared.pipeline, places)
  const text = stringify(doubled({ ...pipeline, seed: prepared.seed }), {
    lineWidth: 0,
    aliasDuplicateObjects: false,
  })
  return `# Everything that the run used, defaults written out. Repeat it: pipeline run FILE\n${withoutPrivate(text)}`
}

/** Dollar signs doubled: variables have been replaced already, and loading must not look for others. */
function doubled(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$')
  if (Array.isArray(value)) return value.map(doubled)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, doubled(v)]))
}
