/** Loss and accuracy of a stretch of pictures, summed batch by batch in double precision. */
export interface Scores {
  /** `losses` [n], `outputs` and `targets` [n, width], of the first `count` pictures. */
  add(losses: Float32Array, outputs: Float32Array, targets: Float32Array, count: number): void
  figures(): Record<string, number>
}

/**
 * Accuracy as Keras chooses it: one output column is right where it is on the target's side of 0.5, several where the
 * largest output is the target's (the first of equal ones).
 */
export function openScores(width: number): Scores {
  let pictures = 0
  let loss = 0
  let right = 0
  return {
    add: (losses, outputs, targets, count) => {
      pictures += count
      for (let i = 0; i < count; i += 1) {
        loss += losses[i]!
        const hit =
          width === 1
            ? outputs[i]! > 0.5 === targets[i]! > 0.5
            : largest(outputs, i * width, width) === largest(targets, i * width, width)
        if (hit) right += 1
      }
    },
    figures: () => ({ loss: loss / pictures, accuracy: right / pictures }),
  }
}

/** The column of the largest value of one row; the first of equal ones. */
export function largest(values: Float32Array, start: number, width: number): number {
  let best = 0
  for (let c = 1; c < width; c += 1) if (values[start + c]! > values[start + best]!) best = c
  return best
}
