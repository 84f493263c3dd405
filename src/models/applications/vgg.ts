import { withPooling, type Architecture } from './application.ts'
import { IMAGENET, kerasKernels, type BaseModel, type Digests } from './record.ts'

/** Filters of the five blocks. */
const FILTERS = [64, 128, 256, 512, 512] as const

/**
 * Simonyan and Zisserman 2014, arXiv 1409.1556; layers and names of keras/src/applications/vgg16.py and vgg19.py.
 * `depths`: convolutions in each block.
 */
function vgg(name: string, depths: readonly number[]): Architecture {
  return (g, input, options) => {
    let x = input
    FILTERS.forEach((filters, index) => {
      const block = `block${index + 1}`
      const window = { filters, kernelSize: [3, 3], padding: 'same', activation: 'relu' } as const
      for (let i = 1; i <= depths[index]!; i += 1) {
        x = g.layer('Conv2D', x, window, `${block}_conv${i}`)
      }
      x = g.layer('MaxPooling2D', x, { poolSize: [2, 2], strides: [2, 2] }, `${block}_pool`)
    })
    if (!options.includeTop) return { name, output: withPooling(g, x, options) }
    x = g.layer('Flatten', x, {}, 'flatten')
    for (const dense of ['fc1', 'fc2']) {
      x = g.layer('Dense', x, { units: 4096, activation: 'relu' }, dense)
    }
    const top = { units: options.classes, activation: 'softmax' } as const
    return { name, output: g.layer('Dense', x, top, 'predictions') }
  }
}

function record(name: string, depths: readonly number[], digests: Digests): BaseModel {
  const id = name.toLowerCase()
  return {
    name,
    family: 'VGG',
    architecture: vgg(id, depths),
    inputSize: 224,
    minSize: 32,
    preprocessing: { mode: 'caffe' },
    rescalesInside: false,
    hasSizedTop: true,
    weights: kerasKernels(`${id}/${id}`, digests),
    licence: 'CC-BY-4.0',
    ...IMAGENET,
  }
}

export const VGG: readonly BaseModel[] = [
  record(
    'VGG16',
    [2, 2, 3, 3, 3],
    ['64373286793e3c8b2b4e3219cbf3544b', '6d6bbae143d832006294945121d1f1fc'],
  ),
  record(
    'VGG19',
    [2, 2, 4, 4, 4],
    ['cbe5617147190e668d6c5d5026f83318', '253f8cb515780f3b799900260a226db6'],
  ),
]
