//! Any bytes as the body of an admission, answered as the webhook answers them; and any JSON as the object of a review,
//! asking for injection when it can.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pannier_inject::{Decision, Request, Settings, admission, explain, patch, review, service_account};
use serde_json::Value;

static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
    Settings::new(
        &["-vault-address=http://vault:8200".to_owned()],
        &BTreeMap::new(),
    )
    .expect("the address is all it needs")
});

/// A body is refused with a text, or its answer is JSON that repeats the `uid`.
fn admit(body: &[u8]) {
    let read = match admission::read(body) {
        Ok(read) => read,
        Err(refusal) => {
            assert!((400..=500).contains(&refusal.status()) && !refusal.to_string().is_empty());
            return;
        }
    };
    let question = &read.question;
    question.owner();
    let answer = read.answer(&admission::decide(question, &SETTINGS)).expect("an answer is JSON");
    let answer: Value = serde_json::from_slice(&answer).expect("an answer is JSON");
    assert_eq!(answer["response"]["uid"], *question.uid);
}

fuzz_target!(|bytes: &[u8]| {
    admit(bytes);
    let Ok(mut pod) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    // An AdmissionReview's object, or the object itself.
    if let Some(object) = pod.pointer_mut("/request/object") {
        pod = object.take();
    }
    if let Some(annotations) = pod
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.insert("vault.hashicorp.com/agent-inject".to_owned(), "true".into());
        annotations.insert("vault.hashicorp.com/role".to_owned(), "app".into());
    }
    let admitted = service_account::admit(&pod);
    let mut manifest = pod.clone();
    patch::apply(&mut manifest, &admitted).expect("made for this very pod");
    let request = Request {
        namespace: "default",
        uid: "",
        resource: "pods",
    };
    for mut pod in [pod, manifest] {
        let decision = review(&pod, &request, &SETTINGS);
        explain("Pod", &decision, &SETTINGS);
        if let Decision::Inject(injection) = decision {
            patch::apply(&mut pod, &injection.patch)
                .expect("the patch fits the pod it was made for");
        }
    }
});
