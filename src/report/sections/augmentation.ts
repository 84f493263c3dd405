import { markup } from '../html.ts'
import type { Section } from '../page.ts'
import type { RunReport } from '../read.ts'

/** The contact sheet: training pictures as they are, and as the network saw them. */
export function augmentation({ sheet }: RunReport): Section | undefined {
  if (!sheet) return undefined
  const { uri, width, height } = sheet
  return {
    id: 'augmentation',
    title: 'Augmentation',
    body: markup`<figure><figcaption>Training pictures <small>each as it is, and below it as the network saw it</small></figcaption>
<img class="sheet" src="${uri}" width="${width}" height="${height}" alt="Training pictures, each above the same picture after augmentation"></figure>`,
  }
}
