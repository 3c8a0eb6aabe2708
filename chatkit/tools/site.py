"""The lessons as a folder of pages: a browser that opens it has Jupyter, Python and the kit, and nothing is installed.

    python -m chatkit.tools.site   makes build/lite/ and build/chatkit-lite.zip from the exact files that lite/ names

Inside the project's folder; needs npm. Whatever the pages ask for lies in the folder: Pyodide from npm, wheels,
JupyterLite. The archive is for a stick: the folder and, for each system, a script that shows it.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from chatkit.exercises.questions import lessons
from chatkit.texts import Sentence, say
from chatkit.tools.copies import KIT, LIST, Copies

__all__ = ["build", "pack"]

CLONE = KIT.parent
LOCKS = CLONE / "lite"
WORK = CLONE / "build" / "lite-work"
SITE = CLONE / "build" / "lite"

#: pip's name for the Python in the browser
PYODIDE = ["--python-version=3.14", "--implementation=cp", "--abi=cp314", "--platform=pyemscripten_2026_0_wasm32"]
CORE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
UNNEEDED = (
    "jedi/third_party/typeshed/stubs/",
    "jedi/third_party/django-stubs/",
    "chatkit/course/notebooks/labs/",
    "chatkit/course/notebooks/images/",
)
STICK = ("READ-ME.txt", "serve.py", "start-windows.bat", "start-macos.command", "start-linux.sh")
#: built with these: each is a folder of scripts for the page beside its Python
PARTS = ("anywidget", "jupyterlab_widgets", "jupyterlite_pyodide_kernel")
#: an environment marker for the browser; `extra` is none
BROWSER = {"sys_platform": "emscripten", "platform_system": "Emscripten", "python_version": "3.14", "extra": ""}


def run(*command: str | Path, **options: Any) -> None:
    """Run a program; where it fails, its complaint and the end."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if ran.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{ran.stdout}{ran.stderr}")


def pip(*arguments: str | Path) -> None:
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments)


def build(site: Path = SITE, work: Path = WORK) -> Path:
    """The whole site; gives its folder. What was fetched stays in `work` and is fetched once."""
    kernel, tools = fetched("kernel", work, *PYODIDE), fetched("site", work)
    sources = work / "sources"
    for old in (sources, site):
        shutil.rmtree(old, ignore_errors=True)
    put_pyodide(sources / "static" / "pyodide", kernel, tools, work)
    hand_out(sources / "files")
    shutil.copy(LOCKS / "jupyter-lite.json", sources)
    put_together(sources, site, tools, [*kernel.glob("*.whl"), *tools.glob("*.whl")])
    put_front_page(site)
    return site


def fetched(lock: str, work: Path, *options: str) -> Path:
    """The folder with the wheels of a lock file, each of them checked against its hash by pip."""
    file = LOCKS / f"{lock}.txt"
    folder = work / f"{lock}-{hashlib.sha256(file.read_bytes()).hexdigest()[:8]}"
    if not folder.exists():
        draft = folder.with_suffix(".draft")
        only = ["--no-deps", "--only-binary=:all:", "--require-hashes"]
        pip("download", "--quiet", *only, *options, "--dest", draft, "--requirement", file)
        draft.rename(folder)
    return folder


def put_pyodide(folder: Path, kernel: Path, tools: Path, work: Path) -> None:
    """Python for the browser, the wheels beside it, and the list from which it takes them."""
    folder.mkdir(parents=True)
    archived = unpacked(pyodide(work), *CORE, "pyodide-lock.json")
    info = json.loads(archived.pop("pyodide-lock.json"))["info"]
    for name, content in archived.items():
        (folder / name).write_bytes(content)
    own = work / "own"
    shutil.rmtree(own, ignore_errors=True)
    pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", own, CLONE)
    for wheel in (*kernel.glob("*.whl"), *own.glob("*.whl")):
        put_wheel(wheel, folder / wheel.name)
    [page_half] = tools.glob("jupyterlite_pyodide_kernel-*.whl")
    with ZipFile(page_half) as archive_of_page:
        for name in archive_of_page.namelist():
            if name.endswith(".whl") and "widgetsnbextension-3" not in name:
                (folder / Path(name).name).write_bytes(archive_of_page.read(name))
    listed = {entry["name"]: entry for entry in map(entry_of, sorted(folder.glob("*.whl")))}
    for entry in listed.values():
        entry["depends"] = [name for name in entry["depends"] if name in listed]
    (folder / "pyodide-lock.json").write_text(json.dumps({"info": info, "packages": listed}, indent=1), "utf-8")


def unpacked(archive: Path, *names: str) -> dict[str, bytes]:
    """These files of an npm package."""
    found = {}
    with tarfile.open(archive) as package:
        for name in names:
            member = package.extractfile(f"package/{name}")
            assert member is not None
            found[name] = member.read()
    return found


def put_wheel(wheel: Path, target: Path) -> None:
    """Copy a wheel without what no lesson needs: types of other projects in jedi, in the kit most of the course."""
    with ZipFile(wheel) as archive, ZipFile(target, "w", ZIP_DEFLATED) as slim:
        for member in archive.infolist():
            if not member.filename.startswith(UNNEEDED):
                data = archive.read(member)
                is_lesson = member.filename.endswith(".ipynb")
                slim.writestr(member, only_recorded(data) if is_lesson else data, ZIP_DEFLATED)


