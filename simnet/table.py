"""What people see of a running swarm: a table redrawn in place on a terminal, plain lines elsewhere."""
import shutil
import time

PLAIN_SECONDS = 5  # between two plain lines when nothing remarkable happens

HEADINGS = f"{'node':>4}  {'rest':<21} {'height':>7}  {'tip':<12} {'peers':>5} {'pool':>6} " \
           f"{'memory':>8} {'cpu':>6}"


def row(member):
    if member.ended or member.away:
        return f"{member.number:>4}  {member.ended or member.away}"
    if member.tip is None:
        return f"{member.number:>4}  starting"
    return (f"{member.number:>4}  {member.http:<21} {member.tip['height']:>7}  "
            f"{member.tip['hash'][:12]:<12} {member.peers:>5} {member.pool:>6} "
            f"{member.rss_kib / 1024:>4.0f} MiB {member.cpu_percent:>5.0f}%")


class Table:
    """The live view."""

    def __init__(self, out):
        self.out = out
        self._drawn = 0
        self._news = ""
        self.out.write("\x1b[?25l")  # no cursor while we jump about

    def news(self, text):
        self._news = text

    def important(self, text):
        """A line that stays above the table."""
        self._erase()
        self.out.write(text + "\n")
        self.out.flush()

    def draw(self, members, totals):
        columns, lines = shutil.get_terminal_size()
        room = max(lines - 7, 3)  # headings, totals and the lines above must stay in sight
        shown = members if len(members) <= room else members[:room - 1]
        text = [HEADINGS, *map(row, shown)]
        if len(shown) < len(members):
            rest = members[len(shown):]
            tips = {member.tip["hash"] for member in rest if member.tip}
            text.append(f"      and {len(rest)} more, on {len(tips)} tips")
        text += ["", totals, self._news]
        self._erase()
        self.out.write("".join(line[:columns - 1] + "\n" for line in text))
        self._drawn = len(text)
        self.out.flush()

    def _erase(self):
        if self._drawn:
            self.out.write(f"\x1b[{self._drawn}A\x1b[J")
        self._drawn = 0

    def close(self):
        self.out.write("\x1b[?25h")
        self.out.flush()


class Plain:
    """The same for a log file."""

    def __init__(self, out):
        self.out = out
        self._due = 0.0

    def news(self, text):
        pass

    def important(self, text):
        self.out.write(text + "\n")
        self.out.flush()

    def draw(self, members, totals):
        now = time.monotonic()
        if now >= self._due:
            self._due = now + PLAIN_SECONDS
            self.important(totals)

    def close(self):
        pass
