//! The AdmissionReview on the wire: bytes in, question out; answer in, bytes out.
//!
//! <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/>

use super::{Question, Verdict, pruned};
use base64_simd::STANDARD;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use crate::node::Node;

const KIND: &str = "AdmissionReview";
const VERSIONS: [&str; 2] = ["admission.k8s.io/v1", "admission.k8s.io/v1beta1"];

/// A body that is no admission review: HTTP status and text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not JSON, or a member has the wrong type. The reference's words, and its 500.
    #[error("error decoding admission request: {0}")]
    Undecodable(String),
    /// `request` is missing or null.
    #[error(
        "admission review without a request: expected an object `request` with `uid` and `object`"
    )]
    NoRequest,
    /// Another kind or version of object.
    #[error(
        "expected kind `AdmissionReview` of `admission.k8s.io/v1` or `admission.k8s.io/v1beta1`, got `{kind}` of `{version}`"
    )]
    OtherKind {
        /// The body's `kind`.
        kind: String,
        /// The body's `apiVersion`.
        version: String,
    },
}

impl Refusal {
    /// The HTTP status it is answered with.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Undecodable(_) => 500,
            Self::NoRequest | Self::OtherKind { .. } => 400,
        }
    }
}

/// Texts stay where they are in the body, unless escapes in them have to be resolved.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireReview<'a> {
    #[serde(borrow)]
    api_version: Option<Text<'a>>,
    #[serde(borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    request: Option<Object<WireRequest<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRequest<'a> {
    #[serde(borrow)]
    uid: Option<Text<'a>>,
    #[serde(borrow)]
    namespace: Option<Text<'a>>,
    #[serde(borrow)]
    resource: Option<Object<WireResource<'a>>>,
    /// Only what a review looks at: managed fields and the like are often larger than the rest.
    #[serde(borrow, default, deserialize_with = "pruned::pod")]
    object: Node<'a>,
}

#[derive(Deserialize)]
struct WireResource<'a> {
    #[serde(borrow)]
    group: Option<Text<'a>>,
    #[serde(borrow)]
    resource: Option<Text<'a>>,
}

/// A text that is borrowed where it can be; behind an `Option` serde alone would always copy it.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A struct that is written as an object. serde alone would also take a list of its members.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members))
            }
        }
        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

/// A review that was read: what is asked, and what the answer must repeat.
#[derive(Debug)]
pub struct Review<'a> {
    /// What is asked.
    pub question: Question<'a>,
    kind: Cow<'a, str>,
    api_version: Cow<'a, str>,
}

/// Reads a body.
///
/// # Errors
///
/// The body is no AdmissionReview.
pub fn read(body: &[u8]) -> Result<Review<'_>, Refusal> {
    // Looking at all bytes at once is cheaper than at those of each text; what is no UTF-8 is left for the parser to find.
    let review: serde_json::Result<Option<Object<WireReview<'_>>>> = match std::str::from_utf8(body)
    {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(body),
    };
    let review = review.map_err(|error| Refusal::Undecodable(error.to_string()))?;
    let WireReview {
        api_version,
        kind,
        request,
    } = review.ok_or(Refusal::NoRequest)?.0;
    // A missing kind or version is given the usual one, each by itself.
    let kind = given(kind).unwrap_or(Cow::Borrowed(KIND));
    let api_version = given(api_version).unwrap_or(Cow::Borrowed(VERSIONS[0]));
    if kind != KIND || !VERSIONS.contains(&&*api_version) {
        return Err(Refusal::OtherKind {
            kind: kind.into_owned(),
            version: api_version.into_owned(),
        });
    }
    let WireRequest {
        uid,
        namespace,
        resource,
        object,
    } = request.ok_or(Refusal::NoRequest)?.0;
    let question = Question {
        uid: given(uid).unwrap_or_default(),
        namespace: given(namespace).unwrap_or_default(),
        resource: resource.map_or(Cow::Borrowed("pods"), |resource| resource.0.name()),
        object,
    };
    Ok(Review {
        question,
        kind,
        api_version,
    })
}

