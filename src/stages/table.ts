import type { StageKind } from '../graph/stage.ts'
import type { StageEnvironment } from './environment.ts'
import { DOWNLOAD } from './download.ts'
import { evaluateKind } from './evaluate.ts'
import { featuresKind } from './features.ts'
import { INDEX } from './index.ts'
import { PIXELS } from './pixels.ts'
import { trainKind } from './train.ts'
import { UNPACK } from './unpack.ts'
import { WEIGHTS } from './weights.ts'

/** Every stage kind, by name, in the order in which a pipeline meets them. */
export function stageKinds(environment: StageEnvironment): Readonly<Record<string, StageKind>> {
  const kinds = [
    DOWNLOAD,
    UNPACK,
    INDEX,
    PIXELS,
    WEIGHTS,
    featuresKind(environment),
    trainKind(environment),
    evaluateKind(environment),
  ]
  return Object.fromEntries(kinds.map((kind) => [kind.kind, kind]))
}
