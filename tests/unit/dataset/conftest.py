"""Films of a few frames, read by the tiny backbone and an estimator that knows where the bright square is."""

import json
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count

import numpy as np
import pytest
import torch

from motionweave.dataset.choose import Filters
from motionweave.dataset.extract import Shape, Tools
from motionweave.dataset.prepare import Preparation, prepare
from motionweave.media import VideoWriter
from motionweave.runtime import Folders, LocalRuntime
from motionweave.tracks.camera_files import write_realestate
from motionweave.tracks.camera_moves import CameraRequest, camera_path
from motionweave.tracks.keypoints import Person
from motionweave.tracks.light import light_track
from motionweave.tracks.light_files import write_light
from motionweave.train import tuning_loop
from motionweave.train.job import Job
from motionweave.train.loop import LoopOptions
from motionweave.train.tuning_loop import train_tuning
from motionweave.train.tuning_recipe import TuningRecipe
from motionweave.types import Size

SIZE = 32


def film(path, colours, count=8, square=True, fps=8):
    """Write shots of `count` frames, one a colour; a white square, the person, walks through each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, fps=Fraction(fps), size=Size(SIZE, SIZE), crf=5) as writer:
        for shot, colour in enumerate(colours):
            texture = 0.15 * torch.rand(3, SIZE, SIZE, generator=torch.Generator().manual_seed(shot))
            for frame in range(count):
                picture = (torch.tensor(colour)[:, None, None] * 0.6 + texture).clamp(0, 0.8)
                if square:
                    picture[:, 8:24, 2 + 2 * frame : 12 + 2 * frame] = 1.0
                writer.write(picture[None])
    return path


@dataclass
class Squares:
    """Finds the white square of `film`; counts the frames that it was shown."""

    digest: str = "squares"
    batch_size: int = 4
    seen: list[int] = field(default_factory=list)

    def people(self, batches):
        for batch in batches:
            self.seen.append(len(batch))
            for frame in batch:
                bright = np.argwhere((frame.min(0).values > 230).numpy())
                yield () if len(bright) < 40 else (self.person(bright),)

    def person(self, bright):
        (top, left), (bottom, right) = bright.min(0), bright.max(0)
        body = np.ones((18, 3), np.float32)
        body[:, 0], body[:, 1] = np.linspace(left, right, 18), np.linspace(top, bottom, 18)
        none = np.zeros((0, 3), np.float32)
        return Person(body, none, none, none)


@dataclass
class NearSquares:
    """Takes what is bright for near."""

    digest: str = "near squares"
    metric: bool = False
    module: torch.nn.Module = field(default_factory=torch.nn.Identity)

    def inverse_depth(self, frames):
        return frames.float().mean(1)[:, ::8, ::8] / 255


def truth(folder, name, frames=8, fps=8):
    """Write a light that turns from blue to red and a camera that goes to the left, and give the film's entry."""
    share = np.linspace(0, 1, frames)[:, None, None]
    light = (1 - share) * np.full((1, 9, 3), (0.1, 0.2, 0.9)) + share * np.full((1, 9, 3), (0.9, 0.2, 0.1))
    path = camera_path(CameraRequest("truck left", seconds=frames / fps, fps=Fraction(fps)))
    (folder / f"{name}.json").write_text(write_light(light_track(light, Fraction(fps))))
    (folder / f"{name}.txt").write_text(write_realestate(path, Size(SIZE, SIZE)))
    return {"file": f"videos/{name}.mp4", "light": f"{name}.json", "camera": f"{name}.txt"}


@pytest.fixture(scope="session")
def write_film():
    return film


@pytest.fixture(scope="session")
def write_truth():
    return truth


@pytest.fixture(scope="session")
def near_squares():
    return NearSquares()


@pytest.fixture
def squares():
    return Squares()


@pytest.fixture(scope="session")
def finder():
    """The same for datasets that several tests share."""
    return Squares()


@pytest.fixture(scope="session")
def prepared_films(tmp_path_factory, tiny_backbone):
    """A dataset of one film to train on and one that is held out, with all signals; nobody may change it."""
    folder = tmp_path_factory.mktemp("films")
    film(folder / "videos/a.mp4", [(1.0, 0.1, 0.1)])
    film(folder / "videos/b.mp4", [(0.1, 0.1, 1.0)])
    entries = [truth(folder, "a"), truth(folder, "b") | {"split": "test"}]
    (folder / "metadata.json").write_text(json.dumps(entries))
    shape, filters = Shape(Size(SIZE, SIZE)), Filters(least_s=0.5)
    here = LocalRuntime(Folders(folder, folder, folder))
    prepare(folder, Preparation(Tools(tiny_backbone, Squares(), NearSquares()), shape, filters), here)
    return folder


@pytest.fixture
def runtime(tmp_path):
    return LocalRuntime(Folders(tmp_path, tmp_path, tmp_path))


@pytest.fixture
def how(tiny_backbone, squares):
    tools = Tools(tiny_backbone, squares)
    return Preparation(tools, Shape(Size(SIZE, SIZE)), Filters(least_s=0.5))


@pytest.fixture
def recipe(prepared_films, tiny_svd_folder):
    """Make tuning recipes for the prepared films."""

    def make(trains="pose", loop=None, **fields):
        given = {
            "kind": "tuning", "trains": trains, "name": f"tiny-{trains}", "dataset": str(prepared_films),
            "backbone": str(tiny_svd_folder), "frames": 2, "control_widths": (16, 16, 16, 16),
            "loop": {"steps": 4, "learning_rate": 1e-3, "warmup": 1, "save_every": 2, "measure_every": 4}
            | {"sample_every": 0}
            | (loop or {}),
        }  # fmt: skip
        return TuningRecipe(**{**given, **fields})

    return make


@pytest.fixture(scope="session")
def job():
    """Make the job of a recipe in a folder."""

    def make(recipe, folder):
        loop = recipe.loop
        return Job(LoopOptions(loop.steps, loop.learning_rate, loop.warmup, loop.ema), folder, folder, folder / "run")

    return make


@pytest.fixture
def whole_and_stopped(tmp_path, monkeypatch, job):
    """Train a recipe in one go, and once more with a stop after its second step; give what both wrote.

    Their last states lie in ``whole/run`` and ``stopped/run``.
    """
    own = tuning_loop.draw

    def train(recipe):
        draws = count()

        def stopping(*arguments):
            if next(draws) == 3 * recipe.loop.accumulate:
                raise KeyboardInterrupt
            return own(*arguments)

        whole = train_tuning(recipe, job(recipe, tmp_path / "whole"))
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(tuning_loop, "draw", stopping)
            train_tuning(recipe, job(recipe, tmp_path / "stopped"))
        assert torch.load(tmp_path / "stopped/run/state.pt", weights_only=True)["step"] == 2
        return whole, train_tuning(recipe, job(recipe, tmp_path / "stopped"))

    return train