/// A text that says something.
fn given(text: Option<Text<'_>>) -> Option<Cow<'_, str>> {
    text.map(|Text(text)| text).filter(|text| !text.is_empty())
}

impl<'a> WireResource<'a> {
    /// `pods`, or `deployments.apps` where there is a group; a request that names none is about pods.
    fn name(self) -> Cow<'a, str> {
        match (given(self.resource), given(self.group)) {
            (None, _) => Cow::Borrowed("pods"),
            (Some(resource), None) => resource,
            (Some(resource), Some(group)) => format!("{resource}.{group}").into(),
        }
    }
}

/// An answer up to the patch, which is appended as it is: base64 needs no escapes, and it is most of the answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireAnswer<'a> {
    kind: &'a str,
    api_version: &'a str,
    response: WireResponse<'a>,
}

#[derive(Serialize)]
struct WireResponse<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<WireStatus<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
}

#[derive(Serialize)]
struct WireStatus<'a> {
    metadata: WireMetadata,
    message: &'a str,
}

#[derive(Serialize)]
struct WireMetadata {}

impl Review<'_> {
    /// The answer's bytes.
    ///
    /// # Errors
    ///
    /// The answer cannot be encoded, which a text and a list of texts always can.
    pub fn answer(&self, verdict: &Verdict) -> Result<Vec<u8>, serde_json::Error> {
        let mut answer = WireAnswer {
            kind: &self.kind,
            api_version: &self.api_version,
            response: WireResponse {
                uid: &self.question.uid,
                allowed: true,
                status: None,
                warnings: verdict.warnings(),
            },
        };
        match verdict {
            Verdict::Untouched { .. } => serde_json::to_vec(&answer),
            Verdict::Denied { message, .. } => {
                answer.response.allowed = false;
                answer.response.status = Some(WireStatus {
                    metadata: WireMetadata {},
                    message,
                });
                serde_json::to_vec(&answer)
            }
            Verdict::Injected {
                patch, warnings, ..
            } => {
                answer.response.warnings = &[];
                let head = serde_json::to_vec(&answer)?;
                let warnings = if warnings.is_empty() {
                    Vec::new()
                } else {
                    serde_json::to_vec(warnings)?
                };
                Ok(with_patch(&head, patch, &warnings))
            }
        }
    }
}

