"""Several models side by side: their scores, settings and images, as tables and as a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from attrxfer.report import scorecard, tables
from attrxfer.report.pages import render
from attrxfer.report.score_text import Scores
from attrxfer.storage.files import write_text

Strip = tuple[str, str]
"""A label, and images side by side as a data URI."""


@dataclass(frozen=True)
class Comparison:
    """Models side by side.

    Attributes:
        title: The page's heading.
        scores: {candidate: {label: score}}.
        own: Names of the candidates; the others are reference rows.
        settings: A head, then a row a setting in which the recipes differ.
        images: Headings, each with strips of the same inputs.
        notes: What a reader must know of the scores, a line each.
    """

    title: str
    scores: Scores
    own: Sequence[str]
    settings: Sequence[Sequence[str]] = ()
    images: Sequence[tuple[str, Sequence[Strip]]] = ()
    notes: Sequence[str] = ()

    def write(self, folder: Path) -> None:
        """Write scores.json, scores.csv, scores.tex, table.md and page.html into a folder."""
        write_text(folder / "scores.json", json.dumps(self.scores, indent=2) + "\n")
        write_scores(folder, self.scores, self.own)
        write_text(folder / "page.html", self.page())

    def page(self) -> str:
        """The comparison as a self-contained page."""
        return render(
            "comparison.html.j2",
            title=self.title,
            notes=self.notes,
            table=scorecard.score_table(self.scores, self.own) if self.scores else None,
            settings=self.settings if len(self.settings) > 1 else (),
            images=self.images,
        )


def write_scores(folder: Path, scores: Scores, own: Sequence[str]) -> None:
    """Write scores.csv, scores.tex and table.md into a folder."""
    write_text(folder / "scores.csv", tables.comma_separated(scores))
    write_text(folder / "scores.tex", tables.latex(scores, own))
    write_text(folder / "table.md", scorecard.markdown(scores))
