import { digestOf, type Digest } from '../util/digest.ts'
import { canonicalJson, type JsonObject } from '../util/json.ts'
import type { FingerprintDocument, Stage, StageKind } from './stage.ts'

/**
 * What decides whether the stage must run. `inputs` are content digests of the needs' outputs, by input name;
 * `source` is what the kind's `probe` found in the world outside.
 */
export function documentOf(
  stage: Stage,
  kind: StageKind,
  inputs: Readonly<Record<string, Digest>>,
  source?: Digest,
): FingerprintDocument {
  if (source !== undefined && 'source' in inputs) {
    throw new Error(`stage ${stage.id} is probed, so none of its needs can be called "source"`)
  }
  return {
    kind: stage.kind,
    version: kind.version,
    params: stage.params,
    inputs: source === undefined ? inputs : { ...inputs, source },
    ...(stage.seed === undefined ? {} : { seed: stage.seed }),
    ...(stage.numerics === undefined ? {} : { numerics: stage.numerics }),
  }
}

/** sha256 of the document's canonical JSON: sorted keys, no white space, absent members left out. */
export function fingerprintOf(document: FingerprintDocument): Digest {
  return digestOf(canonicalJson(document as unknown as JsonObject))
}

/** What an input adds to a fingerprint: the digest of its whole output, or of the one file that is read. */
export function digestOfPart(
  output: {
    readonly digest: Digest
    readonly parts?: Readonly<Record<string, Digest>> | undefined
  },
  part: string | undefined,
): Digest {
  if (part === undefined) return output.digest
  const digest = output.parts?.[part]
  if (digest === undefined) throw new Error(`no file ${part} in the output of a stage`)
  return digest
}
