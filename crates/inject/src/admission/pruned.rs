//! Reading a pod from JSON and keeping only the members that a review looks at.
//!
//! The answer to an admission is a patch of additions, so nobody misses the rest; managed fields alone are often larger
//! than the pod.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

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

static POD: Members = &[
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
];

const CONTAINER: Keep = Only(&[
    ("name", All),
    ("volumeMounts", All),
    ("env", All),
    ("securityContext", Only(&[("runAsUser", All)])),
]);

/// Reads a pod, or whatever stands in its place.
pub(super) fn pod<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Pruned(POD).deserialize(deserializer)
}

struct Pruned(Members);

impl<'de> DeserializeSeed<'de> for Pruned {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Pruned {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Pruned(self.0))? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while let Some(member) = map.next_key_seed(Member(self.0))? {
            match member {
                Some((name, keep)) => {
                    let value = match keep {
                        All => map.next_value()?,
                        Only(members) => map.next_value_seed(Pruned(members))?,
                    };
                    kept.insert((*name).to_owned(), value);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Value::Object(kept))
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
    use serde_json::json;

    #[test]
    fn keeps_what_a_review_looks_at_and_drops_the_rest() {
        let given = json!({"kind": "Pod", "metadata": {"name": "a", "managedFields": [{"x": 1}], "annotations": {"a": "b"}},
            "spec": {"nodeName": "n", "hostPID": true, "containers": [{"name": "app", "image": "i", "env": [{"name": "A", "z": 1}],
                "securityContext": {"runAsUser": 1.5, "privileged": true}}, 7, null],
                "volumes": [{"name": "v", "emptyDir": {}, "projected": {"defaultMode": 1, "sources": [{"configMap": {}}, {"serviceAccountToken": {"path": "t"}}]}}]},
            "status": {"phase": "Running", "podIP": "10.0.0.1"}});
        let kept = pod(&mut serde_json::Deserializer::from_str(&given.to_string())).unwrap();
        assert_eq!(
            kept,
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
            assert_eq!(kept, serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
        for text in ["{", r#"{"a":}"#, "[1,"] {
            assert!(pod(&mut serde_json::Deserializer::from_str(text)).is_err());
        }
    }
}
