"""``python -m fastnano`` is the command ``fastnano``."""

import sys

from .cli import main

sys.exit(main())
