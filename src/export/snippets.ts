import type { RunInput } from '../runs/load-model.ts'

/** What a program must know that predicts with an exported model. */
export interface SnippetFacts {
  readonly input: RunInput
  /** One output stands for two classes. */
  readonly isBinary: boolean
}

/** Loads model.keras and predicts one picture, its pixels those of training. */
export function pythonSnippet({ input, isBinary }: SnippetFacts): string {
  const { imageSize, fit, resize, exif, colorMode } = input
  const [height, width] = imageSize
  const isGrey = colorMode === 'grayscale'
  const usesOps = exif || (fit !== 'stretch' && resize.library === 'pillow')
  const filter = `Image.Resampling.${resize.method.toUpperCase()}`
  const pillow = {
    stretch: `picture.resize((${width}, ${height}), ${filter})`,
    crop: `ImageOps.fit(picture, (${width}, ${height}), ${filter})`,
    pad: `ImageOps.pad(picture, (${width}, ${height}), ${filter})`,
  }[fit]
  const tensorflow = [
    `pixels = np.asarray(picture).reshape(picture.height, picture.width, ${isGrey ? 1 : 3})`,
    `pixels = np.round(tf.image.resize(pixels, (${height}, ${width}), method="${resize.method}"))`,
  ]
  return lines(
    'import keras',
    'import numpy as np',
    resize.library === 'tensorflow' && 'import tensorflow as tf',
    `from PIL import Image${usesOps ? ', ImageOps' : ''}`,
    '',
    'model = keras.saving.load_model("model.keras")',
    'labels = open("labels.txt", encoding="utf-8").read().splitlines()',
    '',
    'picture = Image.open("picture.jpg")',
    exif && 'picture = ImageOps.exif_transpose(picture)',
    `picture = picture.convert("${isGrey ? 'L' : 'RGB'}")`,
    ...(resize.library === 'tensorflow' ? tensorflow : [`pixels = np.asarray(${pillow})`]),
    `pixels = pixels.reshape(1, ${height}, ${width}, ${isGrey ? 1 : 3}).astype("float32")`,
    'output = model.predict(pixels)[0]',
    isBinary
      ? 'print(labels[int(output[0] > 0.5)], output[0])'
      : 'print(labels[int(output.argmax())], output.max())',
  )
}

/** A page that loads model.json and predicts one picture. */
export function htmlSnippet({ input, isBinary }: SnippetFacts): string {
  const { imageSize, colorMode } = input
  const luminance = '  const grey = pixels.mul([0.299, 0.587, 0.114]).sum(2, true)'
  const isGrey = colorMode === 'grayscale'
  return lines(
    '<script src="tf.min.js"></script>',
    '<img id="picture" src="picture.jpg">',
    '<script type="module">',
    "const model = await tf.loadLayersModel('model.json')",
    'const { labels } = model.getUserDefinedMetadata()',
    "const picture = document.getElementById('picture')",
    'await picture.decode()',
    'const output = tf.tidy(() => {',
    '  const pixels = tf.browser.fromPixels(picture).toFloat()',
    isGrey && luminance,
    `  const resized = tf.image.resizeBilinear(${isGrey ? 'grey' : 'pixels'}, [${imageSize.join(', ')}], false, true)`,
    '  return model.predict(resized.expandDims(0)).dataSync()',
    '})',
    isBinary
      ? 'console.log(labels[output[0] > 0.5 ? 1 : 0], output[0])'
      : 'console.log(labels[output.indexOf(Math.max(...output))], Math.max(...output))',
    '</script>',
  )
}

function lines(...parts: readonly (string | false)[]): string {
  return parts.filter((part) => part !== false).join('\n')
}
