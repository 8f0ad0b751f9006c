"""The figures of one run: printed as they come, and kept as one JSON object a line."""
import json


class Report:
    """Takes figures. `build` is the build directory, where the programs and results.jsonl are."""

    def __init__(self, build):
        self.build = build
        self.limits = {}
        self._limit_rows = []
        self._file = build / "results.jsonl"
        self._file.unlink(missing_ok=True)

    def add_limit(self, name, value, unit):
        """Note what the machine can do at best; figures name it."""
        self.limits[name] = value
        self._limit_rows.append(self._keep("limit_" + name, value, unit))

    def add(self, name, value, unit, limit=None, smaller_is_better=False):
        """Note a figure; `limit` names one that was measured, or is a number. The ratio says how
        near the figure comes to it: 1 is as good as can be."""
        limit = self.limits[limit] if isinstance(limit, str) else limit
        ratio = None
        if limit and value:
            ratio = limit / value if smaller_is_better else value / limit
        print(format_row(self._keep(name, value, unit, limit, ratio)), flush=True)

    def _keep(self, name, value, unit, limit=None, ratio=None):
        row = {"name": name, "value": value, "unit": unit, "limit": limit,
               "ratio": ratio if ratio is None else float(f"{ratio:.4g}")}
        with open(self._file, "a") as file:
            file.write(json.dumps(row) + "\n")
        return row

    @staticmethod
    def print_head():
        print(f"{'figure':<40} {'value':>12} {'unit':<13}{'limit':>14} {'of it':>9}", flush=True)

    def print_limits(self):
        print("\nlimits of this machine")
        for row in self._limit_rows:
            name = row["name"].removeprefix("limit_")
            print(f"{name:<40} {format_number(row['value']):>12} {row['unit']}")


def format_number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def format_row(row):
    ratio = "-" if row["ratio"] is None else f"{row['ratio']:.2%}"
    return (f"{row['name']:<40} {format_number(row['value']):>12} {row['unit']:<13}"
            f"{format_number(row['limit']):>14} {ratio:>9}")
