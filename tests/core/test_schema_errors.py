from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from qddft.core.schema_errors import keys_at, schema_mistakes


def even(value):
    if value % 2:
        raise ValueError(f"{value} is odd")
    return value


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    color: Literal["red", "green"] = "red"
    size: Annotated[int, Field(ge=1), AfterValidator(even)] = 2


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: Annotated[str, Field(min_length=1)]
    inner: Inner | None = None
    rows: Annotated[tuple[Inner, ...], Field(min_length=1)] = (Inner(),)
    named: dict[Literal["one"], Inner] = {}
    source: str = Field("", alias="from")


def mistakes(**data):
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"title": "t"} | data)
    return dict(schema_mistakes(caught.value, Outer))


@pytest.mark.parametrize(
    ("data", "location", "message"),
    [
        ({"titel": 1}, ("titel",), "unknown key 'titel'. Did you mean 'title'?"),
        ({"inner": {"colour": 1}}, ("inner", "colour"), "unknown key 'colour'. Did you mean 'color'?"),
        ({"rows": [{"sise": 1}]}, ("rows", 0, "sise"), "unknown key 'sise'. Did you mean 'size'?"),
        ({"named": {"one": {"sise": 1}}}, ("named", "one", "sise"), "unknown key 'sise'. Did you mean 'size'?"),
        ({"inner": {"color": "gren"}}, ("inner", "color"), "color: 'gren' is not a choice. Did you mean 'green'?"),
        ({"inner": {"size": 3}}, ("inner", "size"), "size: 3 is odd"),
        ({"inner": {"size": 0}}, ("inner", "size"), "size: should be greater than or equal to 1, not 0"),
        ({"inner": {"size": "x" * 99}}, ("inner", "size"), "size: should be a whole number, unable to parse string"),
        ({"inner": 3}, ("inner",), "inner has to be a mapping of keys to values, not 3"),
        ({"rows": 3}, ("rows",), "rows: should be a list, not 3"),
        ({"rows": []}, ("rows",), "rows: must not be empty"),
        ({"title": ""}, ("title",), "title: must not be empty"),
        ({"named": {"two": {}}}, ("named", "two"), "two: 'two' is not a choice. Valid: one."),
        ({"inner": {"size": None}}, ("inner", "size"), "size: should be a whole number, not None"),
    ],
)
def test_messages(data, location, message):
    found = mistakes(**data)
    assert found[location].startswith(message)
    assert len(found[location]) < 160


def test_a_missing_key_and_a_file_that_is_no_mapping():
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({})
    assert schema_mistakes(caught.value, Outer) == [(("title",), "the key 'title' is missing")]
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate([])
    assert schema_mistakes(caught.value, Outer) == [((), "the file has to be a mapping of keys to values, not []")]


def test_a_list_with_wrong_rows_is_not_called_empty():
    assert list(mistakes(rows=[{"size": 3}])) == [("rows", 0, "size")]


def test_keys_of_a_place():
    assert keys_at(Outer, ()) == ["title", "inner", "rows", "named", "from"]
    assert keys_at(Outer, ("rows", 4)) == ["color", "size"]
    assert keys_at(Outer, ("title",)) == []
    assert keys_at(Outer, ("nowhere", "below")) == []
