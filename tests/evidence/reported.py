"""Recorded runs as folders that can be reported on, also with everything that people and foreign logs put into them."""

import json
from html.parser import HTMLParser
from pathlib import Path

import tomli_w

from esper_tui.evidence.report.facts import read_facts
from esper_tui.evidence.report.html import to_html
from esper_tui.evidence.report.run_pages import run_report
from esper_tui.leyline.events import to_line

RECORDINGS = Path(__file__).parents[1] / "sanctum" / "recordings"
HOSTILE = (
    "<script>alert(1)</script>", '"><img src=http://evil.test/x onerror=alert(1)>', "'-alert(1)-'",
    "[here](javascript:alert(1))", "![x](http://evil.test/x.png)", "a | b | c", "`code` **bold** _x_", "# head",
    "two\nlines\r\n\x1b[31mred\x00", "\u202eright to left", "</title></style></textarea>", "&lt;b&gt;", "```\nfence",
)  # fmt: skip


class Page(HTMLParser):
    """Elements with their attributes, tables as lists of rows, all text."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[list[str]]] = []
        self.text: list[str] = []
        self.open = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.open = True

    def handle_endtag(self, tag):
        self.open = self.open and tag not in ("td", "th")

    def handle_data(self, data):
        self.text.append(data)
        if self.open:
            self.tables[-1][-1][-1] += data

    def table(self, *head: str) -> list[dict[str, str]]:
        """The rows of the table with these columns, by title."""
        found = next(t for t in self.tables if set(head) <= set(t[0]))
        return [dict(zip(found[0], row, strict=True)) for row in found[1:]]


def load(name: str) -> list[dict]:
    return [json.loads(line) for line in (RECORDINGS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def write_run(folder: Path, events: list[dict], **document) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "events-000.jsonl").write_text("".join(f"{to_line(e)}\n" for e in events), encoding="utf-8")
    (folder / "run.toml").write_bytes(
        tomli_w.dumps({"preset": "quickstart", "tags": [], "notes": []} | document).encode()
    )
    return folder


def page_of(folder: Path) -> Page:
    return Page(to_html(run_report(read_facts(folder))))


def with_people(events: list[dict]) -> list[dict]:
    """An override that was applied, an alert that came and went, one that stayed, a note."""
    at = next(i for i, e in enumerate(events) if e["type"] == "EpochMeasured" and e["epoch"] == 9)
    decision = {"op": "PRUNE", "slot": "r0c1", "alpha_speed": "INSTANT", "alpha_curve": "LINEAR"}
    asked = {"id": 1, "env": 2, "decision": decision, "when": "now", "at_epoch": None, "hold": 1, "expires": None,
             "expect": None, "author": "ada", "note": "it hurts"}  # fmt: skip
    head = {"t": 1.0, "round": 0, "epoch": 9, "env": 2}
    more = [
        head | {"type": "InterventionChanged", "fate": "queued", "intervention": asked, "reason": "", "left": None},
        head | {"type": "InterventionChanged", "fate": "applied", "intervention": asked, "reason": "", "left": None},
        head | {"type": "DecisionTaken", "decision": decision, "by": "human", "trace": [], "refused": None,
                "intended": {"op": "WAIT"}, "intervention": 1, "agreed": False, "closed": []},
        head | {"type": "AlertRaised", "rule": "stalled", "text": "no new low", "slot": None, "severity": "warn"},
        head | {"type": "AlertRaised", "rule": "ransom", "text": "leans", "slot": "r0c1", "severity": "warn"},
        head | {"type": "AlertCleared", "rule": "stalled", "slot": None, "epoch": 12},
        {"t": 1.0, "type": "SessionChanged", "round": None, "epoch": 9, "state": "note", "text": "looks odd"},
    ]  # fmt: skip
    return [e | {"seq": i} for i, e in enumerate(events[: at + 1] + more + events[at + 1 :])]


def hostile_run(folder: Path, word: str) -> Path:
    """Every text that a person or a foreign log can put into a run."""
    events = with_people(load("quick"))
    for event in events:
        if event["type"] == "InterventionChanged":
            event["intervention"] = event["intervention"] | {"author": word, "note": word}
            event["reason"] = word
        for key in ("text", "rule", "seen"):
            if key in event:
                event[key] = word
        if event["type"] == "StageChanged":
            event["blueprint"] = word
            event["cause"] = word
        if event["type"] == "RunStarted":
            event["provenance"] = event["provenance"] | {"git": word, "command": [word], "data": word}
            event["config"]["data"]["name"] = word
    return write_run(folder, events, preset=word, description=word, tags=[word])
