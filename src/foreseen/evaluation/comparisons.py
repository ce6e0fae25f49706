"""Comparisons of several models with the best one, user by user."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import stdtr  # pyright: ignore[reportMissingTypeStubs]

from foreseen.data.schema import USER
from foreseen.evaluation.intervals import Estimate, mean_over_users
from foreseen.evaluation.metrics import as_dicts, differences_per_user, paired_differences
from foreseen.evaluation.ranking_metrics import per_list
from foreseen.evaluation.results import Result

_LIST_METRICS: Final = ("ndcg10", "next_hit10")


def add_comparisons(results: Sequence[Result], summaries: Sequence[dict[str, Any]]) -> None:
    """Compare each result with the best of its setting, in place.

    The best has the lowest RMSE. The summaries of the others get `best`, its model, and
    `less_best`, the paired differences to it. Those that are means over users get `p`, the p-value
    of the paired t-test, and `p_holm`, the same adjusted for the number of models of the setting
    (Holm, 1979). Of rankings, the models with the same criterion are compared with the highest
    NDCG@10 among them.
    """
    for rows in _grouped([str(summary["setting"]) for summary in summaries]):
        best = min(rows, key=lambda row: summaries[row]["rmse"]["value"])
        others = [row for row in rows if row != best]
        found: list[tuple[dict[str, Estimate], dict[str, NDArray[np.float64]]]] = []
        for row in others:
            pair = results[best].events, results[row].events
            found.append((paired_differences(*pair), differences_per_user(*pair)))
        for row, compared in zip(others, _with_p_values(found), strict=True):
            summaries[row]["less_best"] = compared
            summaries[row]["best"] = summaries[best]["model"]
        tables = {row: results[row].rankings for row in rows}
        ranked = {row: table for row, table in tables.items() if table is not None}
        for by in dict.fromkeys(by for row in ranked for by in summaries[row]["lists"]):
            _compare_rankings(
                by,
                [table for row, table in ranked.items() if by in summaries[row]["lists"]],
                [summaries[row] for row in ranked if by in summaries[row]["lists"]],
            )


def _compare_rankings(
    by: str, tables: Sequence[pl.DataFrame], summaries: Sequence[dict[str, Any]]
) -> None:
    lists = [summary["lists"][by] for summary in summaries]
    best = max(range(len(lists)), key=lambda row: lists[row]["ndcg10"]["value"])
    others = [row for row in range(len(lists)) if row != best]
    if not others:
        return
    values = [_means_per_user(table.filter(pl.col("by") == by)) for table in tables]
    found: list[tuple[dict[str, Estimate], dict[str, NDArray[np.float64]]]] = []
    for row in others:
        differences = {name: values[row][name] - values[best][name] for name in _LIST_METRICS}
        estimates = {name: mean_over_users(column) for name, column in differences.items()}
        found.append((estimates, differences))
    for row, compared in zip(others, _with_p_values(found), strict=True):
        # The metrics of a result may be shared with other summaries.
        summaries[row]["lists"][by] = {
            **lists[row], "less_best": compared, "best": summaries[best]["model"]
        }  # fmt: skip


def _means_per_user(table: pl.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Return the metrics of each user's rankings by one criterion, of shape U."""
    users = table.unique("list", keep="first", maintain_order=True)[USER]
    columns = {name: column for name, column in per_list(table).items() if name in _LIST_METRICS}
    means = pl.DataFrame({USER: users, **columns}).group_by(USER, maintain_order=True).mean()
    return {name: means[name].to_numpy() for name in _LIST_METRICS}


def _grouped(names: Sequence[str]) -> list[list[int]]:
    """Return the positions of equal names."""
    groups: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        groups.setdefault(name, []).append(position)
    return list(groups.values())


def _with_p_values(
    found: Sequence[tuple[Mapping[str, Estimate], Mapping[str, NDArray[np.float64]]]],
) -> list[dict[str, dict[str, float]]]:
    """Return the estimates of several comparisons as dictionaries, with their p-values."""
    compared = [as_dicts(estimates) for estimates, _ in found]
    for name in dict.fromkeys(name for _, differences in found for name in differences):
        values = [p_value(differences[name]) for _, differences in found]
        for entry, value, adjusted in zip(compared, values, holm(values), strict=True):
            entry[name] |= {"p": value, "p_holm": adjusted}
    return compared


def p_value(differences: NDArray[np.float64]) -> float:
    """Return the two-sided p-value of the paired t-test that the mean of differences is zero.

    Args:
        differences: One per user, of shape U.
    """
    count = len(differences)
    if count < 2 or not differences.any():
        return 1.0
    error = float(differences.std(ddof=1)) / np.sqrt(count)
    if error == 0:
        return 0.0
    return float(2 * stdtr(count - 1, -abs(float(differences.mean())) / error))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number by the step-down method of Holm (1979)."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for place, position in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[position]))
        adjusted[position] = largest
    return adjusted
