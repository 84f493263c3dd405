import { Message } from './protobuf.ts'

export interface SessionConfig {
  /** Threads inside one op. Process-wide: the first session decides. */
  readonly threads: number
  /** Undefined: no GPU is to be seen. */
  readonly gpu: number | undefined
}

/**
 * On a CPU only the remapper is worth its time: it fuses convolution, bias, sum and activation. The others find nothing,
 * as the program is simplified already, and take two thirds of the time to the first result (NASNetMobile: 1.2 s
 * to 0.4 s); and where all biases are zero, as before any training, constant folding removes them, whereupon nothing is fused.
 */
const CPU_OPTIMIZERS = ['remap']

/** A ConfigProto (tensorflow/core/protobuf/config.proto), field by field. */
export function encodeConfig({ threads, gpu }: SessionConfig): Uint8Array {
  const config = new Message()
  if (gpu === undefined) {
    config.message(1, new Message().string(1, 'GPU').varint(2, 0)) // device_count, a map
  }
  config
    .varint(2, threads) // intra_op_parallelism_threads
    // One op after another: with more, sums come in another order at every run (and nothing gets faster).
    .varint(5, 1) // inter_op_parallelism_threads
  if (gpu !== undefined) {
    // gpu_options: allow_growth (or TensorFlow takes all of the memory at once), visible_device_list
    config.message(6, new Message().varint(4, true).string(5, String(gpu)))
  }
  // allow_soft_placement: integers and the like stay on the CPU
  config.varint(7, true)
  if (gpu === undefined) {
    const rewrites = new Message().varint(12, 1) // meta_optimizer_iterations: ONE
    for (const name of CPU_OPTIMIZERS) rewrites.string(100, name)
    config.message(10, new Message().message(10, rewrites)) // graph_options.rewrite_options
  }
  return config.toBytes()
}
