"""What a migration did, as a value, as JSON and as one self-contained page."""

from pumphouse.report.build import Disk, Move, Report, Run, Span, Trouble, build
from pumphouse.report.render import to_html, to_json

__all__ = ["Disk", "Move", "Report", "Run", "Span", "Trouble", "build", "to_html", "to_json"]
