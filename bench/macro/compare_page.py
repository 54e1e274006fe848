"""Tables and plots of compare_votes.py's results. Standard library only."""
import math

COLOURS = {"votes": "#c0392b", "gossip, 4": "#1f618d", "gossip, 2": "#5dade2", "choco": "#1e8449",
           "alone": "#7f8c8d"}
LEVELS = (0.60, 0.70, 0.75, 0.79)
PANEL = {"width": 300, "height": 220, "left": 48, "top": 30, "gap": 40}


def split(results):
    """{(uplink, skew): {method: result}}, in the order they were asked for."""
    panels = {}
    for key, result in sorted(results.items(), key=lambda item: int(item[0].split()[0])):
        uplink, skew, method = key.split(", ", 2)
        panels.setdefault((uplink, skew), {})[method] = result
    return panels


def first_at(curve, level):
    return next((point for point in curve if (point["accuracy_mean"] or 0) >= level), None)


def kilobytes(count):
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def table(methods):
    yield "| | at the end | sent by all | " + " | ".join(f"{x:.0%}" for x in LEVELS) + " |"
    yield "|---" * (3 + len(LEVELS)) + "|"
    for method, result in methods.items():
        last = result["curve"][-1]
        cells = [method, f"{last['accuracy_mean']:.1%}", kilobytes(last["bytes_sent"])]
        for level in LEVELS:
            point = first_at(result["curve"], level)
            cells.append(f"{point['at_s']:.0f} s, {kilobytes(point['bytes_sent'])}" if point else "-")
        yield "| " + " | ".join(cells) + " |"


def colour_of(method):
    return next(colour for start, colour in COLOURS.items() if method.startswith(start))


def panel(x, title, methods):
    """One plot: mean accuracy over the bytes that all nodes have sent, logarithmic."""
    low, high = 3.5, 8.5  # 3 kB to 300 MB
    height, width, top = PANEL["height"], PANEL["width"], PANEL["top"]

    def at(sent, accuracy):
        share = (min(max(math.log10(max(sent, 1)), low), high) - low) / (high - low)
        return f"{x + share * width:.1f},{top + (0.9 - accuracy) / 0.8 * height:.1f}"

    yield f'<text x="{x + width / 2}" y="18" text-anchor="middle" font-weight="bold">{title}</text>'
    yield (f'<rect x="{x}" y="{top}" width="{width}" height="{height}" fill="none" '
           'stroke="#999"/>')
    for percent in range(10, 91, 20):
        _, y = at(1, percent / 100).split(",")
        yield f'<text x="{x - 4}" y="{float(y) + 4:.1f}" text-anchor="end">{percent} %</text>'
        yield f'<path d="M{x},{y}h{width}" stroke="#eee"/>'
    for exponent, name in ((4, "10 kB"), (5, "100 kB"), (6, "1 MB"), (7, "10 MB"), (8, "100 MB")):
        place, _ = at(10**exponent, 0).split(",")
        yield f'<text x="{place}" y="{top + height + 15}" text-anchor="middle">{name}</text>'
    for row, (method, result) in enumerate(methods.items()):
        points = " ".join(at(p["bytes_sent"], p["accuracy_mean"]) for p in result["curve"])
        colour = colour_of(method)
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield (f'<text x="{x + width - 6}" y="{top + height - 8 - 14 * row}" text-anchor="end" '
               f'fill="{colour}">{method}</text>')


def plot(panels):
    step = PANEL["width"] + PANEL["left"] + PANEL["gap"]
    size = (step * len(panels), PANEL["height"] + 60)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" '
             'font-family="sans-serif" font-size="11">', '<rect width="100%" height="100%" fill="white"/>']
    for column, ((uplink, _), methods) in enumerate(panels.items()):
        lines += panel(PANEL["left"] + column * step, f"uplink {uplink}", methods)
    return "\n".join(lines + ["</svg>\n"])


def write_page(results, folder):
    panels = split(results)
    for skew in dict.fromkeys(skew for _, skew in panels):
        chosen = {key: methods for key, methods in panels.items() if key[1] == skew}
        with open(f"{folder}/compare-{skew.split(':')[0]}.svg", "w") as file:
            file.write(plot(chosen))
        for (uplink, _), methods in chosen.items():
            print(f"\n### {skew}, {uplink}\n")
            print("\n".join(table(methods)))
