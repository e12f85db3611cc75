"""The parts of a page in the order in which they are read: sentences, pictures and tables under a head each."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from xent.report import _explore as explore
from xent.report import _mending as mending
from xent.report import _pictures as pictures
from xent.report import _tables as tables
from xent.report import _wording as wording
from xent.report._explore import Link
from xent.report._pictures import Picture
from xent.report._subject import Subject
from xent.report._tables import Table


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page. `notes` are smaller print below the sentences and links."""

    title: str
    words: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    notes: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()


def sections(subject: Subject) -> list[Section]:
    """All parts; those that have nothing to say are left out."""
    if subject.loss_only:
        return _filled([_others(subject)])
    order = [_origin_of_the_loss(subject), _recalibration(subject)]
    if len(subject.evaluation.classes) == 2:
        order += [_rows(subject), _reliability(subject), *_slices(subject), _classes(subject)]
    else:
        order += [_classes(subject), _confusions(subject), _reliability(subject), _rows(subject)]
        order += [_explorer(subject), *_slices(subject)]
    return _filled([*order, _others(subject)])


def _filled(parts: Iterable[Section]) -> list[Section]:
    return [part for part in parts if part.words or part.links or part.notes or part.pictures or part.tables]


def sentence(text: str) -> str:
    """With a capital and a full stop, which the terminal's lines have not."""
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _sentences(*texts: str) -> tuple[str, ...]:
    return tuple(sentence(text) for text in texts if text)


def _origin_of_the_loss(subject: Subject) -> Section:
    evaluation = subject.evaluation
    return Section(
        "Where the loss comes from",
        notes=_sentences(mending.isotonic(evaluation)),
        pictures=(pictures.identity(evaluation),),
    )


def _recalibration(subject: Subject) -> Section:
    evaluation = subject.evaluation
    first, *more = mending.remedy(evaluation)
    cross_fitted = "Cross-fitted: each row is mapped by a fit without it." if more else ""
    curve = pictures.temperature(evaluation) if len(evaluation.classes) > 2 else []
    return Section(
        "What recalibration would give",
        words=_sentences(first),
        notes=(*_sentences(*more, mending.classwise(evaluation)), *([cross_fitted] if cross_fitted else [])),
        pictures=tuple(curve),
    )


def _classes(subject: Subject) -> Section:
    return Section("Costliest classes", tables=(tables.classes(subject.evaluation),))


def _confusions(subject: Subject) -> Section:
    evaluation = subject.evaluation
    if not evaluation.confusions:
        return Section("")
    return Section(
        "Costliest confusions",
        pictures=tuple(pictures.confusions(evaluation)),
        tables=(tables.confusions(evaluation),),
    )


def _rows(subject: Subject) -> Section:
    evaluation = subject.evaluation
    return Section(
        "Costliest rows",
        words=_sentences(wording.tail(evaluation)),
        pictures=tuple(pictures.histogram(evaluation)),
        tables=(tables.worst_rows(evaluation),),
    )


def _reliability(subject: Subject) -> Section:
    evaluation = subject.evaluation
    many = len(evaluation.reliability) > 1
    return Section(
        "How often what was forecast happened",
        words=_sentences(mending.top_label(evaluation)),
        pictures=tuple(pictures.reliability(evaluation)),
        tables=(tables.reliabilities(evaluation),) if many else (),
    )


def _explorer(subject: Subject) -> Section:
    links = explore.links(subject.evaluation)
    if not links:
        return Section("")
    return Section(
        "Three classes in the explorer",
        links=links,
        notes=(f"They open {explore.PAGE} beside this page. This writes it there: xent explore -o {explore.PAGE}",),
    )


def _slices(subject: Subject) -> list[Section]:
    return [Section("Slices", tables=tuple(tables.slices(subject.evaluation)))]


def _others(subject: Subject) -> Section:
    """What others print: clipped losses, accuracy, Brier, AUC, ECE."""
    evaluation = subject.evaluation
    clips = tables.clips(evaluation)
    shown = ", ".join(f"{name} {text}" for name, text in tables.also(evaluation))
    infinite = math.isinf(evaluation.cross_entropy.value)
    return Section(
        "What others would print",
        words=_sentences("Raised to a smallest probability, no loss is infinite" if infinite else ""),
        notes=_sentences(shown),
        tables=() if clips is None else (clips,),
    )
