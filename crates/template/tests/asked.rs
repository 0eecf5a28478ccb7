//! What calls ask of the host: `bao agent`'s requests and answers, as tables.

#![expect(clippy::expect_used, reason = "a test may fail by panicking")]

use std::cell::RefCell;
use std::sync::Arc;

use pannier_template::host::{Answer, Dependency, Host, WriteFile};
use pannier_template::{Certificates, Limits, Options, Render, Template, Text, Value};

/// Knows nothing.
struct Blank;

impl Host for Blank {
    fn lookup(&self, _: &Dependency) -> Option<Answer> {
        None
    }
}

/// Has a certificate and a variable that is not the process's own, and keeps what is written.
#[derive(Default)]
struct Full(RefCell<Vec<(bool, Text)>>);

impl Host for Full {
    fn lookup(&self, _: &Dependency) -> Option<Answer> {
        let certificates = Certificates {
            cert: "c".into(),
            key: "k".into(),
            ..Certificates::default()
        };
        Some(Answer::Certificates(Arc::new(certificates)))
    }

    fn env(&self, name: &str) -> Option<String> {
        Some(format!("added {name}"))
    }

    fn process_env(&self, _: &str) -> Option<String> {
        None
    }

    fn write_file(&self, file: &WriteFile) -> Result<(), String> {
        self.0
            .borrow_mut()
            .push((file.append, file.content.clone()));
        Ok(())
    }
}

fn render(source: &str, host: &Full) -> String {
    let template = Template::parse("", source, &Options::default()).expect("it parses");
    match template.render(host, Value::Nil, &Limits::default()) {
        Ok(Render::Text(text)) => text.to_lossy().into_owned(),
        Ok(Render::Needs(needs)) => format!("needs {needs:?}"),
        Err(error) => error.message().to_owned(),
    }
}

/// The first thing that the call asks for, or the end of the error.
fn asked(call: &str) -> String {
    let source = format!("{{{{ {call} }}}}");
    let template = Template::parse("", &source, &Options::default()).expect("it parses");
    match template.render(&Blank, Value::Nil, &Limits::default()) {
        Ok(Render::Needs(needs)) => match needs.into_iter().next().expect("it asks") {
            Dependency::Read { path, query } => format!("read {path} ? {query}"),
            Dependency::Write { path, .. } => format!("write {path}"),
            Dependency::List { path } => format!("list {path}"),
            Dependency::Pki { path, .. } => format!("pki {path}"),
            Dependency::File { path } => format!("file {path}"),
        },
        Ok(Render::Text(text)) => format!("text {text:?}"),
        Err(error) => {
            let message = error.message();
            let at = message.find("error calling").unwrap_or_default();
            message.get(at..).unwrap_or_default().to_owned()
        }
    }
}

#[test]
fn what_is_read_is_written_as_a_url_and_what_is_written_or_listed_is_a_name() {
    for (call, wanted) in [
        (r#"secret "ex/mi%20sc""#, "read ex/mi sc ? "),
        (r#"secret "ex/mi sc""#, "read ex/mi sc ? "),
        (r#"secret "ex/a%2Fb""#, "read ex/a/b ? "),
        (r#"secret "ex%2Fa/b""#, "read ex/a/b ? "),
        (r#"secret "ex/pl+us""#, "read ex/pl+us ? "),
        (r#"secret "ex/50%25""#, "read ex/50% ? "),
        (r#"secret "ex/misc#frag""#, "read ex/misc ? "),
        (r#"secret "ex/misc#f?version=1""#, "read ex/misc ? "),
        (
            r#"secret "ex/misc?version=1#f""#,
            "read ex/misc ? version=1",
        ),
        (
            r#"secret "ex/misc%3Fversion=1""#,
            "read ex/misc?version=1 ? ",
        ),
        (r#"secret "ex/misc%23a""#, "read ex/misc#a ? "),
        (r#"secret "ex/misc:x""#, "read ex/misc:x ? "),
        (r#"secret " //ex/misc/ ""#, "read ex/misc ? "),
        (r#"secret "ex/misc?""#, "read ex/misc ? "),
        (
            r#"secret "ex/misc%zz""#,
            r#"error calling secret: parse "ex/misc%zz": invalid URL escape "%zz""#,
        ),
        (
            r#"secret "ex/a\u0001b""#,
            r#"error calling secret: parse "ex/a\x01b": net/url: invalid control character in URL"#,
        ),
        (
            r#"secret "/""#,
            r#"error calling secret: vault.read: invalid format: """#,
        ),
        (r#"secret "old/q?x=1" "a=1""#, "write old/q?x=1"),
        (r#"secret "ex/q?version=1" "a=1""#, "write ex/q?version=1"),
        (
            r#"secret "ex/q%20#f?version=1" "a=1""#,
            "write ex/q%20#f?version=1",
        ),
        (r#"secret "ex/%zz" "a=1""#, "write ex/%zz"),
        (r#"secret "?" """#, "write ?"),
        (r#"secret " /ex/q2/ " "a=1""#, "write ex/q2"),
        (
            r#"secret "" "a=1""#,
            r#"error calling secret: vault.write: invalid format: """#,
        ),
        (r#"secrets "ex?list=1""#, "list ex?list=1"),
        (r#"secrets "ex/a%2F""#, "list ex/a%2F"),
        (r#"secrets "ex/a#f""#, "list ex/a#f"),
        (r#"pkiCert "pki/issue/we%62""#, "pki pki/issue/web"),
        (r#"pkiCert "pki/issue/web?x=1#f""#, "pki pki/issue/web"),
    ] {
        assert_eq!(asked(call), wanted, "{call}");
    }
}

#[test]
fn a_certificate_is_a_structure_and_no_pointer() {
    let render = |source: &str| render(source, &Full::default());
    let source = r#"{{ with pkiCert "p" }}{{ printf "%T %T %T" . .Data .Cert }}{{ end }}"#;
    assert_eq!(
        render(source),
        "dependency.PemEncoded dependency.PemEncoded string"
    );
    let error = render(r#"{{ with pkiCert "p" }}{{ .Nope }}{{ end }}"#);
    assert!(
        error.ends_with("can't evaluate field Nope in type dependency.PemEncoded"),
        "{error}"
    );
}

#[test]
fn variables_that_the_host_adds_are_seen_by_env_and_not_by_sprig() {
    let source = r#"{{ env "A" }}|{{ envOrDefault "A" "d" }}|{{ mustEnv "A" }}|{{ sprig_env "A" }}|{{ sprig_expandenv "$A" }}"#;
    assert_eq!(
        render(source, &Full::default()),
        "added A|added A|added A||"
    );
}

#[test]
fn the_last_of_many_arguments_is_what_is_written() {
    for (arguments, wanted) in [
        (r#""a""#, (false, "a")),
        (r#""append" "b""#, (true, "b")),
        (r#""append" "b" "c""#, (false, "c")),
        (r#""append" "b" "c" "d""#, (false, "d")),
    ] {
        let host = Full::default();
        let source = format!(r#"{{{{ writeToFile "/p" "" "" "0644" {arguments} }}}}"#);
        assert_eq!(render(&source, &host), "");
        let wanted = (wanted.0, Text::from(wanted.1));
        assert_eq!(host.0.into_inner(), [wanted], "{arguments}");
    }
}
