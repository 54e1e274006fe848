"""Tables and plots of compare_votes.py's results. Standard library only."""
import math
from statistics import mean

COLOURS = {"votes": "#c0392b", "gossip": "#1f618d"}
LEVELS = (0.50, 0.60, 0.70, 0.75)
PANEL = {"width": 300, "height": 220, "left": 48, "top": 30, "gap": 40}
PANELS_IN_A_ROW = 3


def final(result):
    return result["accuracy_merged"]


def best_settings(results):
    """{skew: {uplink: {method: (setting, [result of each seed])}}}: the setting with all its seeds is
    the one that ended best with seed 1."""
    runs = {}
    for key, result in results.items():
        uplink, skew, method, setting, seed = key.split("|")
        settings = runs.setdefault(skew, {}).setdefault(int(uplink), {}).setdefault(method, {})
        settings.setdefault(setting, {})[int(seed)] = result
    best = {}
    for skew, uplinks in runs.items():
        for uplink in sorted(uplinks):
            for method in COLOURS:
                settings = uplinks[uplink].get(method)
                if not settings:
                    continue
                name = max(settings, key=lambda s: final(settings[s][1]))
                seeds = [settings[name][seed] for seed in sorted(settings[name])]
                best.setdefault(skew, {}).setdefault(uplink, {})[method] = (name, seeds)
    return best


def first_at(curve, level):
    return next((point for point in curve if (point["accuracy_mean"] or 0) >= level), None)


def megabytes(count):
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.0f} kB"


def spread(seeds):
    finals = [final(result) for result in seeds]
    text = f"{mean(finals):.1%}"
    return text if len(finals) == 1 else f"{text} ({min(finals):.1%} to {max(finals):.1%})"


def summary(uplinks):
    yield "| uplink | " + " | ".join(COLOURS) + " |"
    yield "|---" * (1 + len(COLOURS)) + "|"
    for uplink, methods in uplinks.items():
        cells = [f"{uplink} kbit/s"]
        for method in COLOURS:
            if method in methods:
                setting, seeds = methods[method]
                sent = megabytes(mean(r["bytes_sent"] for r in seeds))
                steps = round(mean(r["steps"] for r in seeds))
                cells.append(f"{spread(seeds)}, {sent}; {setting}, {steps} steps")
            else:
                cells.append("-")
        yield "| " + " | ".join(cells) + " |"


def levels(uplinks):
    """Seed 1: when the mean of the nodes' own models is first seen to reach a level, and after how
    many bytes of all nodes together."""
    yield "| uplink | method | " + " | ".join(f"{x:.0%}" for x in LEVELS) + " |"
    yield "|---" * (2 + len(LEVELS)) + "|"
    for uplink, methods in uplinks.items():
        for method, (_, seeds) in methods.items():
            cells = [f"{uplink} kbit/s", method]
            for level in LEVELS:
                point = first_at(seeds[0]["curve"], level)
                cells.append(f"{point['at_s']:.0f} s, {megabytes(point['bytes_sent'])}" if point
                             else "-")
            yield "| " + " | ".join(cells) + " |"


def crossovers(uplinks):
    """Uplinks where both end alike, between measured ones on a logarithmic scale."""
    leads = []
    for uplink, methods in uplinks.items():
        if methods.keys() == COLOURS.keys():
            votes, gossip = (mean(map(final, methods[m][1])) for m in ("votes", "gossip"))
            leads.append((uplink, votes - gossip))
    for (low, lead), (high, next_lead) in zip(leads, leads[1:]):
        if lead * next_lead < 0:
            share = lead / (lead - next_lead)
            yield math.exp(math.log(low) + share * math.log(high / low))


