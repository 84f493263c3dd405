"""Metrics of random answers by scikit-learn and Keras: python test/golden/metrics.py (scikit-learn, Keras 3.15.1)."""

import golden
import keras
import numpy as np
import sklearn
from sklearn import metrics as sk

rng = np.random.default_rng(9)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def case(name, probabilities, labels):
    """Probabilities [n, units] and labels [n]."""
    p = probabilities.astype(np.float32)
    units = p.shape[1]
    classes = max(units, 2)
    named = list(range(classes))
    scores = np.concatenate([1 - p, p], 1) if units == 1 else p
    called = (p[:, 0] > 0.5).astype(int) if units == 1 else p.argmax(1)
    accuracy = keras.metrics.BinaryAccuracy() if units == 1 else keras.metrics.SparseCategoricalAccuracy()
    accuracy.update_state(labels[:, None], p)
    top = keras.metrics.SparseTopKCategoricalAccuracy(5)
    top.update_state(labels, scores)
    precision, recall, f1, support = sk.precision_recall_fscore_support(
        labels, called, labels=named, zero_division=0
    )
    aucs = []
    for c in named:
        one = labels == c
        aucs.append(sk.roc_auc_score(one, p[:, 0] if units == 1 and c == 1 else -p[:, 0] if units == 1 else p[:, c]) if 0 < one.sum() < len(labels) else None)
    pick = (lambda v: v[1]) if classes == 2 else (lambda v: np.mean([x for x in v if x is not None]))
    return {
        "name": name,
        "probabilities": golden.packed(p),
        "labels": golden.packed(labels.astype(np.int32)),
        "figures": {
            "accuracy": float(accuracy.result()),
            "top5Accuracy": float(top.result()),
            "precision": float(pick(precision)),
            "recall": float(pick(recall)),
            "f1": float(pick(f1)),
            "auc": float(pick(aucs)),
        },
        "perClass": [
            {"precision": a, "recall": b, "f1": c, "support": int(d), "auc": e}
            for a, b, c, d, e in zip(precision.tolist(), recall.tolist(), f1.tolist(), support, aucs)
        ],
        "confusion": sk.confusion_matrix(labels, called, labels=named).tolist(),
    }


def skilled(n, k, skill):
    labels = rng.integers(0, k, n)
    logits = rng.standard_normal((n, k)) + skill * np.eye(k)[labels]
    return softmax(logits), labels


binary = rng.integers(0, 2, 203)
one_unit = 1 / (1 + np.exp(-(rng.standard_normal(203) + 1.5 * (binary - 0.5))))
tied = np.round(one_unit, 1)
seven, seven_labels = skilled(300, 7, 1.5)
rare_labels = np.where(seven_labels == 3, 2, seven_labels)
cases = [
    case("one unit", one_unit[:, None], binary),
    case("one unit, many ties, some at 0.5", tied[:, None], binary),
    case("one unit, all called the first", np.full((20, 1), 0.25), binary[:20]),
    case("two units", *skilled(150, 2, 1.0)),
    case("seven classes", seven, seven_labels),
    case("seven classes, one never there", seven, rare_labels),
    case("seven classes, ties", np.round(seven, 1), seven_labels),
    case("seven classes, one never called", np.where(np.arange(7) == 6, 0, seven), seven_labels),
]
golden.write("metrics", {"cases": cases}, sklearn, keras, np)
