import { markup, type Html } from '../html.ts'
import type { Section } from '../page.ts'
import type { RunReport } from '../read.ts'

/** resolved.yaml: everything that was used. */
export function configuration({ resolved }: RunReport): Section | undefined {
  if (resolved === undefined) return undefined
  const lines = resolved.trimEnd().split('\n')
  return {
    id: 'configuration',
    title: 'Configuration',
    body: markup`<p class="note">Every key with its value, defaults included, as <code>resolved.yaml</code> in the folder of the run has it.</p>
      <details class="printed">
        <summary>${lines.length} lines</summary>
        <pre tabindex="0"><code>${lines.map(coloured)}</code></pre>
      </details>`,
  }
}

/** The key of a line apart from its value. */
function coloured(line: string): Html {
  const key = /^(\s*(?:- )*)([A-Za-z][\w.]*:)(.*)$/.exec(line)
  return key ? markup`${key[1]}<b>${key[2]}</b>${key[3]}\n` : markup`${line}\n`
}