/// Puts patch and warnings (a JSON array, or nothing) before the two braces that close an answer.
fn with_patch(head: &[u8], patch: &[u8], warnings: &[u8]) -> Vec<u8> {
    let (head, braces) = head.split_at(head.len().saturating_sub(2));
    let encoded = STANDARD.encoded_length(patch.len());
    let mut answer = Vec::with_capacity(head.len() + encoded + warnings.len() + 80);
    answer.extend_from_slice(head);
    answer.extend_from_slice(b",\"patch\":\"");
    STANDARD.encode_append(patch, &mut answer);
    answer.extend_from_slice(b"\",\"patchType\":\"JSONPatch\"");
    if !warnings.is_empty() {
        answer.extend_from_slice(b",\"warnings\":");
        answer.extend_from_slice(warnings);
    }
    answer.extend_from_slice(braces);
    answer
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::{Value, json};

    fn body(version: &str) -> Vec<u8> {
        json!({"kind": KIND, "apiVersion": version, "request": {"uid": "u-1", "namespace": "app",
            "resource": {"group": "", "version": "v1", "resource": "pods"}, "object": {"kind": "Pod"}, "unknown": 1}})
        .to_string()
        .into_bytes()
    }

    fn untouched() -> Verdict {
        Verdict::Untouched {
            why: String::new(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn the_answer_repeats_version_and_uid() {
        for version in VERSIONS {
            let body = body(version);
            let review = read(&body).unwrap();
            assert_eq!(
                (&*review.question.namespace, &*review.question.resource),
                ("app", "pods")
            );
            let answer = String::from_utf8(review.answer(&untouched()).unwrap()).unwrap();
            let expected = format!(
                r#"{{"kind":"AdmissionReview","apiVersion":"{version}","response":{{"uid":"u-1","allowed":true}}}}"#
            );
            assert_eq!(answer, expected);
        }
    }

    #[test]
    fn answers_have_the_bytes_of_the_reference() {
        let body = body(VERSIONS[0]);
        let review = read(&body).unwrap();
        let text = |verdict: &Verdict| String::from_utf8(review.answer(verdict).unwrap()).unwrap();
        let head = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u-1","#;
        let denied = Verdict::Denied {
            message: "no \"x\"".to_owned(),
            reason: "role".to_owned(),
            warnings: Vec::new(),
        };
        assert_eq!(
            text(&denied),
            format!(
                r#"{head}"allowed":false,"status":{{"metadata":{{}},"message":"no \"x\""}}}}}}"#
            )
        );
        let injected = Verdict::Injected {
            patch: b"[]".to_vec(),
            kind: None,
            warnings: vec!["w".to_owned()],
        };
        assert_eq!(
            text(&injected),
            format!(
                r#"{head}"allowed":true,"patch":"W10=","patchType":"JSONPatch","warnings":["w"]}}}}"#
            )
        );
    }

    #[test]
    fn missing_members_get_the_usual_value_each_by_itself() {
        for text in [
            r#"{"request":{"uid":"u"}}"#,
            r#"{"kind":"AdmissionReview","request":{"uid":"u"}}"#,
            r#"{"apiVersion":"","request":{"uid":"u"}}"#,
        ] {
            let answer = read(text.as_bytes()).unwrap().answer(&untouched()).unwrap();
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            assert_eq!(
                (&answer["kind"], &answer["apiVersion"]),
                (&json!(KIND), &json!(VERSIONS[0]))
            );
        }
        let review =
            read(br#"{"request":{"uid":null,"namespace":null,"resource":null,"object":null}}"#)
                .unwrap();
        assert_eq!(review.question.resource, "pods");
        assert_eq!(review.question.object, Node::Null);
    }

    #[test]
    fn what_is_no_review_is_refused() {
        let table = [
            ("{}", 400, "admission review without a request"),
            ("null", 400, "admission review without a request"),
            (
                r#"{"request":null}"#,
                400,
                "admission review without a request",
            ),
            (
                r#"{"kind":"Pod","apiVersion":"v1","request":{}}"#,
                400,
                "expected kind `AdmissionReview`",
            ),
            (
                r#"{"apiVersion":"admission.k8s.io/v2","request":{}}"#,
                400,
                "expected kind `AdmissionReview`",
            ),
            ("hello", 500, "error decoding admission request: "),
            (
                r#"{"request":{"uid":1}}"#,
                500,
                "error decoding admission request: ",
            ),
            ("[]", 500, "error decoding admission request: "),
            (
                r#"["admission.k8s.io/v1","AdmissionReview",{"uid":"u"}]"#,
                500,
                "error decoding admission request: ",
            ),
            (
                r#"{"request":["u","app",null,{}]}"#,
                500,
                "error decoding admission request: ",
            ),
            (
                r#"{"request":{"uid":"u","resource":["","pods"]}}"#,
                500,
                "error decoding admission request: ",
            ),
            (
                r#"{"request":{}"#,
                500,
                "error decoding admission request: ",
            ),
        ];
        for (text, status, begin) in table {
            let refusal = read(text.as_bytes()).unwrap_err();
            assert_eq!(refusal.status(), status, "{text}");
            assert!(refusal.to_string().starts_with(begin), "{text}: {refusal}");
        }
        let deep = format!(
            "{{\"request\":{{\"object\":{}{}}}}}",
            "[".repeat(5000),
            "]".repeat(5000)
        );
        assert_eq!(read(deep.as_bytes()).unwrap_err().status(), 500);
    }
}
