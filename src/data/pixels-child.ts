import {
  createPainter,
  type PictureTask,
  type TaskResult,
  type WorkerSetup,
} from './pixels-worker.ts'

/** What the parent sends: the setup first, then tasks a few at a time. */
export type ToChild = { readonly setup: WorkerSetup } | { readonly tasks: readonly PictureTask[] }
export type FromChild = { readonly results: readonly TaskResult[] }

/** The program of a decoding process; it ends when the parent closes the channel, or dies. */
let painter: ReturnType<typeof createPainter> | undefined
/** The next message waits for the one before: a painter makes one picture at a time in memory it uses again. */
let last: Promise<void> = Promise.resolve()
process.on('message', (message: ToChild) => {
  last = last.then(() => receive(message))
})
process.on('disconnect', () => process.exit(0))
// Ctrl-C reaches the whole process group; the parent decides when we stop.
process.on('SIGINT', () => {})

async function receive(message: ToChild): Promise<void> {
  if ('setup' in message) {
    painter = createPainter(message.setup)
    return
  }
  const results: TaskResult[] = []
  for (const task of message.tasks) results.push(await (await painter!).paint(task))
  process.send!({ results } satisfies FromChild)
}
