"""What the search of a net has made so far, read from its journal in a study's folder; nothing is written."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from mien.runs.search_results import TrialResult
from mien.study.config.study import StudyNet
from mien.study.config.tune import Tune
from mien.study.search.sampling import draw
from mien.study.search.trials import shown_number, studies_in, trial_results


class SearchState:
    """The trials of one net's search; a search without trials where there is no journal yet.

    Attributes:
        net: of the study, with its tune table.
        tune: that table.
        folder: the study's.
        study: Optuna's; opened for reading, or an empty one in memory.

    Args:
        net: of the study, with its tune table.
        fingerprint: of the study's faces.
        folder: the study's.
    """

    def __init__(self, net: StudyNet, fingerprint: str, folder: Path) -> None:
        assert net.tune is not None
        self.net, self.tune, self.folder = net, net.tune, folder
        self._stem = f"{net.net.name}-{self.tune.id(fingerprint)}"
        stored = studies_in(self.journal).get(net.net.name)
        self.study = stored or optuna.create_study(directions=self.tune.directions)

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.folder / "tuning" / f"{self._stem}.journal"

    @property
    def locks(self) -> Path:
        """The file that is locked while a trial is handed out."""
        return self.folder / "tuning" / f"{self._stem}.lock"

    def trials(self) -> list[TrialResult]:
        """Every trial that has begun, in the order of their numbers."""
        return trial_results(self.study)

    @property
    def ended(self) -> bool:
        """Whether all trials that there will be have ended."""
        trials = self.study.get_trials(deepcopy=False)
        if not all(one.state.is_finished() for one in trials):
            return False
        return is_spent(self.tune, trials) or (self.tune.sampler == "grid" and draw(self.tune, trials) is None)

    def best(self) -> TrialResult | None:
        """The finished trial, of the Pareto front if any, with the best first objective; the earlier where equal."""
        front = self.pareto()
        return best_of(self.tune, [one for one in self.trials() if not front or one.number in front])

    def pareto(self) -> list[int]:
        """The numbers of the finished trials that no other is better than in every objective; one objective: []."""
        return sorted(map(shown_number, self.study.best_trials)) if len(self.tune.objectives) > 1 else []

    def importances(self) -> dict[str, float]:
        """The share of the scores' variance that each value explains, by fANOVA (Hutter et al. 2014); {} if unknown.

        Of the first objective; at least two finished trials of different scores are needed.
        """
        scores = {one.scores[0] for one in self.trials() if one.state == "finished"}
        if len(scores) < 2:
            return {}
        importances = optuna.importance.get_param_importances(
            self.study,
            evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0),
            target=lambda trial: float(trial.values[0]),
        )
        return {key: float(share) for key, share in importances.items()}

    def bound(self) -> StudyNet:
        """The net with the best trial's values, to be trained as any other; failed, if no trial was finished."""
        best, trials = self.best(), self.trials()
        if best is None:
            return replace(self.net, failed=_why_none_is_finished(trials), searched=True)
        bound = self.tune.bind(best.values, [])
        assert bound is not None
        return replace(self.net, net=bound[0], recipe=bound[1], searched=True)


def _why_none_is_finished(trials: Sequence[TrialResult]) -> str:
    reason = next((one.reason for one in trials if one.reason), "no reason is known")
    match len(trials):
        case 0:
            return "its search made no trial"
        case 1:
            return f"its one trial was not finished: {reason}"
    return f"none of its {len(trials)} trials was finished; the first: {reason}"


def best_of(tune: Tune, trials: Sequence[TrialResult]) -> TrialResult | None:
    """The finished trial with the best first objective, the earlier where equal; None where none is finished."""
    sign = -1 if tune.objectives[0] == "parameters" else 1
    finished = [one for one in trials if one.state == "finished"]
    return max(finished, key=lambda one: (sign * one.scores[0], -one.number), default=None)


def is_spent(tune: Tune, begun: Sequence[FrozenTrial]) -> bool:
    """Whether the budget of a search allows no more trials than those that have begun."""
    seconds = sum(one.user_attrs.get("seconds", 0.0) for one in begun)
    return len(begun) >= tune.trials or bool(tune.minutes and seconds >= 60 * tune.minutes)
