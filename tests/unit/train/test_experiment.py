"""An experiment's folder tells what was asked, run and found, and is never another's."""

from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from motionweave.cli import app
from motionweave.errors import InputError
from motionweave.train import run
from motionweave.train.experiment import begin_experiment, read_losses, run_experiment


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("kind: tuning  # as it was written\n")
    return path


def test_a_new_experiment_has_the_question_and_the_recipe_as_it_is_run(tmp_path, recipe):
    begun = begin_experiment(tmp_path / "experiments", "rank-4", recipe, "Is rank 4 enough?")
    assert begun.folder == tmp_path / "experiments/rank-4"
    assert begun.recipe.read_bytes() == recipe.read_bytes()
    page = (begun.folder / "README.md").read_text()
    headings = ["# rank-4", "## Question", "## What would answer it", "## Config", "## Results", "## Answer"]
    assert [line for line in page.splitlines() if line.startswith("#")] == headings
    assert "Is rank 4 enough?" in page


def test_what_its_reader_wrote_stays_and_another_recipe_is_refused(tmp_path, recipe):
    begun = begin_experiment(tmp_path, "one", recipe)
    (begun.folder / "README.md").write_text("# one\n\nYes.\n")
    begin_experiment(tmp_path, "one", recipe, "Again?")
    assert (begun.folder / "README.md").read_text() == "# one\n\nYes.\n"
    recipe.write_text("kind: vae\n")
    with pytest.raises(InputError, match="another recipe"):
        begin_experiment(tmp_path, "one", recipe)
    assert "tuning" in begun.recipe.read_text()


@pytest.mark.parametrize("name", ["../out", "a/b", "", "."])
def test_an_experiment_stays_in_its_folder(tmp_path, recipe, name):
    with pytest.raises(InputError, match="letters, digits"):
        begin_experiment(tmp_path, name, recipe)


def test_results_have_every_figure_the_chart_and_the_samples(tmp_path, recipe, monkeypatch):
    def training(path, output, cache, steps, folder):
        assert (path.name, steps) == ("config.yaml", 3)
        (folder / "samples").mkdir(parents=True)
        (folder / "samples/step-000003-0.mp4").write_bytes(b"")
        (folder / "losses.csv").write_text("0,loss,2\n1,loss,0.5\n2,loss,1\n2,psnr_db,21.5\n")
        return output / "own"

    monkeypatch.setattr(run, "run_recipe", training)
    begun = begin_experiment(tmp_path, "one", recipe)
    text = run_experiment(begun, None, tmp_path, 3).read_text()
    assert "| loss | 2 | 1 | 0.5 at step 1 |" in text and "| psnr_db | 21.5 | 21.5 | 21.5 at step 2 |" in text
    assert "--experiment one --steps 3" in text and f"torch {version('torch')}" in text
    assert "Made: `made/own`" in text and "(run/samples/step-000003-0.mp4)" in text
    assert (begun.folder / "losses.png").stat().st_size > 0


def test_both_kinds_of_logs_are_read(tmp_path):
    path = tmp_path / "losses.csv"
    assert read_losses(path) == {}
    path.write_text("0,loss=2,high=3\n10,loss=1,high=2\n")
    assert read_losses(path) == {"loss": [(0, 2.0), (10, 1.0)], "high": [(0, 3.0), (10, 2.0)]}


def test_the_command_line_runs_a_recipe_as_an_experiment(tmp_path, recipe, monkeypatch):
    seen = []
    monkeypatch.setattr(run, "run_recipe", lambda *given: seen.append(given) or tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    asked = ["train", str(recipe), "--experiment", "one", "--question", "Why?", "--output-dir", "models"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0 and result.stdout.strip() == "experiments/one/results.md"
    folder = Path("experiments/one")
    assert seen == [(folder / "config.yaml", Path("models"), Path("cache"), None, folder / "run")]
    assert "motionweave train experiments/one/config.yaml --experiment one" in (folder / "results.md").read_text()
    assert "Why?" in (folder / "README.md").read_text()
