import { failure } from '../../../util/diagnostic.ts'

/** The release that is installed, and whose numbers the tests were made with. */
export const TENSORFLOW_VERSION = '2.21.0'

/** The extra of the `tensorflow` wheel under which NVIDIA's packages stand. */
export const CUDA_EXTRA = 'and-cuda'

/** Bytes needed at the worst moment, download and unpacked files together (measured, rounded up). */
export const SPACE = { cpu: 1.3e9, cuda: 7e9 } as const

export interface WheelChoice {
  readonly package: string
  /** Any Python's wheel has the same libraries. */
  readonly python: string
  readonly platforms: readonly string[]
}

/** Which wheel has the libraries for this machine. Throws ENGINE_MISSING where there is none. */
export function wheelFor(
  { platform, arch }: { platform: string; arch: string },
  cuda: boolean,
): WheelChoice {
  const machine = `${platform}-${arch}`
  const tags = PLATFORM_TAGS[machine]
  if (!tags || (cuda && platform !== 'linux')) {
    throw failure(
      'ENGINE_MISSING',
      `there is no libtensorflow${cuda ? ' with CUDA' : ''} for ${machine}`,
      {
        hint: 'take `engine: wasm`, which runs everywhere',
      },
    )
  }
  // On macOS and ARM the plain package is the CPU one; on x86 Linux it is the one with CUDA.
  const plain = cuda || machine !== 'linux-x64'
  return { package: plain ? 'tensorflow' : 'tensorflow-cpu', python: '3.12', platforms: tags }
}

const manylinux = (arch: string): string[] =>
  ['manylinux_2_28', 'manylinux_2_27', 'manylinux_2_17', 'manylinux2014'].map((t) => `${t}_${arch}`)

const PLATFORM_TAGS: Readonly<Record<string, readonly string[]>> = {
  'linux-x64': manylinux('x86_64'),
  'linux-arm64': manylinux('aarch64'),
  'darwin-arm64': ['macosx_12_0_arm64', 'macosx_11_0_arm64'],
}

/** The files of a tensorflow wheel that are kept, beside the libraries: what their licences ask for. */
const NOTICE =
  /^(tensorflow\/(THIRD_PARTY_NOTICES\.txt|include\/LICENSE)|[^/]+\.dist-info\/(LICENSE|NOTICE|licenses\/).*)$/i

/** Headers and static libraries are for builders; everything else is read or opened by TensorFlow. */
const NVIDIA = /^nvidia\/[^/]+\/(?!include\/)[\w.+/-]+$/

export function wantedOfTensorflow(libraries: readonly string[]): (name: string) => boolean {
  const paths = new Set(libraries.map((library) => `tensorflow/${library}`))
  return (name) => paths.has(name) || (isPlain(name) && NOTICE.test(name))
}

export function wantedOfNvidia(name: string): boolean {
  return isPlain(name) && !/\.(a|py|pyc)$/.test(name) && (NVIDIA.test(name) || NOTICE.test(name))
}

/** Nothing that could leave the folder it is put into. */
function isPlain(name: string): boolean {
  return /^[\w.+/-]+$/.test(name) && !name.startsWith('/') && !name.split('/').includes('..')
}
