"""What the doctor found, as text for a terminal, as a table for a notebook, and as JSON."""

import json
from dataclasses import dataclass
from html import escape

from chatkit.texts import Sentence, say

__all__ = ["Finding", "Report", "found"]

MARKS = {"ok": "✅", "note": "⚠️", "bad": "❌", "hint": "💡"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. state: "ok", "note" (works, but), "bad" (a chat needs it) or "hint"."""

    name: str
    state: str
    text: Sentence
    advice: Sentence | None = None

    def lines(self, lang: str) -> dict[str, str]:
        """The line in one language, or in each of both."""
        advice = self.advice.each(lang) if self.advice else {}
        return {each: text + (f" → {advice[each]}" if advice else "") for each, text in self.text.each(lang).items()}


@dataclass(frozen=True)
class Report:
    """What the doctor found: text in a terminal, a table in a notebook."""

    findings: list[Finding]
    lang: str = "both"

    @property
    def ok(self) -> bool:
        """Whether everything that a chat needs is here."""
        return all(finding.state != "bad" for finding in self.findings)

    @property
    def verdict(self) -> str:
        return say("doctor_good" if self.ok else "doctor_not_good").in_(self.lang)

    def as_json(self) -> str:
        """One JSON object, always with both languages."""
        findings = [
            {
                "name": each.name,
                "state": each.state,
                "text": each.text.each(),
                "advice": each.advice and each.advice.each(),
            }
            for each in self.findings
        ]
        return json.dumps({"ok": self.ok, "findings": findings}, ensure_ascii=False)

    def __repr__(self) -> str:
        rows = [f"{MARKS[each.state]} " + "\n   ".join(each.lines(self.lang).values()) for each in self.findings]
        return "\n".join([*rows, self.verdict])

    def _repr_html_(self) -> str:
        rows = [
            f'<tr><td style="vertical-align:top">{MARKS[finding.state]}</td><td style="text-align:left">'
            + "".join(
                f'<div lang="{each}" class="{each}">{escape(line)}</div>'
                for each, line in finding.lines(self.lang).items()
            )
            + "</td></tr>"
            for finding in self.findings
        ]
        return f"<table>{''.join(rows)}</table><p>{escape(self.verdict)}</p>"


def found(name: str, state: str, key: str, advice: str | None = None, **parts: object) -> Finding:
    return Finding(name, state, say(f"doctor_{key}", **parts), say(f"doctor_{advice}", **parts) if advice else None)
