//! Reading a pod from JSON and keeping only the members that a review looks at.
//!
//! The answer to an admission is a patch of additions, so nobody misses the rest; managed fields alone are often larger
//! than the pod.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use crate::node::Node;

/// The members of an object that are kept. A list's elements are treated like the list; what is neither stays as it is.
type Members = &'static [(&'static str, Keep)];

/// What is kept of a member.
enum Keep {
    /// All of it.
    All,
    /// These members.
    Only(Members),
}

use Keep::{All, Only};

static POD: Keep = Only(&[
    (
        "metadata",
        Only(&[
            ("name", All),
            ("generateName", All),
            ("annotations", All),
            ("ownerReferences", All),
        ]),
    ),
    (
        "spec",
        Only(&[
            ("shareProcessNamespace", All),
            ("hostPID", All),
            (
                "volumes",
                Only(&[
                    ("name", All),
                    (
                        "projected",
                        Only(&[("sources", Only(&[("serviceAccountToken", All)]))]),
                    ),
                ]),
            ),
            ("initContainers", CONTAINER),
            ("containers", CONTAINER),
        ]),
    ),
    ("status", Only(&[("phase", All)])),
]);

const CONTAINER: Keep = Only(&[
    ("name", All),
    ("volumeMounts", All),
    ("env", All),
    ("securityContext", Only(&[("runAsUser", All)])),
]);

/// Reads a pod, or whatever stands in its place.
pub(super) fn pod<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Node<'de>, D::Error> {
    Pruned(&POD).deserialize(deserializer)
}

struct Pruned(&'static Keep);

impl<'de> DeserializeSeed<'de> for Pruned {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Pruned {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node<'de>, E> {
        Ok(Number::from_f64(value).map_or(Node::Null, Node::Number))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Pruned(self.0))? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut kept = Vec::new();
        match self.0 {
            All => {
                while let Some(name) = map.next_key_seed(Name)? {
                    kept.push((name, map.next_value_seed(Pruned(&All))?));
                }
            }
            Only(members) => {
                kept.reserve(members.len());
                while let Some(member) = map.next_key_seed(Member(members))? {
                    match member {
                        Some((name, keep)) => {
                            kept.push((Cow::Borrowed(*name), map.next_value_seed(Pruned(keep))?));
                        }
                        None => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
            }
        }
        Ok(Node::Object(kept))
    }
}

/// Any name.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// Finds a name among the kept ones without making a copy of it.
struct Member(Members);

impl<'de> DeserializeSeed<'de> for Member {
    type Value = Option<&'static (&'static str, Keep)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Member {
    type Value = Option<&'static (&'static str, Keep)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().find(|(known, _)| *known == name))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may end at the first surprise")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn keeps_what_a_review_looks_at_and_drops_the_rest() {
        let given = json!({"kind": "Pod", "metadata": {"name": "a", "managedFields": [{"x": 1}], "annotations": {"a": "b"}},
            "spec": {"nodeName": "n", "hostPID": true, "containers": [{"name": "app", "image": "i", "env": [{"name": "A", "z": 1}],
                "securityContext": {"runAsUser": 1.5, "privileged": true}}, 7, null],
                "volumes": [{"name": "v", "emptyDir": {}, "projected": {"defaultMode": 1, "sources": [{"configMap": {}}, {"serviceAccountToken": {"path": "t"}}]}}]},
            "status": {"phase": "Running", "podIP": "10.0.0.1"}});
        let given = given.to_string();
        let kept = pod(&mut serde_json::Deserializer::from_str(&given)).unwrap();
        assert_eq!(
            kept.to_value(),
            json!({"metadata": {"name": "a", "annotations": {"a": "b"}},
                "spec": {"hostPID": true, "containers": [{"name": "app", "env": [{"name": "A", "z": 1}], "securityContext": {"runAsUser": 1.5}}, 7, null],
                    "volumes": [{"name": "v", "projected": {"sources": [{}, {"serviceAccountToken": {"path": "t"}}]}}]},
                "status": {"phase": "Running"}})
        );
    }

    #[test]
    fn what_is_no_object_stays_as_it_is() {
        for text in [
            "null",
            "true",
            "-1",
            "18446744073709551615",
            "1.5",
            r#""x\ny""#,
            "[1,[2]]",
        ] {
            let kept = pod(&mut serde_json::Deserializer::from_str(text)).unwrap();
            assert_eq!(
                kept.to_value(),
                serde_json::from_str::<Value>(text).unwrap(),
                "{text}"
            );
        }
        for text in ["{", r#"{"a":}"#, "[1,"] {
            assert!(pod(&mut serde_json::Deserializer::from_str(text)).is_err());
        }
    }
}