class Panel:
    """One plot with a logarithmic abscissa and accuracies from 10 to 90 %."""

    def __init__(self, number, low, high):
        row, column = divmod(number, PANELS_IN_A_ROW)
        self.x = PANEL["left"] + column * (PANEL["width"] + PANEL["left"] + PANEL["gap"])
        self.top = PANEL["top"] + row * (PANEL["height"] + 60)
        self.low, self.high = low, high

    def at(self, abscissa, accuracy):
        logarithm = math.log10(max(abscissa, 1e-9))
        share = (min(max(logarithm, self.low), self.high) - self.low) / (self.high - self.low)
        height = self.top + (0.9 - accuracy) / 0.8 * PANEL["height"]
        return f"{self.x + share * PANEL['width']:.1f},{height:.1f}"

    def frame(self, title, ticks):
        width, height, top = PANEL["width"], PANEL["height"], self.top
        yield (f'<text x="{self.x + width / 2}" y="{top - 12}" text-anchor="middle" '
               f'font-weight="bold">{title}</text>')
        yield (f'<rect x="{self.x}" y="{top}" width="{width}" height="{height}" fill="none" '
               'stroke="#999"/>')
        for percent in range(10, 91, 20):
            _, y = self.at(1, percent / 100).split(",")
            yield (f'<text x="{self.x - 4}" y="{float(y) + 4:.1f}" text-anchor="end">{percent} %'
                   '</text>')
            yield f'<path d="M{self.x},{y}h{width}" stroke="#eee"/>'
        for value, name in ticks:
            place, _ = self.at(value, 0).split(",")
            yield f'<text x="{place}" y="{top + height + 15}" text-anchor="middle">{name}</text>'

    def line(self, method, points, row):
        colour = COLOURS[method]
        path = " ".join(self.at(*point) for point in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield (f'<text x="{self.x + PANEL["width"] - 6}" '
               f'y="{self.top + PANEL["height"] - 8 - 14 * row}" text-anchor="end" '
               f'fill="{colour}">{method}</text>')


def over_uplinks(uplinks):
    panel = Panel(0, math.log10(min(uplinks)) - 0.1, math.log10(max(uplinks)) + 0.1)
    yield from panel.frame("merged model, by uplink in kbit/s", [(u, f"{u}") for u in uplinks])
    for row, method in enumerate(COLOURS):
        points = [(uplink, mean(map(final, methods[method][1])))
                  for uplink, methods in uplinks.items() if method in methods]
        if points:
            yield from panel.line(method, points, row)


def over_bytes(number, uplink, methods):
    panel = Panel(number, 4, 8)
    yield from panel.frame(f"accuracy over bytes, {uplink} kbit/s",
                           [(10**5, "100 kB"), (10**6, "1 MB"), (10**7, "10 MB")])
    for row, (method, (_, seeds)) in enumerate(methods.items()):
        points = [(p["bytes_sent"], p["accuracy_mean"]) for p in seeds[0]["curve"]]
        points.append((seeds[0]["bytes_sent"], final(seeds[0])))
        yield from panel.line(method, points, row)


def plot(uplinks):
    rows = math.ceil((1 + len(uplinks)) / PANELS_IN_A_ROW)
    size = ((PANEL["width"] + PANEL["left"] + PANEL["gap"]) * PANELS_IN_A_ROW,
            (PANEL["height"] + 60) * rows)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" '
             'font-family="sans-serif" font-size="11">',
             '<rect width="100%" height="100%" fill="white"/>', *over_uplinks(uplinks)]
    for number, uplink in enumerate(uplinks, 1):
        lines += over_bytes(number, uplink, uplinks[uplink])
    return "\n".join(lines + ["</svg>\n"])


def write_page(results, folder):
    for skew, uplinks in best_settings(results).items():
        with open(f"{folder}/compare-{skew.split(':')[0]}.svg", "w") as file:
            file.write(plot(uplinks))
        print(f"\n### {skew}: at the end\n")
        print("\n".join(summary(uplinks)))
        places = ", ".join(f"{uplink:.1f} kbit/s" for uplink in crossovers(uplinks))
        print(f"\nBoth end alike at: {places or 'no uplink here'}.")
        print(f"\n### {skew}: on the way\n")
        print("\n".join(levels(uplinks)))
