"""The linter's wording: what a name, a description, a unit and a product suggest together."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from metrictree.documents import parse
from metrictree.lint.wording import LABELS, assess
from metrictree.lint.wording.text import spelling, unit_features
from metrictree.lint.wording.vocabulary import Vocabulary, terms_by_kind

ROOT = Path(__file__).parent.parent
WORDING = ROOT / "src" / "metrictree" / "lint" / "wording"
TRAINING = ROOT / "training" / "north_stars.jsonl"

# Suspicious words, each in a context where they are what they seem and in one where they are not:
# label, then name | description | unit | product of both.
PAIRS = [
    line.split("\t")
    for line in (ROOT / "tests" / "data" / "wording_contexts.tsv").read_text("utf-8").splitlines()
]

# Short names as leaves of a tree have them, with the owner of the money.
MONEY = [
    ("opening mrr", "USD", "expense software", "own"),
    ("plan fee", "USD", "CRM", "own"),
    ("fare", "EUR/trip", "bus line", "own"),
    ("like for like sales", "EUR", "shoe shops", "own"),
    ("bar takings", "GBP", "music club", "own"),
    ("room income", "EUR", "city hotel", "own"),
    ("donations", "EUR", "hospice", "own"),
    ("ventas netas", "EUR", "zapatería", "own"),
    ("nettoumsatz", "EUR", "Brauerei", "own"),
    ("chiffre d'affaires", "EUR", "librairie", "own"),
    ("receita", "BRL", "papelaria", "own"),
    ("incasso", "EUR", "gelateria", "own"),
    ("goods cost", "EUR", "sports shop", "cost"),
    ("payroll", "EUR", "call centre", "cost"),
    ("ad spend", "USD", "juice brand", "cost"),
    ("personalkosten", "EUR", "Pflegedienst", "cost"),
    ("household bill before", "EUR/household", "energy adviser", "customer"),
    ("household bill after", "EUR/household", "energy adviser", "customer"),
    ("client spend before", "USD", "cloud cost optimiser", "customer"),
    ("merchant sales", "USD", "shop window platform", "customer"),
    ("farmer income", "KES/farm", "market information by phone", "customer"),
    ("ahorro por hogar", "EUR/hogar", "comparador de luz", "customer"),
    ("risparmio per famiglia", "EUR/famiglia", "consulenza energetica", "customer"),
    ("exchange rate", "USD/EUR", "export firm", "outside"),
    ("oil price", "USD/barrel", "airline", "outside"),
    ("share price", "EUR/share", "listed brewery", "outside"),
    ("translation effect", "EUR", "machine maker", "outside"),
    ("competitor price", "EUR", "mobile network", "outside"),
    ("strompreis", "EUR/MWh", "Stahlwerk", "outside"),
    ("cours du blé", "EUR/t", "minoterie", "outside"),
    ("sun hours", "hour", "solar park", None),
    ("orders", "order", "sneaker shop", None),
    ("lessons finished", "lesson", "language app", None),
]

HOSTILE = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "🤖🌧️💶",
    "\ud800",
    "\u202e revenue",
    "ﬁﬂ Ⅷ ½ İı ß",
    "%" * 1000,
    "/" * 1000,
    "*" * 1000,
    "revenue " * 20_000,
    "x" * 100_000,
    "a " * 50_000,
    "收入 売上 доход الإيرادات",
    "'; DROP TABLE metrics; --",
    "\n\t\r",
    "k:income+own",
]


def fields(text):
    name, *others = (part.strip() for part in text.split("|"))
    return name, *(part or None for part in others)


@pytest.mark.parametrize(("label", "plain", "lifted"), PAIRS, ids=[plain for _, plain, _ in PAIRS])
def test_a_context_lifts_what_the_same_words_would_suggest(label, plain, lifted):
    assert label in assess(*fields(plain)).suspicions
    assert label not in assess(*fields(lifted)).suspicions


@pytest.mark.parametrize(("name", "unit", "product", "owner"), MONEY)
def test_short_names_say_whose_money_it_is(name, unit, product, owner):
    assert assess(name, None, unit, product).money == owner


def test_a_suspicion_names_words_as_they_are_written():
    found = assess(
        "Montant des LOYERS encaissés", "Ce que versent nos locataires.", "EUR", "bailleur"
    )
    terms = found.suspicions["revenue"].terms
    assert any("LOYERS" in term for term in terms)
    text = "Montant des LOYERS encaissés Ce que versent nos locataires. EUR"
    assert all(term in text for term in terms)


def test_a_unit_that_alone_gives_the_case_away_is_among_the_terms():
    assert "USD" in assess("Momentum", None, "USD", "an online shop").suspicions["revenue"].terms


@pytest.mark.parametrize("text", HOSTILE, ids=[ascii(text)[:20] for text in HOSTILE])
def test_any_text_is_assessed(text):
    for given in ((text,), (text, text, text, text), ("orders", None, text), ("orders", text)):
        found = assess(*given)
        assert set(found.suspicions) <= set(LABELS)
        assert all(0 <= one.score <= 1 for one in found.suspicions.values())


def test_no_words_suggest_nothing():
    found = assess("", "", "", "")
    assert not found.suspicions
    assert found.money is None


def test_case_and_accents_make_no_difference():
    written = assess("Günstige Événements", "Días de lluvia", "EUR", "Café")
    hurried = assess("gunstige evenements", "dias de LLUVIA", "EUR", "cafe")
    assert {label: one.score for label, one in written.suspicions.items()} == {
        label: one.score for label, one in hurried.suspicions.items()
    }


def test_what_was_asked_before_does_not_change_an_answer():
    first = assess("Takings", "Money in the till.", "EUR", "bakery")
    for line in TRAINING.read_text("utf-8").splitlines()[:300]:
        case = json.loads(line)
        assess(case["name"], case["description"], case["unit"], case["product"])
    assert assess("Takings", "Money in the till.", "EUR", "bakery") == first


def test_another_process_gives_the_same_answer():
    asked = (
        "from metrictree.lint.wording import assess;"
        "print(assess('Takings', 'Money in the till.', 'EUR', 'bakery'))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", asked],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1


def test_answers_cannot_be_changed():
    found = assess("Takings", "Money in the till.", "EUR", "bakery")
    with pytest.raises(FrozenInstanceError):
        found.money = None  # type: ignore[misc]
    with pytest.raises(TypeError):
        found.suspicions["external"] = found.suspicions["revenue"]  # type: ignore[index]


def test_the_model_is_not_read_when_the_package_is_imported():
    asked = (
        "import sys, metrictree, metrictree.lint;"
        "print('metrictree.lint.wording.model' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"


# --- the files agree


def written_vocabulary():
    document = parse((WORDING / "vocabulary.yml").read_text("utf-8"), "vocabulary.yml")
    assert not document.problems
    return document.data


def test_the_model_carries_the_vocabulary_as_it_is_written():
    kinds, terms = terms_by_kind(written_vocabulary())
    with np.load(WORDING / "model.npz") as data:
        assert bytes(data["kinds"]).decode().split("\n") == kinds
        carried = dict(
            zip(bytes(data["terms"]).decode().split("\n"), data["bits"].tolist(), strict=True)
        )
    assert carried == terms


def test_every_kind_of_the_vocabulary_speaks_six_languages():
    for kind, languages in written_vocabulary().items():
        assert set(languages) <= {"en", "es", "de", "fr", "pt", "it"}
        assert len(languages) == 6, kind


def test_the_model_holds_no_pickled_objects():
    with np.load(WORDING / "model.npz", allow_pickle=False) as data:
        assert {data[name].dtype.kind for name in data.files} <= set("iuf")


def test_training_cases_have_the_fields_and_labels_that_the_manual_names():
    seen = set()
    for line in TRAINING.read_text("utf-8").splitlines():
        case = json.loads(line)
        assert set(case) == {"name", "description", "unit", "product", "lang", "labels"}
        assert set(case["labels"]) <= set(LABELS)
        key = (case["name"], case["description"], case["product"])
        assert key not in seen
        seen.add(key)


# --- the parts


def test_a_vocabulary_finds_words_beginnings_ends_parts_and_phrases():
    vocabulary = Vocabulary(
        ["a", "b"], {"fee": 1, "invoic*": 1, "*umsatz": 2, "*bahn*": 2, "exchange rate*": 1}
    )
    assert vocabulary.of_word("fee") == 1
    assert vocabulary.of_word("fees") == 0
    assert vocabulary.of_word("invoicing") == 1
    assert vocabulary.of_word("jahresumsatz") == 2
    assert vocabulary.of_word("seilbahnen") == 2
    assert vocabulary.of_text(["the", "exchange", "rates"]) == [(1, 3, 1)]
    assert vocabulary.of_text(["exchange"]) == []


@pytest.mark.parametrize(
    ("unit", "kind"),
    [
        (None, "u=none"),
        ("", "u=none"),
        ("EUR", "u=money"),
        ("USD/user", "u=money/"),
        ("€", "u=money"),
        ("percent", "u=percent"),
        ("%", "u=percent"),
        ("por ciento", "u=percent"),
        ("job/week", "u=other/"),
        ("order", "u=other"),
    ],
)
def test_a_unit_has_a_kind(unit, kind):
    assert unit_features(unit)[0] == kind


def test_spellings_meet_without_case_and_accents():
    assert spelling("GRÖSSE") == spelling("größe") == "grosse"
    assert re.fullmatch("[a-z]+", spelling("Événement"))
