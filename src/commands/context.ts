/** What a command may touch beside its arguments. */
export interface CommandContext {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
}
