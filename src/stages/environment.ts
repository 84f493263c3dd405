import type { Engine, Session } from '../engines/engine.ts'

/**
 * What stages share while a plan runs and no fingerprint knows of: the engine, opened at its first use and closed at the
 * end, and compiled trunks, so that two splits compile once. Stages
 * that compute are `exclusive: 'engine'`: two passes side by side would only share the same cores.
 */
export interface StageEnvironment {
  onEngine<T>(work: (engine: Engine) => Promise<T>): Promise<T>
  /** The session of this key, compiled at its first use; for use inside `onEngine`. */
  compiled(key: string, compile: () => Promise<Session>): Promise<Session>
  close(): Promise<void>
}

export function openEnvironment(open: () => Promise<Engine>): StageEnvironment {
  const sessions = new Map<string, Session>()
  let engine: Promise<Engine> | undefined
  return {
    onEngine: async (work) => {
      engine ??= open()
      return work(await engine)
    },
    compiled: async (key, compile) => {
      const known = sessions.get(key)
      if (known) return known
      const session = await compile()
      sessions.set(key, session)
      return session
    },
    close: async () => {
      for (const session of sessions.values()) await session.close()
      // An engine that never opened has already told its error to the stage that asked for it.
      const opened = await engine?.catch(() => undefined)
      await opened?.close()
    },
  }
}
