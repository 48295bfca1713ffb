"""Small line charts as SVG, with nothing but the standard library. Used by curves.py.

A panel: title, x and y labels, and points (x, y) with x > 0. The x axis is logarithmic; so is y with is_log.
"""
import html
import math

WIDTH, HEIGHT = 440, 280
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 44, 52
INK, FAINT, LINE = "#1f2328", "#d8dee4", "#0b62c4"


class Panel:
    def __init__(self, title, x_label, y_label, points, is_log=False):
        self.title, self.x_label, self.y_label, self.points, self.is_log = title, x_label, y_label, points, is_log


def short(value):
    """1500 as 1.5k: what an axis has room for."""
    for factor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return "%g%s" % (round(value / factor, 1), unit)
    return "%.3g" % value


def round_up(value):
    """The next 1, 2, 4, 5 or 8 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 5, 8, 10) if step * power >= value * 0.9999)


def text(x, y, words, anchor="middle", size=11, more=""):
    return '<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d" %s>%s</text>' % (x, y, anchor, size, more, html.escape(words))


def ticks_of(panel):
    """Where the lines of the y axis are, and a function from a value to 0..1."""
    values = [y for _, y in panel.points]
    if panel.is_log:
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        high = max(high, low + 1)
        return [10.0 ** k for k in range(low, high + 1)], lambda y: (math.log10(y) - low) / (high - low)
    top = round_up(max(values) * 1.1)
    return [top * k / 4 for k in range(5)], lambda y: y / top


def draw(panel, x0, y0):
    low = math.floor(math.log10(min(x for x, _ in panel.points)))
    high = max(low + 1, math.ceil(math.log10(max(x for x, _ in panel.points)) - 1e-9))
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    left, bottom = x0 + LEFT, y0 + TOP + height

    def x_at(x):
        return left + width * (math.log10(x) - low) / (high - low)

    ticks, share = ticks_of(panel)
    out = [text(x0 + LEFT, y0 + 22, panel.title, "start", 14, 'font-weight="600"')]
    for tick in ticks:
        y = bottom - height * share(tick)
        out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>' % (left, y, left + width, y, FAINT))
        out.append(text(left - 8, y + 4, short(tick), "end"))
    for k in range(low, high + 1):
        x = x_at(10.0 ** k)
        out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>' % (x, bottom, x, bottom + 5, INK))
        out.append(text(x, bottom + 18, short(10.0 ** k)))
    out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>' % (left, bottom, left + width, bottom, INK))
    out.append(text(left + width / 2, bottom + 38, panel.x_label))
    middle = y0 + TOP + height / 2
    out.append(text(x0 + 16, middle, panel.y_label, "middle", 11, 'transform="rotate(-90 %.1f %.1f)"' % (x0 + 16, middle)))
    spots = [(x_at(x), bottom - height * share(y), y) for x, y in panel.points]
    out.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' % (LINE, " ".join("%.1f,%.1f" % s[:2] for s in spots)))
    for x, y, value in spots:
        out.append('<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>' % (x, y, LINE))
        anchor = "end" if x > left + width - 20 else "start" if x < left + 20 else "middle"
        out.append(text(x, y - 8, short(value), anchor, 10))
    return out


def svg(title, panels):
    """The panels, two in a row, as the text of an SVG file."""
    rows = (len(panels) + 1) // 2
    width, height = 2 * WIDTH, rows * HEIGHT + 36
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" fill="%s">'
           % (width, height, width, height, INK),
           "<title>%s</title>" % html.escape(title), '<rect width="100%" height="100%" fill="#ffffff"/>']
    for i, panel in enumerate(panels):
        out += draw(panel, i % 2 * WIDTH, i // 2 * HEIGHT)
    out.append(text(width - RIGHT, height - 12, title, "end", 10))
    return "\n".join(out + ["</svg>"]) + "\n"
