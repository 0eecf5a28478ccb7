//! `pannier inject` and `pannier explain`, driven as a person would.

#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation is what a test is for"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use pannier_inject::{Decision, Request, Settings, review};
use serde_json::Value;

/// Runs the program with an environment of its own.
fn pannier(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pannier"))
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ends before it reads closes its end; that is the test's business below.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What it printed, when it succeeded.
fn printed(arguments: &[&str], input: &str) -> String {
    let output = pannier(arguments, input);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// The one line of a failure, which must leave standard output empty.
fn refused(arguments: &[&str], input: &str) -> String {
    let output = pannier(arguments, input);
    assert_eq!(
        (output.status.code(), text(&output.stdout).as_str()),
        (Some(1), ""),
        "{arguments:?}"
    );
    text(&output.stderr).trim_end().to_owned()
}

fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

const TEMPLATE: &str = "
    metadata:
      annotations: {vault.hashicorp.com/agent-inject: 'true', vault.hashicorp.com/role: app, vault.hashicorp.com/agent-inject-secret-x: kv/x}
    spec:
      containers: [{name: app, image: i}]
";

#[test]
fn every_workload_is_injected_and_everything_else_passes_through() {
    let mut manifest = "# kept as it is\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}   # this too\ndata: {a: 'yes'}\n".to_owned();
    let kinds = [
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "ReplicationController",
        "Rollout",
    ];
    for kind in kinds {
        manifest.push_str(&format!("---\napiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: n}}\nspec:\n  template:{TEMPLATE}"));
    }
    let deeper = TEMPLATE.replace("\n    ", "\n          ");
    manifest.push_str(&format!("---\napiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: n}}\nspec:\n  jobTemplate:\n    spec:\n      template:{deeper}"));
    let shallow = TEMPLATE.replace("\n    ", "\n  ");
    manifest.push_str(&format!(
        "---\napiVersion: v1\nkind: PodTemplate\nmetadata: {{name: n}}\ntemplate:{shallow}"
    ));
    manifest.push_str(&format!(
        "---\napiVersion: v1\nkind: Pod{}",
        TEMPLATE.replace("\n    ", "\n")
    ));
    manifest.push_str("---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: plain}\nspec: {template: {spec: {containers: [{name: app}]}}} # untouched\n");

    let result = printed(&["inject", "-f", "-"], &manifest);
    assert!(
        result.starts_with(
            "# kept as it is\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}   # this too\n"
        ),
        "{result}"
    );
    assert!(
        result.ends_with("spec: {template: {spec: {containers: [{name: app}]}}} # untouched\n"),
        "{result}"
    );
    let found = documents(&result);
    assert_eq!(found.len(), kinds.len() + 5);
    for (document, pointer) in
        found
            .iter()
            .skip(1)
            .zip(std::iter::repeat_n("/spec/template", kinds.len()).chain([
                "/spec/jobTemplate/spec/template",
                "/template",
                "",
            ]))
    {
        let template = document.pointer(pointer).unwrap();
        assert_eq!(
            template["spec"]["initContainers"][0]["name"], "vault-agent-init",
            "{document}"
        );
        assert_eq!(
            template["metadata"]["annotations"]["vault.hashicorp.com/agent-inject-status"],
            "injected"
        );
        assert_eq!(
            template["spec"]["volumes"][0]["name"],
            "kube-api-access-pannier"
        );
    }
    // What was injected once stays as it is, byte for byte.
    assert_eq!(printed(&["inject", "-f", "-"], &result), result);
}

#[test]
fn lists_and_json_are_read_and_written() {
    let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"demo","annotations":{"vault.hashicorp.com/agent-inject":"true","vault.hashicorp.com/role":"r"}},"spec":{"containers":[{"name":"app"}]}}"#;
    let list = format!(
        r#"{{"apiVersion":"v1","kind":"List","items":[{{"kind":"Service","apiVersion":"v1","metadata":{{}}}},{pod}]}} {pod}"#
    );
    let result = printed(&["inject", "-f", "-"], &list);
    let values: Vec<Value> = serde_json::Deserializer::from_str(&result)
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(values[0]["items"][1], values[1]);
    assert_eq!(values[1]["spec"]["containers"][1]["name"], "vault-agent");

    let yaml = documents(&printed(&["inject", "-f", "-", "-o", "yaml"], &list));
    assert_eq!(yaml, values);

    let patches = printed(&["inject", "-f", "-", "-o=patch"], &list);
    let lines: Vec<Value> = patches
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (lines.len(), &lines[0][0]["path"], &lines[1][0]["path"]),
        (
            2,
            &Value::from("/items/1/spec/volumes"),
            &Value::from("/spec/volumes")
        )
    );
    assert_eq!(
        printed(
            &["inject", "-f", "-", "-o", "patch"],
            r#"{"kind":"Service"}"#
        ),
        "[]\n"
    );
}

