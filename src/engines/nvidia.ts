/** One GPU as `nvidia-smi` lists it. */
export interface NvidiaGpu {
  readonly name: string
  readonly driver: string
  /** `81559 MiB`. */
  readonly memory: string
}

/** NVIDIA's GPUs that the driver of this machine shows; undefined where there is no `nvidia-smi`. */
export async function listNvidiaGpus(
  signal?: AbortSignal,
): Promise<{ gpus: readonly NvidiaGpu[]; problem?: string } | undefined> {
  const { execa } = await import('execa')
  const query = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader']
  const result = await execa('nvidia-smi', query, {
    reject: false,
    stdin: 'ignore',
    timeout: 30_000,
    ...(signal ? { cancelSignal: signal } : {}),
  })
  signal?.throwIfAborted()
  if (result.code === 'ENOENT') return undefined
  if (result.failed) {
    return {
      gpus: [],
      problem: (result.stderr || result.stdout).trim().split('\n')[0] || 'it failed',
    }
  }
  const lines = result.stdout.split('\n').filter((line) => line.trim() !== '')
  return {
    gpus: lines.map((line) => {
      const [name = '', driver = '', memory = ''] = line.split(',').map((cell) => cell.trim())
      return { name, driver, memory }
    }),
  }
}
