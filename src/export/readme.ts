import { isBinary } from '../models/labels.ts'
import { sizeOf, type Shape } from '../program/program.ts'
import type { RunInput, RunModel } from '../runs/load-model.ts'
import type { ExportFormat } from './formats.ts'
import { htmlSnippet, pythonSnippet } from './snippets.ts'

/** What README.md is about. */
export interface ReadmeFacts extends Pick<RunModel, 'classes' | 'input'> {
  /** Its name and id. */
  readonly run: string
  readonly outputShape: Shape
  /** A module of TensorFlow Hub or another SavedModel is part of it. */
  readonly isModule: boolean
  /** What the check after writing found, as a sentence. */
  readonly check: string
}

/** How to use what stands beside it, for a person who has never heard of this program. */
export function readme(format: ExportFormat, facts: ReadmeFacts): string {
  const { run, classes, input, outputShape, isModule, check } = facts
  const outputs = sizeOf(outputShape)
  const binary = isBinary(classes, outputs)
  const shape = [...input.imageSize, input.colorMode === 'grayscale' ? 1 : 3].join(', ')
  const colours = input.colorMode === 'grayscale' ? 'grey' : 'red, green, blue'
  const output = binary
    ? `the probability of \`${classes[1]}\`; what it lacks to 1 is that of \`${classes[0]}\``
    : 'one number for each line of labels.txt, in its order'
  return `# ${run}

${FILES[format]}

- **Input**: float32 [pictures, ${shape}], values 0 to 255, ${colours}. What was done to pixels before the network in
  training is a part of the model: do not do it again.
- **Picture to pixels**: ${resizeText(input)}.
- **Output**: float32 [pictures, ${outputs}]: ${output}.
- **Checked**: ${check}.
${isModule ? MODULE : ''}
${format === 'keras' ? python(binary, input) : javascript(binary, input)}`
}

const MODULE = `- **The trunk** was a SavedModel (a module of TensorFlow Hub, for example). Here it is the layers that its inference function
  consists of, with the weights of this run; what the module does in training alone is not in it.
`

const FILES: Readonly<Record<ExportFormat, string>> = {
  keras: `The whole model in one file of Keras 3, \`model.keras\`, that loads without any code beside Keras; its classes in
\`labels.txt\`, one a line.`,
  tfjs: `The whole model for TensorFlow.js 4: \`model.json\`, with its weights in the \`.bin\` files; its classes in \`labels.txt\`,
one a line, and in the model's own metadata.`,
}

function resizeText({ imageSize, fit, resize, exif, colorMode }: RunInput): string {
  const [height, width] = imageSize
  const size = `${height} rows and ${width} columns`
  const how = {
    stretch: `the whole picture to ${size}`,
    crop: `its largest middle part of that shape to ${size}`,
    pad: `to fit into ${size}, with black around it`,
  }[fit]
  const library = resize.library === 'pillow' ? 'Pillow does' : "TensorFlow's tf.image.resize does"
  const turned = exif ? 'turned as its EXIF says, ' : ''
  const grey = colorMode === 'grayscale' ? ', grey by luminance' : ''
  return `${turned}${how}, ${resize.method} as ${library}${grey}`
}

const python = (binary: boolean, input: RunInput) => `## Python

With \`keras\` 3 and one of its backends, and \`pillow\`:

\`\`\`python
${pythonSnippet({ isBinary: binary, input })}
\`\`\`
`

const javascript = (binary: boolean, input: RunInput) => `## JavaScript

A page beside these files, with \`tf.min.js\` of \`@tensorflow/tfjs\` 4, and served: browsers load no model from a disk.

\`\`\`html
${htmlSnippet({ isBinary: binary, input })}
\`\`\`

\`resizeBilinear\` does not smooth what it shrinks, as Pillow does: numbers differ a little from those of training for
pictures much larger than the model's.
`
