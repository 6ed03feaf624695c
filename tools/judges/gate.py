"""Let the TypeScript compiler judge the types that the JavaScript gate has in its comments."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
KIT = HERE.parent.parent / "kit" / "javascript"


def main() -> int:
    """Answer 1 if a type is wrong."""
    compiler = HERE / "node_modules" / ".bin" / "tsc"
    judged = subprocess.run([str(compiler), "-p", str(KIT)], check=False)
    files = sum(1 for _ in (KIT / "src").rglob("*.js"))
    said = "wrong" if judged.returncode else "right"
    print(f"types of the JavaScript gate: {files} files, {said}")
    return judged.returncode


if __name__ == "__main__":
    sys.exit(main())
