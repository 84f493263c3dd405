/**
 * The area under the ROC curve, exactly: the chance that a positive example scores higher than a negative one,
 * equal scores counting half (the Mann-Whitney statistic, as scikit-learn's `roc_auc_score`). Undefined without
 * both kinds. Keras' AUC differs by up to about 0.01: it sums trapezoids between 200 fixed thresholds.
 */
export function areaUnderRoc(
  scores: Float32Array,
  isPositive: (index: number) => boolean,
): number | undefined {
  const order = Uint32Array.from(scores, (_, i) => i).sort((i, j) => scores[i]! - scores[j]!)
  let positives = 0
  let wins = 0
  for (let start = 0; start < order.length;) {
    // Of a group of equal scores each positive wins over the negatives below and half over those beside it.
    let end = start
    let among = 0
    while (end < order.length && scores[order[end]!] === scores[order[start]!]) {
      if (isPositive(order[end]!)) among += 1
      end += 1
    }
    const negativesBelow = start - positives
    wins += among * (negativesBelow + (end - start - among) / 2)
    positives += among
    start = end
  }
  const negatives = order.length - positives
  return positives > 0 && negatives > 0 ? wins / (positives * negatives) : undefined
}
