import subprocess
import sys


def test_importing_the_package_loads_nothing_heavy():
    heavy = {"duckdb", "sqlalchemy", "sqlglot", "phonenumbers", "pycountry"}
    code = f"import sys, sfsync.rules, sfsync.normalise; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there():
    import sfsync.rules

    assert all(getattr(sfsync.rules, name) for name in sfsync.rules.__all__)
