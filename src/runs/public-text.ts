import { homedir } from 'node:os'
import { dirname, isAbsolute, resolve } from 'node:path'
import type { LoadedPipeline, LoadedPrediction } from '../pipeline/load.ts'
import { placesFrom, withPlaces, withPlacesOfPrediction } from './places.ts'

/**
 * The pipeline file's text as a run keeps it: as it was, but that addresses lose their queries, which may hold a key, and
 * that absolute paths are written as seen from the file, or from home as ~.
 */
export function publicText(loaded: LoadedPipeline | LoadedPrediction): string {
  const { file, text } = loaded
  const near = placesFrom(resolve(dirname(file)))
  const absolute = new Set<string>()
  const places = { ...near, path: (path: string) => (absolute.add(path), path) }
  if ('pipeline' in loaded) withPlaces(loaded.pipeline, places)
  else withPlacesOfPrediction(loaded.prediction, places)
  const paths = [...absolute].filter(isAbsolute).sort((a, b) => b.length - a.length)
  const withoutPaths = paths.reduce((rest, path) => rest.replaceAll(path, near.path(path)), text)
  return withoutPrivate(withoutPaths)
}

/** Home as ~, addresses without their queries. */
export function withoutPrivate(text: string): string {
  const home = homedir()
  const withoutHome = home.length > 1 ? text.replaceAll(`${home}/`, '~/') : text
  return withoutHome.replace(/(\bhttps?:\/\/[^\s"'?#]+)\?[^\s"',}\]]*/g, '$1')
}
