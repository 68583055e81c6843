"""``python -m motionweave`` is the ``motionweave`` command."""

from .cli import main

if __name__ == "__main__":
    main()
