"""Write into pyproject.toml what only the place that a repository lies at can tell: the registry's addresses.

python .ci/addresses.py https://github.com/OWNER/NAME [BRANCH]

The registry wants links, and pictures by their addresses; the repository itself knows neither and names the pictures as
files. Publishing runs this first (`.github/workflows/publish.yml`); what it writes is published and never committed.
"""

import re
import sys
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def addressed(text: str, repository: str, branch: str = "main") -> str:
    """Give pyproject.toml's text with the addresses.

    Raises:
        SystemExit: If that is no address of a repository on GitHub, or the text has addresses already.
    """
    repository = repository.rstrip("/").removesuffix(".git")
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+)", repository)
    if found is None:
        raise SystemExit(f"{repository} is no https://github.com/OWNER/NAME")
    if "[project.urls]" in text:
        raise SystemExit("pyproject.toml has its addresses already")
    raw = f"https://raw.githubusercontent.com/{found[1]}/{branch}"
    text = re.sub(r'^(Icon|Banner) = "([^"]+)"$', rf'\1 = "{raw}/\2"', text, flags=re.MULTILINE)
    urls = {"Repository": "", "Documentation": f"/tree/{branch}/docs", '"Bug Tracker"': "/issues"}
    lines = [f'{name} = "{repository}{rest}"' for name, rest in urls.items()]
    return text.replace("[project.scripts]", "\n".join(["[project.urls]", *lines, "", "[project.scripts]"]), 1)


if __name__ == "__main__":
    PYPROJECT.write_text(addressed(PYPROJECT.read_text(encoding="utf-8"), *sys.argv[1:3]), encoding="utf-8")
