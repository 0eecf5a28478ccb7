//! Laws that hold for every pod.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

mod common;
#[path = "common/generate.rs"]
mod generate;

use std::collections::BTreeSet;

use common::{REQUEST, after, config, names, settings};
use generate::{any_pod, pod_shaped, valid_pod};
use pannier_inject::admission::{self, Verdict};
use pannier_inject::plan::InjectionType;
use pannier_inject::{Decision, Injection, SkipReason, explain, patch, review, service_account};
use proptest::prelude::*;
use serde_json::{Value, json};

fn injection(pod: &Value) -> Option<Injection> {
    match review(pod, &REQUEST, &settings(&[])) {
        Decision::Inject(injection) => Some(*injection),
        _ => None,
    }
}

/// Whether everything in the first value is in the second: members by name, list elements in their order.
fn survives(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => before
            .iter()
            .all(|(name, value)| after.get(name).is_some_and(|other| survives(value, other))),
        (Value::Array(before), Value::Array(after)) => {
            let mut rest = after.iter();
            before
                .iter()
                .all(|value| rest.any(|other| survives(value, other)))
        }
        (before, after) => before == after,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_the_pod_holds_there_is_a_decision(pod in pod_shaped()) {
        let decision = review(&pod, &REQUEST, &settings(&[]));
        let _ = explain("Pod", &decision, &settings(&[]));
        let _ = service_account::admit(&pod);
        if let Decision::Inject(injection) = decision {
            let mut pod = pod;
            prop_assert_eq!(patch::apply(&mut pod, &injection.patch), Ok(()));
        }
    }

    #[test]
    fn the_patch_applies_and_nothing_of_the_pod_is_lost(pod in any_pod()) {
        if let Some(injection) = injection(&pod) {
            let mut before = pod.clone();
            let after = after(&pod, &injection);
            // These two are what an injection may change.
            before["metadata"]["annotations"].as_object_mut().unwrap().remove("vault.hashicorp.com/agent-inject-status");
            if pod["metadata"]["annotations"].get("vault.hashicorp.com/agent-share-process-namespace").is_some() {
                before["spec"].as_object_mut().unwrap().remove("shareProcessNamespace");
            }
            prop_assert!(survives(&before, &after), "before {before}\nafter {after}");
        }
    }

    #[test]
    fn what_is_left_out_when_a_review_is_read_makes_no_difference(pod in prop_oneof![any_pod(), pod_shaped()]) {
        let body = json!({"request": {"uid": "u", "namespace": REQUEST.namespace, "object": pod}}).to_string();
        let read = admission::read(body.as_bytes()).unwrap();
        let settings = settings(&[]);
        let decision = review(&pod, &REQUEST, &settings);
        prop_assert_eq!(&review(&read.question.object.to_value(), &REQUEST, &settings), &decision);
        match (admission::decide(&read.question, &settings), decision) {
            (Verdict::Injected { patch, kind, .. }, Decision::Inject(injection)) => {
                prop_assert_eq!(patch, serde_json::to_vec(&injection.patch).unwrap());
                prop_assert_eq!(kind, injection.plan.injection_type().map(InjectionType::label));
            }
            (Verdict::Denied { message, .. }, Decision::Deny(denial)) => prop_assert_eq!(message, denial.message),
            (Verdict::Untouched { why, .. }, Decision::Skip(skip)) => prop_assert_eq!(why, skip.reason.to_string()),
            (verdict, decision) => prop_assert!(false, "{verdict:?} for {decision:?}"),
        }
    }

    #[test]
    fn injecting_twice_changes_nothing(pod in any_pod()) {
        if let Some(injection) = injection(&pod) {
            let again = review(&after(&pod, &injection), &REQUEST, &settings(&[]));
            prop_assert!(matches!(again, Decision::Skip(skip) if skip.reason == SkipReason::AlreadyInjected));
        }
    }

    #[test]
    fn a_pod_whose_status_was_reset_is_refused_rather_than_injected_again(pod in any_pod()) {
        if let Some(injection) = injection(&pod) && injection.plan.injection_type().is_some() {
            let mut again = after(&pod, &injection);
            again["metadata"]["annotations"]["vault.hashicorp.com/agent-inject-status"] = json!("update");
            prop_assert!(matches!(review(&again, &REQUEST, &settings(&[])), Decision::Deny(_)));
        }
    }

    #[test]
    fn the_order_of_annotations_does_not_matter(pod in any_pod()) {
        let annotations = pod["metadata"]["annotations"].as_object().unwrap();
        let reversed: Vec<String> = annotations.iter().rev().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
        let mut other: Value = pod.clone();
        other["metadata"]["annotations"] = serde_json::from_str(&format!("{{{}}}", reversed.join(","))).unwrap();
        prop_assert_eq!(review(&pod, &REQUEST, &settings(&[])), review(&other, &REQUEST, &settings(&[])));
    }

    #[test]
    fn the_pod_after_the_patch_holds_together(pod in valid_pod()) {
        if let Some(injection) = injection(&pod) {
            let after = after(&pod, &injection);
            let volumes = names(&after["spec"]["volumes"]);
            prop_assert_eq!(volumes.iter().collect::<BTreeSet<_>>().len(), volumes.len(), "volume names are unique");
            let containers: Vec<&Value> =
                ["initContainers", "containers"].into_iter().filter_map(|list| after["spec"][list].as_array()).flatten().collect();
            let unique: BTreeSet<&str> = containers.iter().map(|container| container["name"].as_str().unwrap()).collect();
            prop_assert_eq!(unique.len(), containers.len(), "container names are unique");
            for container in containers {
                let mounts = container["volumeMounts"].as_array().map(Vec::as_slice).unwrap_or_default();
                let paths: BTreeSet<&str> = mounts.iter().map(|mount| mount["mountPath"].as_str().unwrap()).collect();
                prop_assert_eq!(paths.len(), mounts.len(), "mount paths are unique: {}", container);
                for mount in mounts {
                    prop_assert!(volumes.iter().any(|volume| mount["name"] == **volume), "{} has a volume", mount);
                }
            }
        }
    }

    #[test]
    fn every_generated_configuration_is_json_that_the_agent_can_read(pod in valid_pod()) {
        if let Some(injection) = injection(&pod) {
            for agent in &injection.plan.agents {
                let Some(text) = &agent.config else { continue };
                prop_assert_eq!(text, &config(&agent.container));
                let value: Value = serde_json::from_str(text).unwrap();
                prop_assert_eq!(value["auto_auth"]["sink"][0]["config"]["path"].as_str(), Some("/home/vault/.vault-token"));
                prop_assert_eq!(value.get("template").map_or(0, |list| list.as_array().unwrap().len()), injection.plan.files.len());
                prop_assert!(!text.contains("\\/"), "the agent's parser knows no such escape");
            }
        }
    }

    #[test]
    fn what_is_passed_offline_is_what_the_webhook_sees(pod in valid_pod()) {
        // A manifest has neither the volume nor the mounts; with what the API server adds it gives an injection of the same shape.
        let mut manifest = pod.clone();
        manifest["spec"]["volumes"].as_array_mut().unwrap().remove(0);
        for list in ["initContainers", "containers"] {
            for container in manifest["spec"][list].as_array_mut().into_iter().flatten() {
                if let Some(mounts) = container["volumeMounts"].as_array_mut() {
                    mounts.retain(|mount| mount["name"] != "kube-api-access-abcde");
                }
            }
        }
        let admitted = service_account::admit(&manifest);
        patch::apply(&mut manifest, &admitted).unwrap();
        let kind = |pod: &Value| std::mem::discriminant(&review(pod, &REQUEST, &settings(&[])));
        prop_assert_eq!(kind(&pod), kind(&manifest));
    }
}

#[test]
fn most_generated_pods_are_injected() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let injected = (0..200)
        .filter(|_| injection(&valid_pod().new_tree(&mut runner).unwrap().current()).is_some())
        .count();
    assert!(
        injected >= 120,
        "{injected} of 200: the properties above would say little"
    );
}
