#!/usr/bin/env python3
"""Holds JSON documents of the program against the schemas of the project.

usage: check_json.py [--schemas DIR] FILE...       (FILE may be -)

A document names its schema in its member "schema"; the schema with this value as the constant of that member
is the one. A schema must allow no unknown member: each object with "properties" says
"additionalProperties": false. Numbers that a reader with doubles would not read exactly are let through: the
numbers of the program are exact. A member that occurs twice in one object is an error.
"""
import argparse
import glob
import json
import os
import sys

import jsonschema


def unique_members(pairs):
    members = {}
    for name, value in pairs:
        if name in members:
            raise ValueError("member %r occurs twice" % name)
        members[name] = value
    return members


def parse(content):
    return json.loads(content.decode("utf-8"), object_pairs_hook=unique_members,
                      parse_constant=lambda word: (_ for _ in ()).throw(ValueError("%s is no JSON" % word)))


def open_objects(node, path="#"):
    """Yields the paths of object schemas that would let an unknown member pass."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and node.get("additionalProperties") is not False:
            if node.get("unevaluatedProperties") is not False:
                yield path
        for name, child in node.items():
            yield from open_objects(child, path + "/" + name)
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from open_objects(child, "%s/%d" % (path, index))


class Schemas:
    """The schemas of a folder, by the document name that each is for."""

    def __init__(self, folder):
        self.by_name = {}
        self.own_problems = []
        for path in sorted(glob.glob(os.path.join(folder, "*.schema.json"))):
            self.add(path)

    def add(self, path):
        try:
            with open(path, "rb") as file:
                schema = parse(file.read())
            kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
            kind.check_schema(schema)
        except (ValueError, jsonschema.SchemaError) as error:
            self.own_problems.append("%s: %s" % (path, error))
            return
        name = schema.get("properties", {}).get("schema", {}).get("const")
        if name is None:
            self.own_problems.append("%s: properties.schema.const names no document" % path)
            return
        self.own_problems += ["%s: %s lets unknown members pass" % (path, where) for where in open_objects(schema)]
        self.by_name[name] = kind(schema)

    def problems_of(self, content, must_be_known):
        """Returns what is wrong with one document, as lines."""
        try:
            document = parse(content)
        except ValueError as error:
            return ["no JSON: %s" % error]
        name = document.get("schema") if isinstance(document, dict) else None
        validator = self.by_name.get(name)
        if validator is None:
            return ["no schema for a document that calls itself %r" % name] if must_be_known else []
        errors = sorted(validator.iter_errors(document), key=lambda error: list(map(str, error.absolute_path)))
        return ["%s: /%s: %s" % (name, "/".join(map(str, error.absolute_path)), error.message[:300])
                for error in errors[:20]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--schemas", default="fixtures/schema")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    schemas = Schemas(options.schemas)
    problems = list(schemas.own_problems)
    for path in options.files:
        if path == "-":
            content = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as file:
                content = file.read()
        problems += ["%s: %s" % (path, text) for text in schemas.problems_of(content, must_be_known=True)]
    for text in problems:
        print(text)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
