/**
 * Where the modules of tfhub.dev went when Kaggle took them over: its redirects give no rule, so these are the families
 * of image models whose pages were seen in use, by the paths of their handles.
 */
const ROWS: readonly {
  readonly path: RegExp
  readonly kaggle: (m: readonly string[]) => string
}[] = [
  {
    path: /^tensorflow\/efficientnet\/(\w+)\/([\w-]+)\/(\d+)$/,
    kaggle: ([, size, kind, v]) => `tensorflow/efficientnet/tensorFlow2/${size}-${kind}/${v}`,
  },
  {
    // The same networks as modules of TensorFlow 1.
    path: /^google\/efficientnet\/(\w+)\/([\w-]+)\/(\d+)$/,
    kaggle: ([, size, kind, v]) => `google/efficientnet/tensorFlow1/${size}-${kind}/${v}`,
  },
  {
    path: /^tensorflow\/resnet_50\/(\w+)\/(\d+)$/,
    kaggle: ([, kind, v]) => `tensorflow/resnet-50/tensorFlow2/${dashed(kind!)}/${v}`,
  },
  {
    path: /^google\/tf2-preview\/(\w+)\/(\w+)\/(\d+)$/,
    kaggle: ([, family, kind, v]) =>
      `google/${dashed(family!)}/tensorFlow2/tf2-preview-${dashed(kind!)}/${v}`,
  },
  {
    path: /^google\/imagenet\/efficientnet_v2_(\w+)\/(\w+)\/(\d+)$/,
    kaggle: ([, size, kind, v]) =>
      `google/efficientnet-v2/tensorFlow2/${dashed(size!)}-${dashed(kind!)}/${v}`,
  },
  {
    path: /^google\/imagenet\/(mobilenet_v[123]|inception_resnet_v2|inception_v[123]|resnet_v[12]|p?nasnet)(?:_(\w+))?\/(\w+)\/(\d+)$/,
    kaggle: ([, family, size, kind, v]) => {
      const variation = [size, kind].filter((part) => part !== undefined).join('-')
      const [framework, version] = release(family!, Number(v))
      return `google/${dashed(family!)}/${framework}/${dashed(variation)}/${version}`
    },
  },
]

/**
 * `OWNER/MODEL/FRAMEWORK/VARIATION/VERSION` of Kaggle for a path of tfhub.dev (`google/imagenet/…/5`), where it is
 * known.
 */
export function kaggleOf(path: string): string | undefined {
  for (const row of ROWS) {
    const match = row.path.exec(path)
    if (match) return row.kaggle(match)
  }
  return undefined
}

/** Versions 4 and 5 of these families were the first for TensorFlow 2 (of MobileNetV3 only 5); Kaggle counts from 1. */
function release(family: string, version: number): [framework: string, version: number] {
  const last = family === 'mobilenet_v3' ? 4 : 3
  return version > last ? ['tensorFlow2', version - last] : ['tensorFlow1', version]
}

function dashed(part: string): string {
  return part.replaceAll('_', '-')
}
