import { EFFICIENTNET_LITE } from './applications/efficientnet-lite.ts'
import { MOBILENET_V2 } from './applications/mobilenet-v2.ts'
import { NASNET } from './applications/nasnet.ts'
import type { BaseModel } from './applications/record.ts'

export type { BaseModel, WeightsVariant } from './applications/record.ts'

/** Every base model, in the order of listings, which is that of the schema. */
export const BASE_MODELS: readonly BaseModel[] = [...NASNET, ...MOBILENET_V2, ...EFFICIENTNET_LITE]