def only_recorded(notebook: bytes) -> bytes:
    """A notebook with just the cells that `chatkit.tools.recorded` plays back; the site has the lessons anyway."""
    cells = json.loads(notebook)["cells"]
    kept = [cell for cell in cells if any(tag.startswith("needs-") for tag in cell["metadata"].get("tags", ()))]
    return json.dumps({"cells": kept}, ensure_ascii=False).encode()


def pyodide(work: Path) -> Path:
    """npm's package of Pyodide, checked against its hash."""
    digest, name = (LOCKS / "pyodide.sha256").read_text("utf-8").split()
    archive = work / name
    if not archive.exists():
        run("npm", "pack", name.removesuffix(".tgz").replace("-", "@"), "--pack-destination", work)
    if hashlib.sha256(archive.read_bytes()).hexdigest() != digest:
        archive.unlink()
        sys.exit(f"{name} is not the file that lite/pyodide.sha256 names")
    return archive


def entry_of(wheel: Path) -> dict[str, Any]:
    """A wheel as Pyodide's list has it: what it gives, and what it needs in a browser."""
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        [metadata] = [name for name in names if name.endswith(".dist-info/METADATA") and name.count("/") == 1]
        said = HeaderParser().parsestr(archive.read(metadata).decode())
    tops = {name.split("/")[0] for name in names}
    needs = map(Requirement, said.get_all("Requires-Dist", []))
    return {
        "name": canonicalize_name(said["Name"]),
        "version": said["Version"],
        "file_name": wheel.name,
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "install_dir": "site",
        "package_type": "package",
        "unvendored_tests": False,
        "imports": sorted(top.removesuffix(".py") for top in tops if "." not in top.removesuffix(".py")),
        "depends": [canonicalize_name(need.name) for need in needs if not need.marker or need.marker.evaluate(BROWSER)],
    }


def hand_out(folder: Path) -> None:
    """The lessons and the papers as `chatkit lab` gives them, without outputs."""
    Copies(CLONE, folder).hand_out()
    (folder / LIST).unlink()


def put_together(sources: Path, site: Path, tools: Path, wheels: list[Path]) -> None:
    """JupyterLite's own builder makes the pages."""
    installed = tools.with_suffix(".installed")
    if not installed.exists():
        pip("install", "--quiet", "--no-deps", "--target", installed, *tools.glob("*.whl"))
    extensions = [str(wheel) for wheel in wheels if wheel.name.startswith(tuple(f"{part}-" for part in PARTS))]
    config = {
        "LiteBuildConfig": {
            "contents": [str(sources / "files")],
            "apps": ["lab"],
            "federated_extensions": extensions,
            "ignore_sys_prefix": ["federated_extensions"],
            "no_sourcemaps": True,
        },
        "ContentsManager": {"allow_hidden": True},  # Postman's folders begin with a dot
    }
    (sources / "jupyter_lite_config.json").write_text(json.dumps(config), "utf-8")
    python_path = os.pathsep.join(filter(None, [str(installed), os.environ.get("PYTHONPATH")]))
    builder = [sys.executable, "-m", "jupyterlite_core", "build", f"--lite-dir={sources}", f"--output-dir={site}"]
    run(*builder, cwd=sources, env={**os.environ, "PYTHONPATH": python_path})


def put_front_page(site: Path) -> None:
    """The page that the address shows: what this is, and a link to each lesson."""
    said = [say("site_what"), say("site_first"), say("site_kept"), say("site_missing")]
    rows = [
        f'<li><a href="{page(name)}">{name[:2]} {" · ".join(Sentence(**table["title"]).each().values())}</a></li>'
        for name, table in lessons().items()
    ]
    body = [
        f"<h1>{say('site_title').html(tag='span')}</h1>",
        *(each.html(tag="p") for each in said[:2]),
        f'<p><a class="open" href="{page("index")}">{say("site_open")}</a></p>',
        f"<ol>{''.join(rows)}</ol>",
        *(each.html(tag="p") for each in said[2:]),
    ]
    template = (LOCKS / "index.html").read_text("utf-8")
    (site / "index.html").write_text(template.replace("{body}", "\n".join(body)), "utf-8")


def page(notebook: str) -> str:
    return f"lab/index.html?path=notebooks/{notebook}.ipynb"


def pack(site: Path, archive: Path) -> Path:
    """The site with its start scripts in one zip file."""
    with ZipFile(archive, "w", ZIP_DEFLATED) as stick:
        for name in STICK:
            stick.write(LOCKS / name, f"chatkit/{name}")
        for path in sorted(site.rglob("*")):
            if path.is_file():
                stick.write(path, f"chatkit/site/{path.relative_to(site).as_posix()}")
    return archive


def main() -> int:
    site = build()
    for made in (site, pack(site, site.with_name("chatkit-lite.zip"))):
        size = sum(path.stat().st_size for path in (made, *made.rglob("*")) if path.is_file())
        print(f"{made.relative_to(CLONE)}: {size / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
