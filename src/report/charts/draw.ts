import { plot, type PlotOptions } from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import { escapeHtml, trusted, wellFormed, type Html } from '../html.ts'

/** What of the DOM a drawing is tidied with; there is no browser, and so none of its types. */
interface Element {
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>
  querySelectorAll(selector: string): Iterable<Element>
  setAttribute(name: string, value: string): void
  removeAttribute(name: string): void
  remove(): void
  readonly outerHTML: string
}

const { document } = parseHTML('<!doctype html><html><body></body></html>')

/** Numbers in these are coordinates: a hundredth of a pixel is enough. */
const GEOMETRY = new Set([
  'd',
  'transform',
  'x',
  'y',
  'x1',
  'x2',
  'y1',
  'y2',
  'width',
  'height',
  'cx',
  'cy',
  'r',
])
/** What Plot says of its parts: as a picture the drawing has one label, and no parts. */
const PARTS = ['aria-label', 'aria-hidden', 'aria-description']

/**
 * A drawing of Observable Plot as SVG that needs neither script nor styles of its own: colours are `var(--…)` of the page,
 *  text is the page's. `label` is what is read out in its place, whole sentences. It fills its place; with `least` it is never
 * larger than `width`, and from that share of it on it scrolls.
 */
export function draw(
  label: string,
  options: PlotOptions,
  { least }: { readonly least?: number } = {},
): Html {
  const svg = plot({
    ...options,
    document,
    className: 'chart',
  } as PlotOptions) as unknown as Element
  for (const style of svg.querySelectorAll('style')) style.remove()
  for (const element of svg.querySelectorAll('*')) tidy(element)
  for (const name of ['font-family', 'font-size']) svg.removeAttribute(name)
  const { width } = options
  if (least !== undefined && width !== undefined) {
    svg.setAttribute(
      'style',
      `min-width:${Math.round(least * width)}px;max-width:${Math.round(width)}px`,
    )
  }
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', 'LABEL')
  // linkedom writes attributes as it likes; the label may have anything in it.
  return trusted(wellFormed(svg.outerHTML).replace('"LABEL"', () => `"${escapeHtml(label)}"`))
}

function tidy(element: Element): void {
  for (const name of PARTS) element.removeAttribute(name)
  for (const { name, value } of [...element.attributes]) {
    if (!GEOMETRY.has(name)) continue
    element.setAttribute(
      name,
      value.replace(/\d+\.\d{3,}/g, (n) => String(Number(Number(n).toFixed(2)))),
    )
  }
}

/** A share 0..1 at a tick of an axis. */
export function percentTick(share: number): string {
  return `${Math.round(share * 100)}\u00a0%`
}
