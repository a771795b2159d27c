from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qddft.core.errors import StudyError
from qddft.core.safe_yaml import MAX_BYTES, parse_yaml, read_yaml

HERE = Path("file.yaml")


def parse(text):
    return parse_yaml(text, HERE, StudyError)


def test_values_have_their_plain_types():
    text = "{a: 1e-5, b: 3, c: true, d: null, e: '3', f: 2020-01-01, g: 0x1f, h: yes, i: 010, j: -.5}"
    document = parse(text)
    assert dict(document.data) == {
        "a": 1e-5, "b": 3, "c": True, "d": None, "e": "3", "f": "2020-01-01", "g": 31, "h": "yes", "i": 10, "j": -0.5,
    }  # fmt: skip


def test_every_value_has_its_line_and_a_missing_one_that_of_its_parent():
    document = parse("a: 1\nb:\n  - c: 2\n    d: 3\n")
    assert document.line(("b", 0, "d")) == 4
    assert document.line(("b", 0, "missing")) == 3
    assert document.line(()) == 1


def test_duplicate_keys_are_mistakes_and_the_first_value_stays():
    document = parse("a: 1\nb: 2\na: 3\n")
    assert document.mistakes == ((3, "the key 'a' is already there on line 1"),)
    assert document.data["a"] == 1


def test_keys_that_are_no_words_are_mistakes():
    assert parse("? [1]\n: 2\n").mistakes == ((1, "a key has to be a plain word"),)
    assert parse("b: 1\n<<: {a: 1}\n").mistakes == ((2, "a key has to be a plain word"),)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a: 1\n\tb: 2\n", "file.yaml:2: .*contains a tab; indent with spaces"),
        ("a: [1\n", "file.yaml:2: not valid YAML: expected ',' or ']'"),
        ("a: b: c", "file.yaml:1: not valid YAML: mapping values"),
        ("a: 1\nb: !!python/object:os.system x\n", "file.yaml:2: the tag .* is not allowed"),
        ("a: &x [1]\nb: *x\n", "file.yaml:1: the anchor &x is not allowed"),
        ("a: 1\nb: *x\n", r"file.yaml:2: the alias \*x is not allowed"),
        ("- a\n---\n- b\n", "another document"),
        ("\x00", "not valid YAML: unacceptable character"),
        ("", "file.yaml: the file is empty"),
        ("# only a comment\n", "file.yaml: the file is empty"),
        ("[" * 100, "nested deeper than 20 levels"),
        ("[" + "1," * 30_000 + "]", "more than 20000 values"),
    ],
)
def test_structural_mistakes_name_file_and_line(text, match):
    with pytest.raises(StudyError, match=match):
        parse(text)


def test_a_number_of_absurd_length_stays_text():
    assert parse("a: " + "9" * 5000).data["a"] == "9" * 5000


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_parses_or_gives_one_clear_error(text):
    with suppress(StudyError):
        parse(text)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(StudyError, match="does not exist"):
        read_yaml(tmp_path / "none.yaml", StudyError)
    with pytest.raises(StudyError, match="is a folder, not a file"):
        read_yaml(tmp_path, StudyError)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("a: 1\nb: \xe9\n".encode("latin-1"))
    with pytest.raises(StudyError, match=r"latin.yaml:2: the file is not UTF-8 text"):
        read_yaml(latin, StudyError)
    big = tmp_path / "big.yaml"
    big.write_bytes(b"a" * (MAX_BYTES + 1))
    with pytest.raises(StudyError, match="larger than 1000 kB"):
        read_yaml(big, StudyError)
    with pytest.raises(StudyError, match="cannot be read"):
        read_yaml(Path("a\x00b"), StudyError)
