"""Numbers as people read them; the same words on the command line and in the report."""

import time

_SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(count: float) -> str:
    """Bytes in binary units: ``512 B``, ``1.5 GiB``."""
    value, unit = float(count), 0
    while value >= 1024 and unit < len(_SIZES) - 1:
        value, unit = value / 1024, unit + 1
    digits = 0 if unit == 0 or value >= 100 else 1
    return f"{value:.{digits}f} {_SIZES[unit]}"


def rate(per_second: float) -> str:
    """Bytes per second: ``24.0 MiB/s``."""
    return f"{size(per_second)}/s"


def duration(seconds: float) -> str:
    """Seconds in the two units that matter: ``0.4 s``, ``43 s``, ``1 min 20 s``, ``2 h 5 min``."""
    if 0 < seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    large, small, names = (whole, 0, ("s", "")) if whole < 60 else (*divmod(whole, 60), ("min", "s"))
    if whole >= 3600:
        large, small, names = whole // 3600, whole % 3600 // 60, ("h", "min")
    return f"{large} {names[0]}" + (f" {small} {names[1]}" if small else "")


def moment(at: float) -> str:
    """A time of the epoch in local time: ``2026-01-31 12:00:00``."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def count(number: int, noun: str) -> str:
    """``1 server``, ``3 servers``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
