"""What a migration did, as a value, as JSON and as one self-contained page."""

from pumphouse.report.build import build
from pumphouse.report.render import to_html, to_json
from pumphouse.report.values import UNDOING, Disk, Move, Report, Run, Span, Trouble

__all__ = ["UNDOING", "Disk", "Move", "Report", "Run", "Span", "Trouble", "build", "to_html", "to_json"]
