import unittest

from demo.jsonpatch import PatchError, apply

# The examples of RFC 6902, appendix A, by their numbers; None: must be refused.
CASES = [
    ("A.1", {"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
    ("A.2", {"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}], {"foo": ["bar", "qux", "baz"]}),
    ("A.3", {"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
    ("A.4", {"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
    ("A.5", {"baz": "qux", "foo": "bar"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo", "foo": "bar"}),
    ("A.6", {"foo": {"bar": 1, "waldo": 2}, "qux": {"corge": 3}}, [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}], {"foo": {"bar": 1}, "qux": {"corge": 3, "thud": 2}}),
    ("A.7", {"foo": ["all", "grass", "cows", "eat"]}, [{"op": "move", "from": "/foo/1", "path": "/foo/3"}], {"foo": ["all", "cows", "eat", "grass"]}),
    ("A.8", {"baz": "qux", "foo": ["a", 2, "c"]}, [{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2}], {"baz": "qux", "foo": ["a", 2, "c"]}),
    ("A.9", {"baz": "qux"}, [{"op": "test", "path": "/baz", "value": "bar"}], None),
    ("A.12", {"foo": "bar"}, [{"op": "add", "path": "/baz/bat", "value": "qux"}], None),
    ("A.14", {"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
    ("A.16", {"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}], {"foo": ["bar", ["abc", "def"]]}),
    ("an index beyond the end", {"foo": []}, [{"op": "add", "path": "/foo/1", "value": 1}], None),
    ("the end of an array cannot be removed", {"foo": [1]}, [{"op": "remove", "path": "/foo/-"}], None),
    ("a name with a slash", {"a": {}}, [{"op": "add", "path": "/a/x~1y", "value": 1}], {"a": {"x/y": 1}}),
]


class JsonPatch(unittest.TestCase):
    def test_follows_the_examples_of_the_rfc(self):
        for name, document, patch, expected in CASES:
            with self.subTest(name):
                if expected is None:
                    self.assertRaises(PatchError, apply, document, patch)
                else:
                    self.assertEqual(apply(document, patch), expected)

    def test_leaves_the_original_alone_when_a_later_operation_fails(self):
        document = {"foo": [1]}
        patch = [{"op": "add", "path": "/foo/-", "value": 2}, {"op": "remove", "path": "/nowhere"}]
        self.assertRaises(PatchError, apply, document, patch)
        self.assertEqual(document, {"foo": [1]})
