"""Print text files one after the other, on any system."""

import sys
from pathlib import Path

for name in sys.argv[1:]:
    print(Path(name).read_text(encoding="utf-8"))