#[test]
fn what_the_api_server_adds_is_said() {
    let pod = format!(
        "apiVersion: v1\nkind: Pod\n{}",
        TEMPLATE.replace("\n    ", "\n").trim_start()
    );
    let output = pannier(&["inject", "-f", "-", "-n", "team"], &pod);
    assert!(
        text(&output.stderr).starts_with(
            "note: Pod team/(without a name): a manifest has no service-account token"
        ),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn every_setting_of_the_webhook_is_taken() {
    let pod = format!(
        "apiVersion: v1\nkind: Pod\n{}",
        TEMPLATE.replace("\n    ", "\n").trim_start()
    );
    let result = printed(
        &[
            "inject",
            "-vault-image=mine:1",
            "-f",
            "-",
            "-set-security-context=false",
            "--cpu-limit",
            "2",
        ],
        &pod,
    );
    let agent = &documents(&result)[0]["spec"]["initContainers"][0];
    assert_eq!(
        (
            &agent["image"],
            &agent["resources"]["limits"]["cpu"],
            agent.get("securityContext")
        ),
        (&"mine:1".into(), &"2".into(), None)
    );
}

#[test]
fn bad_input_gives_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("gone.yaml");
    let missing = missing.to_str().unwrap();
    let pod = |rest: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations:\n    vault.hashicorp.com/agent-inject: 'true'\n{rest}"
        )
    };
    let spec = "spec: {containers: [{name: app}]}\n";
    for (arguments, input, expected) in [
        (
            vec!["inject"],
            "",
            "pannier inject: no file is given: expected `-f FILE`, or `-f -` for standard input",
        ),
        (
            vec!["inject", "-f", missing],
            "",
            &*format!("pannier inject: {missing}: No such file or directory (os error 2)"),
        ),
        (
            vec!["inject", "-f", "-"],
            "",
            "pannier inject: standard input: expected at least one Kubernetes object",
        ),
        (
            vec!["inject", "-f", "-"],
            "just text",
            "pannier inject: standard input: line 1: expected a Kubernetes object with `apiVersion` and `kind`",
        ),
        (
            vec!["inject", "-f", "-"],
            "kind: X\n---\na: [1\nb: 2\n",
            "pannier inject: standard input: line 4: expected YAML: illegal placement of ':' indicator",
        ),
        (
            vec!["inject", "-f", "-"],
            "{\"kind\":\n",
            "pannier inject: standard input: line 2: expected JSON: EOF while parsing a value at line 2 column 0",
        ),
        (
            vec!["inject", "-f", "-", "-o", "toml"],
            "",
            "pannier inject: -o: expected `yaml`, `json` or `patch`, got `toml`",
        ),
        (
            vec!["inject", "-f", "-", "-nope"],
            "",
            "pannier inject: flag provided but not defined: -nope",
        ),
        (
            vec!["inject", "pod.yaml"],
            "",
            "pannier inject: unexpected argument `pod.yaml`: a file is given with `-f`",
        ),
        (
            vec!["inject", "-f", "-"],
            &pod(spec),
            "pannier inject: Pod default/p: error validating agent configuration: no Vault role found",
        ),
        (
            vec!["inject", "-f", "-"],
            &pod("    vault.hashicorp.com/role: yes\nspec: {containers: [{name: app}]}\n"),
            "pannier inject: Pod default/p: vault.hashicorp.com/role: json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.annotations of type string: values of annotations are text, so put it in quotes",
        ),
        (
            vec!["inject", "-f", "-"],
            &pod(
                "    vault.hashicorp.com/role: r\nspec: {automountServiceAccountToken: false, containers: [{name: app}]}\n",
            ),
            "pannier inject: Pod default/p: error creating new agent sidecar: failed to find service account volume mount: the pod says `automountServiceAccountToken: false`; remove it, or name a projected token volume with `vault.hashicorp.com/agent-service-account-token-volume-name`",
        ),
        (
            vec!["explain"],
            "",
            "pannier explain: no file is given: expected `-f FILE`, or `-f -` for standard input",
        ),
    ] {
        assert_eq!(refused(&arguments, input), expected, "{arguments:?}");
    }
}

