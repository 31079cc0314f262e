"""What tests of the command line share."""

from __future__ import annotations


def one_line(err):
    """The error on stderr, which has no traceback and is on one line."""
    lines = [line for line in err.splitlines() if line.startswith("mogfit")]
    assert "Traceback" not in err
    assert len(lines) == 1, err
    return lines[0]
