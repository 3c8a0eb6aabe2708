"""The phone page as a document: what goes out, without a browser."""

import json
import re
import subprocess
from base64 import b64encode
from hashlib import sha256

import pytest

from chatkit.texts import sentences
from chatkit.web import SCRIPTS, asset, embed, page, page_texts
from tests.needs import NODE, ROOT, need_node


def header(name: str, host: str = "") -> str:
    [value] = [value for key, value in page(host)[0] if key == name]
    return value


def test_policy_lets_run_exactly_the_script_and_the_style_of_the_page() -> None:
    body = page()[1].decode()
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        [source] = re.findall(f"<{tag}>(.*?)</{tag}>", body, re.DOTALL)
        digest = b64encode(sha256(source.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in header("Content-Security-Policy")


@pytest.mark.parametrize("host", ["192.168.1.7:8765", "localhost", "class.example:80"])
def test_policy_names_the_web_socket_for_older_safari(host: str) -> None:
    assert header("Content-Security-Policy", host).endswith(f"connect-src 'self' ws://{host} wss://{host}")


@pytest.mark.parametrize("host", ["", "[::1]:8765", "a; script-src *", "a b", "a:80\n", "é"])
def test_policy_takes_no_host_that_it_cannot_spell(host: str) -> None:
    assert header("Content-Security-Policy", host).endswith("connect-src 'self'")


def test_page_is_one_document_that_names_no_other() -> None:
    body = page()[1].decode()
    assert header("Content-Length") == str(len(page()[1]))
    assert not re.search(r"(src|href)=[\"'](?!data:)", body)
    assert "$style" not in body and "$script" not in body


def test_no_sentence_can_end_the_script_element() -> None:
    assert embed("</script><!--") == r'"\u003c/script>\u003c!--"'


def test_every_sentence_that_the_page_says_is_there_and_none_else() -> None:
    script, markup = page()[1].decode().split('id="texts"')[1], page()[1].decode().split("<noscript>")[0]
    said = set(re.findall(r"page_\w+", script.split("</script>", 1)[1] + markup))
    made = {f"page_{word}" for word in ("connecting", "open", "reconnecting", "closed", "too_long", "too_big")}
    assert said - {"page_"} | made | {"page_needs_script"} == set(page_texts()["en"])
    assert all(set(texts) <= set(sentences(lang)) for lang, texts in page_texts().items())


def test_what_a_module_imports_stands_before_it() -> None:
    for n, name in enumerate(SCRIPTS):
        assert set(re.findall(r'from "\./([\w.]+)"', asset(name))) <= set(SCRIPTS[:n])


def test_no_two_modules_of_the_page_declare_the_same_name() -> None:
    declared = [
        name
        for each in SCRIPTS
        for name in re.findall(r"^(?:export )?(?:const|let|class|function) (\w+)", asset(each), re.M)
    ]
    assert len(declared) > 40
    assert len(declared) == len(set(declared))


@need_node
def test_memory_of_the_page_keeps_to_the_conformance_script() -> None:
    conformance = ROOT / "tests" / "conformance"
    program = [
        asset("chat.js"),
        (conformance / "run.js").read_text("utf-8"),
        f"console.log(JSON.stringify(run(Memory, {(conformance / 'client.json').read_text('utf-8')})));",
    ]
    command = [NODE, "--input-type=module", "-"]
    node = subprocess.run(
        command, input="\n".join(program), capture_output=True, text=True, encoding="utf-8", check=True
    )
    assert json.loads(node.stdout) == []
