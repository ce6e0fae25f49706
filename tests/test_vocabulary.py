"""The words of earlier versions that were replaced by the field's terms do not come back."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
_THIS = "tests/test_vocabulary.py"
SUFFIXES = {
    ".py", ".md", ".html", ".js", ".css", ".toml", ".yaml", ".yml", ".mako", ".cff", ".ipynb",
}  # fmt: skip
RETIRED = [
    # predictions and queries
    r"foret(?:ell|old|ells|elling)s?", r"Told", r"told", r"tells?", r"Answers", r"what_they_give",
    r"told_of_candidates", r"UNLEARNED", r"answer_unknown",
    # biases
    r"worth(?!while)", r"kindness", r"moods?", r"innovations?", r"LIKING", r"FASHION", r"eras?",
    # candidates
    r"Tally", r"tall(?:y|ies)", r"Companies", r"company", r"watched_with", r"reconstructed",
    r"Watching", r"past_questions", r"surprise", r"likeness", r"alike", r"surplus",
    # models
    r"Committee", r"committee", r"BothSides", r"take_in", r"takes? in", r"fold_in_following",
    r"lessons?", r"refreshed until", r"Refreshable", r"Outlining", r"outlines?", r"at a glance",
    r"glances?", r"lift", r"Distributing", r"doubts?", r"welcome", r"level_shift", r"Interpolator",
    # evaluation and drift
    r"Walk", r"_Walker", r"walk(?:s|ed|ing)?", r"Pieces", r"the crowd", r"Contest", r"contests?",
    r"hold_contest", r"judged_from", r"Wanted", r"Measured", r"pairs in order",
    r"less the row above", r"half revealed", r"day late",
    # registry and serving
    r"shel(?:f|ves)", r"taking_turns", r"journal", r"knowledge", r"World", r"LiveWorld",
    r"set_aside", r"Wish", r"Own", r"Somebody", r"Anybody", r"somebody", r"anybody", r"everybody",
    r"Dealings", r"dealings", r"People", r"newcomer_grid", r"sureness", r"form[ _]key",
    # command line and pages
    r"seed of all chance", r"all chance", r"keeps? up", r"keeping up", r"growing old", r"grows old",
    r"what follows", r"surely", r"knows until", r"It stays good", r"Beside other libraries",
    r"What it measures", r"The map of the code", r"From which moments", r"What was left out",
    r"How sure", r"how sure",
]  # fmt: skip
# Where an old word must stay: keys and values that scripts read, names of other libraries.
ALLOWED: dict[str, set[str]] = {
    "CHANGELOG.md": {"lesson"},
    "README.md": {"surprise"},
    "benchmarks/peers.py": {"surprise"},
    "benchmarks/peers/with_surprise.py": {"surprise"},
    "src/foreseen/evaluation/results.py": {"half revealed", "day late"},
    "src/foreseen/evaluation/tuning.py": {"journal", "tell"},
    "src/foreseen/serving/api/examples.py": {"journal"},
    "src/foreseen/reports/web/report.css": {"outline"},
    "src/foreseen/serving/api/model.py": {"journal"},
    "src/foreseen/serving/api/responses.py": {"journal"},
    "src/foreseen/serving/store/backup.py": {"journal"},
    "src/foreseen/serving/store/engine.py": {"journal"},
    "src/foreseen/serving/web/static/foreseen.css": {"outline", "journal"},
    "src/foreseen/serving/web/templates/model.html": {"journal"},
    "tests/evaluation/test_report.py": {"half revealed", "day late"},
    "tests/data/sources/test_sqlite.py": {"journal"},
    "tests/serving/api/test_model.py": {"journal"},
    "tests/test_pipeline.py": {"walk"},
    "tests/test_structure.py": {"walk"},
}


def text_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    return [
        ROOT / name
        for name in listed
        if Path(name).suffix in SUFFIXES and (ROOT / name).exists() and name != _THIS
    ]


def test_no_retired_word_is_used() -> None:
    pattern = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(RETIRED)})(?![A-Za-z])")
    found = [
        f"{name}:{number}: {match.group(0)}"
        for file in text_files()
        for name in [file.relative_to(ROOT).as_posix()]
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        for match in pattern.finditer(line)
        if match.group(0) not in ALLOWED.get(name, set())
    ]
    assert not found, "\n".join(found)
