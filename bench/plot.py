# SPDX-License-Identifier: GPL-2.0-only
"""Plots as SVG, without any library: bars on a logarithmic scale, and lines."""

import math
from xml.sax.saxutils import escape

COLOURS = ('#1f77b4', '#ff7f0e', '#2ca02c', '#d62728', '#9467bd', '#8c564b', '#e377c2', '#7f7f7f', '#bcbd22',
           '#17becf', '#393b79', '#637939', '#8c6d31', '#843c39', '#7b4173')
FONT = 'font-family="sans-serif" font-size="13"'
BAR, GAP, LEFT, WIDTH = 14, 12, 190, 620


def text(x, y, what, anchor='start', more=''):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(what)}</text>'


def line(x1, y1, x2, y2, colour='#ddd', width=1):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def document(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" {FONT}>\n'
            f'<!-- SPDX-License-Identifier: MIT -->\n'
            f'<rect width="100%" height="100%" fill="white"/>\n' + '\n'.join(parts) + '\n</svg>\n')


class Scale:
    """A logarithmic axis from `low` to `high`, in whole powers of ten."""

    def __init__(self, values, start, end):
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)
        self.start, self.end = start, end

    def __call__(self, value):
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self):
        return [10.0 ** power for power in range(self.low, self.high + 1)]


def short(value):
    for unit, name in ((1e9, 'G'), (1e6, 'M'), (1e3, 'k')):
        if value >= unit:
            return f'{value / unit:.3g}{name}'
    return f'{value:.3g}'


def bars(title, unit, series):
    """series: {name: [(subject, value)]}; one bar per series below each subject."""
    subjects = list(dict.fromkeys(subject for points in series.values() for subject, _ in points))
    values = [value for points in series.values() for _, value in points if value > 0]
    if not values:
        return None
    scale = Scale(values, LEFT, LEFT + WIDTH)
    parts = [text(LEFT - 100, 24, title, more='font-weight="bold"')]
    x = LEFT - 100
    for i, name in enumerate(series):
        parts.append(f'<rect x="{x}" y="36" width="12" height="12" fill="{COLOURS[i]}"/>' + text(x + 18, 47, name))
        # No letter is wider than that, on average.
        x += 40 + 7.5 * len(name)
    top = y = 84
    body = []
    for subject in subjects:
        here = [(i, dict(points)[subject]) for i, points in enumerate(series.values()) if subject in dict(points)]
        body.append(text(LEFT - 10, y + len(here) * BAR / 2 + 5, subject, 'end'))
        for i, value in here:
            end = scale(value)
            body.append(f'<rect x="{LEFT}" y="{y}" width="{max(end - LEFT, 1):.1f}" height="{BAR - 2}" '
                        f'fill="{COLOURS[i]}"/>' + text(end + 5, y + BAR - 4, short(value), more='font-size="11"'))
            y += BAR
        y += GAP
    for tick in scale.ticks():
        parts += [line(scale(tick), top - 8, scale(tick), y), text(scale(tick), top - 12, short(tick), 'middle')]
    parts += body + [text(LEFT + WIDTH / 2, y + 18, unit, 'middle')]
    return document(LEFT + WIDTH + 80, y + 34, parts)


def lines(title, unit, across, panels):
    """panels: {heading: {subject: [(batch, value)]}}, side by side with the same axes."""
    values = [value for panel in panels.values() for points in panel.values() for _, value in points]
    if not values:
        return None
    subjects = list(dict.fromkeys(subject for panel in panels.values() for subject in panel))
    width, height, top = 340, 420, 70
    scale = Scale(values, top + height, top)
    parts = [text(70, 24, title, more='font-weight="bold"')]
    for number, (heading, panel) in enumerate(panels.items()):
        left = 70 + number * (width + 50)
        batches = sorted({batch for points in panel.values() for batch, _ in points})
        columns = Scale(batches, 0, width) if len(batches) > 1 else None

        def place(batch, left=left, batches=batches, columns=columns):
            if not columns:
                return left + width / 2
            first, last = math.log(batches[0]), math.log(batches[-1])
            return left + 15 + (math.log(batch) - first) / (last - first) * (width - 30)

        parts.append(text(left + width / 2, top - 14, heading, 'middle'))
        for tick in scale.ticks():
            parts += [line(left, scale(tick), left + width, scale(tick)),
                      text(left - 6, scale(tick) + 4, short(tick), 'end')]
        for batch in batches:
            parts += [line(place(batch), top, place(batch), top + height),
                      text(place(batch), top + height + 18, str(batch), 'middle')]
        parts.append(text(left + width / 2, top + height + 38, across, 'middle'))
        for subject, points in panel.items():
            colour = COLOURS[subjects.index(subject) % len(COLOURS)]
            way = ' '.join(f'{place(batch):.1f},{scale(value):.1f}' for batch, value in points)
            thick = 3 if subject.startswith('kucomms') else 1.5
            parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="{thick}"/>')
            parts += [f'<circle cx="{place(batch):.1f}" cy="{scale(value):.1f}" r="3.5" fill="{colour}"/>'
                      for batch, value in points]
    parts.append(text(16, top + height / 2, unit, 'middle', f'transform="rotate(-90 16 {top + height / 2:.0f})"'))
    right = 70 + len(panels) * (width + 50) - 30
    for i, subject in enumerate(subjects):
        colour = COLOURS[i % len(COLOURS)]
        y = top + 10 + i * 22
        parts += [line(right, y, right + 24, y, colour, 3), text(right + 32, y + 5, subject)]
    return document(right + 210, top + height + 54, parts)