#[test]
fn one_refusal_prints_no_manifest_at_all() {
    let good = format!(
        "apiVersion: v1\nkind: Pod\n{}",
        TEMPLATE.replace("\n    ", "\n").trim_start()
    );
    let bad = good.replace("role: app", "roll: app");
    let lines = refused(&["inject", "-f", "-"], &format!("{good}---\n{bad}"));
    assert!(
        lines.ends_with("error validating agent configuration: no Vault role found"),
        "{lines}"
    );
    assert!(lines.contains("warning: Pod default/(without a name): vault.hashicorp.com/roll: unknown annotation: did you mean `vault.hashicorp.com/role`?"), "{lines}");
}

#[test]
fn explain_tells_words_tree_defaults_and_warnings() {
    let deployment = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: shop}}\nspec:\n  template:{TEMPLATE}"
    );
    let told = printed(&["explain", "-f", "-", "-vault-image=mine:1"], &deployment);
    for part in [
        "Deployment shop/web: injected",
        "They log in to http://vault.vault.svc:8200 by `kubernetes` at `auth/kubernetes` as role `app`",
        "│   └── + vault-agent-init  mine:1, user 100",
        "└── /vault/secrets/x    from `kv/x` by the default template `map`",
        "flag -vault-image",
        "note: a manifest has no service-account token",
    ] {
        assert!(told.contains(part), "`{part}` in\n{told}");
    }
    let output = pannier(
        &["explain", "-f", "-"],
        &deployment.replace("role: app", "roll: app"),
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("Deployment shop/web: refused: error validating agent configuration: no Vault role found\n\nwarnings\n"));
    assert_eq!(
        printed(&["explain", "-f", "-"], "kind: Service\n"),
        "standard input: holds no pod and no workload with a pod template\n"
    );
}

fn goldens() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../inject/tests/goldens");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|file| file.to_str().unwrap().ends_with(".pod.yaml"));
    files.sort();
    files
}

#[test]
fn the_command_agrees_with_the_webhooks_function_on_every_golden_pod() {
    let files = goldens();
    assert!(files.len() >= 20);
    for file in files {
        let yaml = std::fs::read_to_string(&file).unwrap();
        let flags = yaml
            .lines()
            .find_map(|line| line.strip_prefix("# flags: "))
            .unwrap_or_default();
        let flags: Vec<String> = ["-vault-address=http://vault.vault.svc:8200"]
            .into_iter()
            .chain(flags.split_whitespace())
            .map(str::to_owned)
            .collect();
        let settings = Settings::new(&flags, &std::collections::BTreeMap::new()).unwrap();
        let pod: Value = serde_saphyr::from_str(&yaml).unwrap();
        let request = Request {
            namespace: "app",
            uid: "",
            resource: "pods",
        };
        let mut arguments = vec![
            "inject",
            "-n",
            "app",
            "-o",
            "patch",
            "-f",
            file.to_str().unwrap(),
        ];
        arguments.extend(flags.iter().map(String::as_str));
        let output = pannier(&arguments, "");
        let printed = text(&output.stdout);
        match review(&pod, &request, &settings) {
            Decision::Inject(injection) => {
                let patch: Value = serde_json::from_str(&printed).unwrap();
                assert_eq!(
                    patch,
                    serde_json::to_value(&injection.patch).unwrap(),
                    "{}",
                    file.display()
                );
            }
            Decision::Skip(_) => assert_eq!(printed, "[]\n", "{}", file.display()),
            Decision::Deny(denial) => {
                assert_eq!(
                    (output.status.code(), printed.as_str()),
                    (Some(1), ""),
                    "{}",
                    file.display()
                );
                assert!(
                    text(&output.stderr).contains(&denial.message),
                    "{}",
                    file.display()
                );
            }
        }
    }
}
