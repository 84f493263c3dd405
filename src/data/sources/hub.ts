import { failure } from '../../util/diagnostic.ts'
import { kaggleOf } from './hub-kaggle.ts'

/** A module of TensorFlow Hub or a model of Kaggle: where its archive (a SavedModel as tar.gz) may be had. */
export interface HubSource {
  /** As it was written, without a query. It stands for the module: in fingerprints, in pipeline.lock, in messages. */
  readonly handle: string
  /** To be tried in turn. */
  readonly urls: readonly string[]
}

/** tfhub.dev and its mirror in China. */
const TFHUB = /^https:\/\/(?:tfhub\.dev|hub\.tensorflow\.google\.cn)\/([\w.-]+(?:\/[\w.-]+)+\/\d+)$/
/** A page of Kaggle: the longer spelling was its first. */
const PAGE =
  /^https:\/\/(?:www\.)?kaggle\.com\/models\/([\w.-]+)\/([\w.-]+)\/(?:frameworks\/)?([\w.-]+)\/(?:variations\/)?([\w.-]+)\/(?:versions\/)?(\d+)$/
const KAGGLE = /^([\w.-]+)\/([\w.-]+)\/([\w.-]+)\/([\w.-]+)\/(\d+)$/
const ARCHIVE = /^https:\/\/[^\s/?#]+\/[^\s?#]+\.(?:tar\.gz|tgz)$/

/** As Kaggle's own client writes them; its pages begin them with a capital. */
const FRAMEWORKS = [
  'tensorFlow2',
  'tensorFlow1',
  'tfJs',
  'tfLite',
  'keras',
  'pyTorch',
  'jax',
  'flax',
]

export interface HubHosts {
  /** In place of https://tfhub.dev; a mirror is then asked alone, without TensorFlow Hub's old bucket. */
  readonly GRAFT_TFHUB_URL?: string | undefined
  /** In place of https://www.kaggle.com. */
  readonly GRAFT_KAGGLE_URL?: string | undefined
}

/**
 * The addresses of a handle's archive, in every form that people have: an address of tfhub.dev, a page of Kaggle,
 * Kaggle's own handle, an archive's address. tfhub.dev answers `?tf-hub-format=compressed` with a redirect (since
 * November 2023 to Kaggle's storage), Kaggle has an API (kagglehub, http_resolver.py) and answers the same query on its
 * pages; modules of Google lay in a bucket before. Throws WRONG_VALUE for anything else.
 */
export function hubSource(written: string, hosts: HubHosts = process.env): HubSource {
  const handle = hubHandle(written)
  const tfhub = TFHUB.exec(handle)
  if (tfhub) return { handle, urls: tfhubUrls(tfhub[1]!, hosts) }
  const kaggle = PAGE.exec(handle) ?? KAGGLE.exec(handle)
  if (kaggle) return { handle, urls: kaggleUrls(kaggle.slice(1).join('/'), hosts) }
  if (ARCHIVE.test(written)) return { handle: written, urls: [written] }
  throw failure('WRONG_VALUE', `${JSON.stringify(handle)} names no module of TensorFlow Hub`, {
    hint: `use one of ${HUB_FORMS.join(', ')}; for files of this machine use {savedModel: …}`,
  })
}

export const HUB_FORMS = [
  'https://tfhub.dev/PUBLISHER/…/VERSION',
  'https://www.kaggle.com/models/OWNER/MODEL/FRAMEWORK/VARIATION/VERSION',
  'OWNER/MODEL/FRAMEWORK/VARIATION/VERSION (of Kaggle)',
  'https://…/MODULE.tar.gz',
]

/** What was written, without its query, which asks for a form of the module (`?tf-hub-format=…`), or holds a key. */
export function hubHandle(written: string): string {
  return written
    .trim()
    .replace(/[?#].*$/, '')
    .replace(/\/+$/, '')
}

function tfhubUrls(path: string, hosts: HubHosts): string[] {
  const mirror = hosts.GRAFT_TFHUB_URL
  const first = `${mirror ? trimmed(mirror) : 'https://tfhub.dev'}/${path}?tf-hub-format=compressed`
  const kaggle = kaggleOf(path)
  return [
    first,
    ...(kaggle === undefined ? [] : kaggleUrls(kaggle, hosts)),
    ...(mirror ? [] : [`https://storage.googleapis.com/tfhub-modules/${path}.tar.gz`]),
  ]
}

function kaggleUrls(model: string, hosts: HubHosts): string[] {
  const root = hosts.GRAFT_KAGGLE_URL ? trimmed(hosts.GRAFT_KAGGLE_URL) : 'https://www.kaggle.com'
  const [owner, name, written, variation, version] = model.split('/')
  const framework = FRAMEWORKS.find((f) => f.toLowerCase() === written!.toLowerCase()) ?? written
  const path = [owner, name, framework, variation, version].join('/')
  return [
    `${root}/api/v1/models/${path}/download`,
    `${root}/models/${path}?tf-hub-format=compressed`,
  ]
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, '')
}
