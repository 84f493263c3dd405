import { Message } from './protobuf.ts'

export interface SessionConfig {
  /** Threads inside one op, and ops side by side. Process-wide: the first session decides. */
  readonly threads: number
  /** Undefined: no GPU is to be seen. */
  readonly gpu: number | undefined
  /** Convolutions and matrix products in bfloat16 (CPU) or float16 (GPU). */
  readonly mixed?: boolean
}

/**
 * On a CPU only the remapper is worth its time: it fuses convolution, bias, sum and activation. The others find nothing,
 * as the program is simplified already, and take two thirds of the time to the first result (NASNetMobile: 1.2 s
 * to 0.4 s); and where all biases are zero, as before any training, constant folding removes them, whereupon nothing is fused.
 */
const CPU_OPTIMIZERS = ['remap']

/**
 * In this order: fusing needs the types decided, and constants are converted to bfloat16 once and for all after fusing (MobileNetV2,
 * batch 16: 37 ms without the last, 34 with it, 97 with the two exchanged, 67 in float32).
 */
const MIXED_CPU_OPTIMIZERS = ['auto_mixed_precision_onednn_bfloat16', 'remap', 'constfold']

/** A ConfigProto (tensorflow/core/protobuf/config.proto), field by field. */
export function encodeConfig({ threads, gpu, mixed = false }: SessionConfig): Uint8Array {
  const config = new Message()
  if (gpu === undefined) {
    config.message(1, new Message().string(1, 'GPU').varint(2, 0)) // device_count, a map
  }
  config
    .varint(2, threads) // intra_op_parallelism_threads
    // Branches of a graph run side by side. No result depends on which of them ends first: a sum of several is a chain of
    // Adds, and an update waits for whoever reads what it changes.
    .varint(5, threads) // inter_op_parallelism_threads
  if (gpu !== undefined) {
    // gpu_options: allow_growth (or TensorFlow takes all of the memory at once), visible_device_list
    config.message(6, new Message().varint(4, true).string(5, String(gpu)))
  }
  // allow_soft_placement: integers and the like stay on the CPU
  config.varint(7, true)
  const rewrites = gpu === undefined ? cpuRewrites(mixed) : gpuRewrites(mixed)
  // graph_options.rewrite_options
  if (rewrites.length > 0) config.message(10, new Message().message(10, rewrites))
  return config.toBytes()
}

/** A RewriterConfig (tensorflow/core/protobuf/rewriter_config.proto). */
function cpuRewrites(mixed: boolean): Message {
  const rewrites = new Message().varint(12, 1) // meta_optimizer_iterations: ONE
  if (mixed) rewrites.varint(31, 1) // auto_mixed_precision_onednn_bfloat16: ON
  for (const name of mixed ? MIXED_CPU_OPTIMIZERS : CPU_OPTIMIZERS) rewrites.string(100, name)
  return rewrites
}

/** Where nothing is named TensorFlow takes its usual optimizers. */
function gpuRewrites(mixed: boolean): Message {
  return mixed ? new Message().varint(23, 1) : new Message() // auto_mixed_precision: ON
}
