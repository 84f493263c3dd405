import { CONVNEXT } from './applications/convnext.ts'
import { EFFICIENTNET_LITE } from './applications/efficientnet-lite.ts'
import { EFFICIENTNET_V2 } from './applications/efficientnet-v2.ts'
import { EFFICIENTNET } from './applications/efficientnet.ts'
import { MOBILENET_V2 } from './applications/mobilenet-v2.ts'
import { MOBILENET_V3 } from './applications/mobilenet-v3.ts'
import { NASNET } from './applications/nasnet.ts'
import type { BaseModel } from './applications/record.ts'

export type { BaseModel, WeightsVariant } from './applications/record.ts'

/** Every base model, in the order of listings, which is that of the schema. */
export const BASE_MODELS: readonly BaseModel[] = [
  ...NASNET,
  ...MOBILENET_V2,
  ...MOBILENET_V3,
  ...EFFICIENTNET_LITE,
  ...EFFICIENTNET,
  ...EFFICIENTNET_V2,
  ...CONVNEXT,
]
