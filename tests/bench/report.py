# SPDX-License-Identifier: GPL-3.0-or-later
"""What the measurements come to: tables, goals met or not, all figures. As text for a terminal, as Markdown and as JSON."""

import json


class Goal:
    """`relation`: "under", "over", "at least" or "at most"."""

    JUDGES = {
        "under": lambda value, bound: value < bound, "over": lambda value, bound: value > bound,
        "at least": lambda value, bound: value >= bound, "at most": lambda value, bound: value <= bound,
    }

    def __init__(self, what, value, relation, bound, unit="", digits=2):
        self.what = what
        self.value = value
        self.relation = relation
        self.bound = bound
        self.unit = f" {unit}" if unit else ""
        self.digits = digits

    @property
    def met(self):
        return self.JUDGES[self.relation](self.value, self.bound)

    def row(self):
        return [self.what, f"{self.relation} {self.bound:g}{self.unit}", f"{self.value:.{self.digits}f}{self.unit}",
                "met" if self.met else "**not met**"]

    def facts(self):
        return {"what": self.what, "value": self.value, "relation": self.relation, "bound": self.bound, "met": self.met}


class Table:
    def __init__(self, title, columns, rows, notes):
        self.title = title
        self.columns = columns
        self.rows = [[str(cell) for cell in row] for row in rows]
        self.notes = notes

    def text(self):
        rows = [[plain(cell) for cell in row] for row in [self.columns, *self.rows]]
        widths = [max(len(row[index]) for row in rows) for index in range(len(self.columns))]
        lines = [self.title, ""]
        for row in rows:
            lines.append("  ".join(cell.rjust(width) if index else cell.ljust(width)
                                   for index, (cell, width) in enumerate(zip(row, widths))).rstrip())
        return "\n".join([*lines, *(["", *map(plain, self.notes)] if self.notes else []), ""])

    def markdown(self):
        lines = [f"### {self.title}", "", row_line(self.columns), row_line(["---"] + ["---:"] * (len(self.columns) - 1)),
                 *map(row_line, self.rows)]
        return "\n".join([*lines, *(["", "  \n".join(self.notes)] if self.notes else []), ""])


def row_line(cells):
    return "| " + " | ".join(cells) + " |"


def plain(text):
    return text.replace("`", "").replace("**", "")


class Report:
    def __init__(self, conditions):
        """conditions: what the figures were taken on, label -> text."""
        self.conditions = conditions
        self.tables = []
        self.goals = []
        self.figures = {}

    def table(self, title, columns, rows, *notes):
        self.tables.append(Table(title, columns, rows, notes))

    def goal(self, *arguments, **options):
        self.goals.append(Goal(*arguments, **options))

    def keep(self, comparison, key, value):
        """Figures for the JSON only: every single one, where contenders are given."""
        self.figures.setdefault(comparison, {})[key] = value

    def goals_table(self):
        return Table("Goals", ["", "goal", "measured", ""], [goal.row() for goal in self.goals], [])

    def parts(self):
        return [*([self.goals_table()] if self.goals else []), *self.tables]

    def text(self):
        conditions = "\n".join(f"{label}: {value}" for label, value in self.conditions.items())
        return "\n".join([conditions, "", *(part.text() for part in self.parts())])

    def markdown(self):
        conditions = "\n".join(f"- {label}: {value}" for label, value in self.conditions.items())
        return "\n".join([conditions, "", *(part.markdown() for part in self.parts())])

    def write_json(self, path):
        facts = {
            "conditions": self.conditions, "goals": [goal.facts() for goal in self.goals], "figures": self.figures,
            "tables": [{"title": table.title, "columns": table.columns, "rows": table.rows} for table in self.tables],
        }
        with open(path, "w", encoding="utf-8") as file:
            json.dump(facts, file, indent=1, ensure_ascii=False)
            file.write("\n")


def milliseconds(seconds):
    return f"{seconds * 1000:.1f}" if seconds < 1 else f"{seconds * 1000:.0f}"


def mebibytes(count, digits=1):
    return f"{count / (1 << 20):.{digits}f}"
