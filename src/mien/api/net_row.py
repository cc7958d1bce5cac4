"""The row of a net in the data frame of a study's results."""

from collections.abc import Mapping

from mien.runs.metrics import Accuracy
from mien.runs.results import NetResult


def net_row(net: NetResult) -> Mapping[str, object]:
    """A net's row of the data frame."""
    accuracy, scores = net.accuracy, net.scores
    return {
        "net": net.name,
        "group": net.group,
        "selected": net.selected,
        "state": net.state,
        "reason": net.reason,
        "seeds": net.finished_runs,
        "parameters": net.parameters,
        "trainable": net.trainable,
        "seconds": net.seconds,
        "epochs": net.epochs,
        **_spread("train", accuracy.train),
        **_spread("validation", accuracy.validation),
        **_spread("test", accuracy.test),
        **_spread("test_without_leaks", accuracy.test_without_leaks),
        "evaluated_on": scores and scores.evaluated_on,
        "balanced_accuracy": scores and scores.balanced_accuracy,
        "macro_f1": scores and scores.macro_f1,
        "nll": scores and scores.nll,
        "ece": scores and scores.ece,
        "roc_auc": scores and scores.macro_areas and scores.macro_areas.roc_auc.value,
        "average_precision": scores and scores.macro_areas and scores.macro_areas.average_precision.value,
    }


def _spread(split: str, accuracy: Accuracy | None) -> dict[str, float | None]:
    low, high = accuracy.interval if accuracy else (None, None)
    mean, sd = (accuracy.mean, accuracy.sd) if accuracy else (None, None)
    return {split: mean, f"{split}_low": low, f"{split}_high": high, f"{split}_sd": sd}
