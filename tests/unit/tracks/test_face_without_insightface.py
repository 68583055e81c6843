"""Without the optional package, a line says what to install."""

import sys
from pathlib import Path

import pytest

from motionweave.errors import UnsupportedError
from motionweave.tracks.face_models import load_face_models


def test_the_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "insightface.app", None)
    with pytest.raises(UnsupportedError, match=r"pip install .*insightface"):
        load_face_models(Path("anywhere"))
