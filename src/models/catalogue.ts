import { CONVNEXT } from './applications/convnext.ts'
import { DENSENET } from './applications/densenet.ts'
import { EFFICIENTNET_LITE } from './applications/efficientnet-lite.ts'
import { EFFICIENTNET_V2 } from './applications/efficientnet-v2.ts'
import { EFFICIENTNET } from './applications/efficientnet.ts'
import { INCEPTION_RESNET_V2 } from './applications/inception-resnet-v2.ts'
import { INCEPTION_V3 } from './applications/inception-v3.ts'
import { MOBILENET_V2 } from './applications/mobilenet-v2.ts'
import { MOBILENET_V3 } from './applications/mobilenet-v3.ts'
import { MOBILENET } from './applications/mobilenet.ts'
import { NASNET } from './applications/nasnet.ts'
import type { BaseModel } from './applications/record.ts'
import { RESNET } from './applications/resnet.ts'
import { VGG } from './applications/vgg.ts'
import { XCEPTION } from './applications/xception.ts'

export type { BaseModel, WeightsVariant } from './applications/record.ts'

/** Every base model, in the order of listings, which is that of the schema. */
export const BASE_MODELS: readonly BaseModel[] = [
  ...NASNET,
  ...MOBILENET,
  ...MOBILENET_V2,
  ...MOBILENET_V3,
  ...INCEPTION_V3,
  ...INCEPTION_RESNET_V2,
  ...XCEPTION,
  ...VGG,
  ...RESNET,
  ...DENSENET,
  ...EFFICIENTNET_LITE,
  ...EFFICIENTNET,
  ...EFFICIENTNET_V2,
  ...CONVNEXT,
]
