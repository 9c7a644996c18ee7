"""Turtle, and presets of LV2 plug-ins in it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchflow.lv2 import LV2, RDF, Lv2Preset, Term, applies_to, by_subject, read_lv2_presets, read_turtle

XSD = "http://www.w3.org/2001/XMLSchema#"
EX = "http://example.org/"


def iri(text: str) -> Term:
    return Term("iri", text)


def objects(text: str) -> list[Term]:
    return [value for _, _, value in read_turtle(f"@prefix : <{EX}> . :s :p {text} .")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<other>", iri("other")),
        (r"<\u0061b>", iri("ab")),
        (":a.b-c", iri(f"{EX}a.b-c")),
        (r":a\,b%20c", iri(f"{EX}a,b%20c")),
        ("a:b:c", iri("urn:b:c")),
        ("12", Term("literal", "12", f"{XSD}integer")),
        ("-.5", Term("literal", "-.5", f"{XSD}decimal")),
        ("+1e-05", Term("literal", "+1e-05", f"{XSD}double")),
        ("1.E5", Term("literal", "1.E5", f"{XSD}double")),
        ("true", Term("literal", "true", f"{XSD}boolean")),
        (r'"a\tb\"\u00e9"', Term("literal", 'a\tb"é')),
        ("'it'", Term("literal", "it")),
        ('"""a "quoted"\nword"""', Term("literal", 'a "quoted"\nword')),
        ('"Klang"@de', Term("literal", "Klang", "@de")),
        ('"1"^^<urn:type>', Term("literal", "1", "urn:type")),
    ],
)
def test_every_kind_of_value_is_read(text: str, value: Term):
    (found,) = read_turtle(f"@prefix : <{EX}> . PREFIX a: <urn:> :s :p {text} .")

    assert found == (iri(f"{EX}s"), f"{EX}p", value)


def test_addresses_are_relative_to_the_file_or_what_it_says():
    assert objects_of("<> <urn:p> <x.so> .") == [iri("file:///a/b.lv2/x.so")]
    assert objects_of("@base <urn:> . @base <http://h/i/> . <> <urn:p> <x.so> .") == [iri("http://h/i/x.so")]


def objects_of(text: str) -> list[Term]:
    return [value for _, _, value in read_turtle(text, "file:///a/b.lv2/manifest.ttl")]


def test_nodes_without_an_address_keep_what_is_said_of_them_together():
    about = by_subject(
        read_turtle(f"@prefix : <{EX}> . :s :port [ :n 1 ; :m 2, 3 ; ] , _:b . _:b :n 4 . [] a :Alone .")
    )

    first, second = about[iri(f"{EX}s")][f"{EX}port"]
    assert [value.text for value in about[first][f"{EX}m"]] == ["2", "3"]
    assert [value.text for value in about[second][f"{EX}n"]] == ["4"]
    assert len(about) == 4


def test_a_list_is_a_chain():
    about = by_subject(read_turtle("<urn:s> <urn:p> ( 1 2 ) ."))

    (head,) = about[iri("urn:s")]["urn:p"]
    (rest,) = about[head][f"{RDF}rest"]
    assert [about[node][f"{RDF}first"][0].text for node in (head, rest)] == ["1", "2"]
    assert about[rest][f"{RDF}rest"] == [iri(f"{RDF}nil")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<urn:a> <urn:b>\n <urn:c>", "line 2: '' where '.' has to be"),
        ("<urn:a> <urn:b>", "line 1: it ends in a statement"),
        ("\n\na:b a:c a:d .", "line 3: 'a:b': the prefix 'a:' is not declared"),
        ('<urn:a> <urn:b> "no end .', "is not Turtle"),
        ("<urn:a> 3 4 .", "'3' where a predicate has to be"),
        ("@prefix a <urn:> .", "is not Turtle|is no prefix"),
        ("<urn:a> <urn:b> " + "[ <urn:b> " * 100, "nested too deep"),
        ("<urn:a> <urn:b> a .", "'a' where a node has to be"),
        ("<urn:a> <urn:b> ]", "']' where a node has to be"),
    ],
)
def test_what_is_not_turtle_is_an_error_that_names_the_line(text: str, said: str):
    with pytest.raises(ValueError, match=said):
        read_turtle(text)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str):
    with suppress(ValueError):
        assert isinstance(read_turtle(text), list)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=30)


@given(st.dictionaries(TEXTS, st.floats(allow_nan=False, allow_infinity=False)), TEXTS, TEXTS)
def test_a_preset_is_read_as_it_was_written(values: dict[str, float], name: str, address: str):
    preset = Lv2Preset(f"urn:{address}", values, name or "x", '[ <urn:key> "a\\nb"^^<urn:t> , [ <urn:k> <urn:v> ] ]')

    (found,) = read_lv2_presets(preset.pack())

    assert found == preset
    assert applies_to(preset.pack()) == preset.plugin or "\\u" in preset.pack().decode()


JALV = f"""
@prefix atom: <http://lv2plug.in/ns/ext/atom#> .
@prefix lv2: <{LV2}> .
@prefix pset: <http://lv2plug.in/ns/ext/presets#> .
@prefix rdf: <{RDF}> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix state: <http://lv2plug.in/ns/ext/state#> .
@prefix xsd: <{XSD}> .

<Warm%20pad.ttl>
	a pset:Preset ;
	lv2:appliesTo <urn:mine> ;
	rdfs:label "Warm pad" ;
	lv2:port [
		lv2:symbol "cutoff" ;
		pset:value 0.25
	] , [
		pset:value "1"^^xsd:int ;
		lv2:symbol "on"
	] , [
		lv2:symbol "sync" ;
		pset:value true
	] ;
	state:state [
		<urn:mine#file> "a.wav"^^atom:Path
	] .

<urn:other-preset> a pset:Preset ; lv2:appliesTo <urn:other> .
<urn:no-preset> a lv2:Plugin .
"""


def test_presets_are_read_as_hosts_write_them():
    first, second = read_lv2_presets(JALV.encode())

    assert (first.plugin, first.name) == ("urn:mine", "Warm pad")
    assert first.values == {"cutoff": 0.25, "on": 1.0, "sync": 1.0}
    assert first.state == '[ <urn:mine#file> "a.wav"^^<http://lv2plug.in/ns/ext/atom#Path> ]'
    assert (second.plugin, second.name, second.values) == ("urn:other", "other-preset", {})


def test_a_value_that_is_no_number_is_an_error():
    with pytest.raises(ValueError, match="cutoff='high': not a number"):
        read_lv2_presets(JALV.replace("0.25", '"high"').encode())
