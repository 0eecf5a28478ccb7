//! `pannier template` as a person runs it.

#![expect(clippy::expect_used, reason = "a test may fail by panicking")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs with a template on standard input; gives exit code, standard output and standard error.
fn run(folder: &Path, template: &str, arguments: &[&str]) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pannier"))
        .arg("template")
        .args(arguments)
        .current_dir(folder)
        .env("GREETING", "hello")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(template.as_bytes())
        .expect("it reads its input");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn templates_render_from_files_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let write =
        |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    write("data.json", r#"{"n":1000000,"m":{"a":1}}"#);
    write(
        "kv2.json",
        r#"{"request_id":"r","lease_id":"","lease_duration":0,"renewable":false,"data":{"data":{"user":"app","port":5432},"metadata":{"version":3}}}"#,
    );
    write("plain.json", r#"{"user":"bob"}"#);
    write(
        "token.json",
        r#"{"request_id":"r","data":null,"warnings":["w"],"auth":{"client_token":"s.1","accessor":"a","policies":["default"],"metadata":{"user":"x"},"lease_duration":60,"renewable":true}}"#,
    );
    write(
        "wrapped.json",
        r#"{"wrap_info":{"token":"s.2","ttl":30,"creation_time":"2026-01-01T00:00:00Z","wrapped_accessor":"b"}}"#,
    );
    write("odd.json", r#"{"auth":{"user":"x"}}"#);
    let table: &[(&str, &[&str], &str)] = &[
        ("{{ .n }}", &["-data", "data.json", "-"], "1e+06"),
        (
            "{{ .n }}",
            &["--numbers=number", "--data", "data.json", "-"],
            "1000000",
        ),
        ("{{ .nope }}", &["-data", "data.json", "-"], "<no value>"),
        (
            "<<.n>>",
            &[
                "-",
                "-data=data.json",
                "-numbers",
                "number",
                "-left-delimiter",
                "<<",
                "-right-delimiter",
                ">>",
            ],
            "1000000",
        ),
        (
            "{{ with secret \"/kv/app\" }}{{ .Data.data.user }}:{{ .Data.data.port }} v{{ .Data.metadata.version }}{{ end }}",
            &["-secret", "kv/app=kv2.json", "-"],
            "app:5432 v3",
        ),
        (
            "{{ with secret \"old/app\" }}{{ .Data.user }}{{ end }}",
            &[
                "-secret",
                "kv/app=kv2.json",
                "-secret",
                "old/app=plain.json",
                "-",
            ],
            "bob",
        ),
        (
            "{{ with secret \"auth/token/create\" \"ttl=1m\" }}{{ .Auth.ClientToken }} {{ .Auth.Policies }} {{ .Auth.Metadata.user }} {{ .Auth.LeaseDuration }} {{ .Auth.Renewable }} {{ .Warnings }}{{ end }}",
            &["-secret", "auth/token/create=token.json", "-"],
            "s.1 [default] x 60 true [w]",
        ),
        (
            "{{ with secret \"a\" }}{{ .WrapInfo.Token }} {{ .WrapInfo.TTL }} {{ .WrapInfo.CreationTime }} {{ .WrapInfo.WrappedAccessor }} {{ .Auth }}{{ end }}",
            &["-secret", "a=wrapped.json", "-"],
            "s.2 30 2026-01-01 00:00:00 +0000 UTC b <nil>",
        ),
        (
            "{{ with secret \"a\" }}{{ .Data.auth.user }}{{ end }}",
            &["-secret", "a=odd.json", "-"],
            "x",
        ),
        (
            "{{ range secrets \"old\" }}{{ . }}{{ end }}",
            &["-secret", "old/app=plain.json", "-"],
            "app",
        ),
        (
            "{{ env \"GREETING\" | toUpper }} {{ sprig_randAlpha 4 | len }}",
            &["-"],
            "HELLO 4",
        ),
    ];
    for (template, arguments, expected) in table {
        assert_eq!(
            run(folder.path(), template, arguments),
            (0, (*expected).to_owned(), String::new()),
            "{template}"
        );
    }
}

#[test]
fn a_failing_template_gives_its_error_and_exit_code_1() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("data.json"), "{}").expect("written");
    let table: &[(&str, &[&str], &str)] = &[
        (
            "{{ nosuch }}",
            &["-"],
            "template: :1: function \"nosuch\" not defined",
        ),
        (
            "{{ .x }}",
            &["-data", "data.json", "-missing-key", "error", "-"],
            "map has no entry for key \"x\"",
        ),
        (
            "{{ sprig_fail \"stop\" }}",
            &["-"],
            "error calling sprig_fail: stop",
        ),
        (
            "{{ secret \"kv/app\" }}",
            &["-"],
            "give one with `-secret kv/app=JSON-FILE`",
        ),
        (
            "",
            &["-numbers", "words", "-data", "data.json", "-"],
            "-numbers: expected `float` or `number`, got `words`",
        ),
        (
            "",
            &["-missing-key", "maybe", "-"],
            "-missing-key: expected",
        ),
        (
            "",
            &["-secret", "novalue", "-"],
            "-secret: expected PATH=JSON-FILE",
        ),
        (
            "",
            &["nonexistent.ctmpl"],
            "nonexistent.ctmpl: No such file",
        ),
        ("", &["-foo", "-"], "flag provided but not defined: -foo"),
        ("", &[], "expected one file or `-`, got 0"),
    ];
    for (template, arguments, expected) in table {
        let (code, out, error) = run(folder.path(), template, arguments);
        assert_eq!((code, out.as_str()), (1, ""), "{template} {arguments:?}");
        assert!(
            error.contains(expected),
            "{template} {arguments:?}: {error}"
        );
    }
}
