"""Numbers to points for the dataset pages; pure."""


def ticks(highest: int, *, at_most: int = 4) -> tuple[int, ...]:
    """Round values from 0 to at least `highest`, evenly spaced: 0, 1500, 3000, 4500."""
    if highest <= 0:
        return (0, 1)
    unit = 1
    while True:
        for step in (unit, 2 * unit, 5 * unit):
            if step * at_most >= highest:
                return tuple(range(0, -(-highest // step) * step + 1, step))
        unit *= 10
