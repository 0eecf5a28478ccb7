//! What an error says beside Go's text: place, excerpt, caret, hint; and what it must not say.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::sync::Arc;

use pannier_go::json;
use pannier_template::{
    Answer, Dependency, Error, Host, Limits, MissingKey, Options, Secret, Template, Value,
};

struct Vault(&'static str);

impl Host for Vault {
    fn lookup(&self, _dependency: &Dependency) -> Option<Answer> {
        let data = json::decode(self.0).unwrap();
        Some(Answer::Secret(Some(Arc::new(Secret {
            data,
            ..Secret::default()
        }))))
    }
}

fn error(source: &str, secret: &'static str) -> Error {
    let options = Options {
        missing_key: MissingKey::Error,
        ..Options::default()
    };
    match Template::parse("", source, &options) {
        Err(error) => error,
        Ok(template) => template
            .render(&Vault(secret), Value::Nil, &Limits::default())
            .unwrap_err(),
    }
}

#[test]
fn a_parse_error_has_its_line_and_a_caret() {
    let report = error("first\n  {{ if .a }}{{ .api-key }}{{ end }}\nlast", "{}").report();
    assert_eq!(
        report,
        "template: :2: bad character U+002D '-'\n\
         2 |   {{ if .a }}{{ .api-key }}{{ end }}\n  \
           |                 ^"
    );
}

#[test]
fn a_variable_that_nobody_declared_is_pointed_at() {
    let error = error("\t\t{{ $x }}", "{}");
    let place = error.place().unwrap();
    assert_eq!((place.line, place.column), (1, 6));
}

#[test]
fn an_execution_error_has_its_line_and_a_caret() {
    let error = error("a\nb\n{{ with 1 }}é {{ index . 3 }}{{ end }}", "{}");
    let place = error.place().unwrap();
    assert_eq!((place.line, place.column), (3, 18));
    assert_eq!(
        error.report(),
        "template: :3:18: executing \"\" at <index . 3>: error calling index: can't index item of type int\n\
         3 | {{ with 1 }}é {{ index . 3 }}{{ end }}\n  \
           |                  ^"
    );
}

#[test]
fn a_string_that_is_no_utf8_is_quoted_as_go_quotes_it() {
    for (source, shown) in [
        (&b"{{\"\xf0\x9f\".x}}"[..], r#""\"\xf0\x9f\"""#),
        (b"{{printf `\xf0\x9f\xff`.x}}", r#""`\xf0\x9f\xff`""#),
        (b"{{\"a\\x9f\".x}}", r#""\"a\\x9f\"""#),
    ] {
        let error = Template::parse("t", source, &Options::default()).unwrap_err();
        assert_eq!(
            error.message(),
            format!("template: t:1: unexpected . after term {shown}")
        );
    }
}

#[test]
fn an_excerpt_of_a_long_line_is_short() {
    let source = format!("{}{{{{ nosuch }}}}{}", "x".repeat(5000), "y".repeat(5000));
    let error = error(&source, "{}");
    let place = error.place().unwrap();
    assert!(place.excerpt.chars().count() <= 110, "{place}");
    assert_eq!(
        place
            .excerpt
            .chars()
            .skip(place.caret)
            .take(6)
            .collect::<String>(),
        "nosuch"
    );
    assert_eq!(place.column, 5004);
}

#[test]
fn a_truncated_template_points_at_its_end() {
    let error = error("{{ if true }}\nx\n", "{}");
    assert_eq!(error.message(), "template: :3: unexpected EOF");
    assert_eq!(error.place().unwrap().line, 3);
}

#[test]
fn functions_of_consul_and_nomad_are_refused_with_a_reason() {
    for (name, server) in [
        ("key", "Consul"),
        ("service", "Consul"),
        ("nomadVar", "Nomad"),
        ("caLeaf", "Consul"),
    ] {
        let error = error(
            &format!("{{{{ if false }}}}{{{{ {name} \"x\" }}}}{{{{ end }}}}"),
            "{}",
        );
        assert_eq!(
            error.message(),
            format!("template: :1: function \"{name}\" not defined")
        );
        assert!(error.hint().unwrap().contains(server), "{:?}", error.hint());
    }
    assert_eq!(error("{{ nosuch }}", "{}").hint(), None);
}

const NESTED: &str = r#"{"data":{"password":"hunter2hunter2","port":54321,"deep":{"list":["inner-secret","q\"uote\nd"]}},"metadata":{"version":3}}"#;

#[test]
fn no_value_of_a_secret_shows_in_an_error() {
    for source in [
        "{{ with secret \"p\" }}{{ parseInt .Data.data.password }}{{ end }}",
        "{{ with secret \"p\" }}{{ add 1 .Data.data.port }}{{ end }}",
        "{{ with secret \"p\" }}{{ range .Data.data.password }}{{ end }}{{ end }}",
        "{{ with secret \"p\" }}{{ range (printf \"%v\" .Data) }}{{ end }}{{ end }}",
        "{{ with secret \"p\" }}{{ eq .Data.data .Data.data }}{{ end }}",
        "{{ with secret \"p\" }}{{ parseBool (index .Data.data.deep.list 0) }}{{ end }}",
        "{{ with secret \"p\" }}{{ parseBool (index .Data.data.deep.list 1) }}{{ end }}",
        "{{ with secret \"p\" }}{{ sprig_fail (printf \"%q\" .Data.data) }}{{ end }}",
        "{{ with secret \"p\" }}{{ sprig_fail (printf \"%#v\" .Data.data) }}{{ end }}",
        "{{ with secret \"p\" }}{{ index .Data.data.deep \"x\" \"hunter2hunter2\" }}{{ end }}",
    ] {
        let report = error(source, NESTED).report();
        for value in ["hunter2hunter2", "54321", "inner-secret", "uote"] {
            assert!(!report.contains(value), "{report}");
        }
        assert!(report.starts_with("template: :1:"), "{report}");
    }
}

/// base64 of `decoded-secret`; JSON with a text and a number; a URL; a date.
const ENCODED: &str = r#"{"b64":"ZGVjb2RlZC1zZWNyZXQ=","json":"{\"in\":\"parsed-secret\",\"n\":98765,\"l\":[1]}","url":"http://h:port-secret/","re":"a(secret-pattern","date":"2020-01-01 late-secret"}"#;

#[test]
fn what_functions_make_of_a_secret_does_not_show_either() {
    for (source, secrets) in [
        ("{{ parseInt (base64Decode .Data.b64) }}", "decoded"),
        (
            "{{ base64Decode .Data.b64 | printf \"<%s>\" | parseBool }}",
            "decoded",
        ),
        ("{{ range base64Decode .Data.b64 }}{{ end }}", "decoded"),
        (
            "{{ $j := parseJSON .Data.json }}{{ parseInt $j.in }}",
            "parsed",
        ),
        (
            "{{ $j := parseJSON .Data.json }}{{ add 1 $j.in }}",
            "parsed",
        ),
        ("{{ $j := parseJSON .Data.json }}{{ eq $j $j }}", "parsed"),
        ("{{ $j := parseJSON .Data.json }}{{ eq $j $j }}", "98765"),
        (
            "{{ $j := parseJSON .Data.json }}{{ add $j.l $j.in }}",
            "parsed",
        ),
        (
            "{{ $j := parseJSON .Data.json }}{{ range $a, $b := sprig_int $j.n }}{{ end }}",
            "98765",
        ),
        ("{{ sprig_urlParse .Data.url }}", "port-secret"),
        (
            "{{ regexMatch (print .Data.re \"x\") \"a\" }}",
            "secret-pattern",
        ),
        (
            "{{ sprig_mustToDate \"2006-01-02\" .Data.date }}",
            "late-secret",
        ),
        ("{{ sprig_semver (base64Decode .Data.b64) }}", "decoded"),
        ("{{ toUpper .Data.b64 | parseInt }}", "ZGVJ"),
        (
            "{{ define \"t\" }}{{ parseInt . }}{{ end }}{{ executeTemplate \"t\" (base64Decode .Data.b64) }}",
            "decoded",
        ),
    ] {
        let (define, rest) = match source.split_once("{{ end }}{{ exec") {
            Some((define, rest)) => (format!("{define}{{{{ end }}}}"), format!("{{{{ exec{rest}")),
            None => (String::new(), source.to_owned()),
        };
        let source = format!("{define}{{{{ with secret \"p\" }}}}{rest}{{{{ end }}}}");
        let report = error(&source, ENCODED).report();
        assert!(!report.contains(secrets), "{source}: {report}");
        assert!(report.starts_with("template: :1:"), "{report}");
    }
}

#[test]
fn an_error_about_a_constant_of_the_template_shows_it() {
    let error = error(
        "{{ with secret \"p\" }}{{ parseInt \"constant\" }}{{ end }}",
        "{\"a\":\"b\"}",
    );
    assert_eq!(
        error.message(),
        "template: :1:24: executing \"\" at <parseInt \"constant\">: error calling parseInt: parseInt: strconv.ParseInt: \
         parsing \"constant\": invalid syntax"
    );
}

#[test]
fn a_redacted_error_keeps_gos_words() {
    let error = error(
        "{{ with secret \"p\" }}{{ parseInt .Data.user }}{{ end }}",
        r#"{"user":"bob"}"#,
    );
    assert_eq!(
        error.message(),
        "template: :1:24: executing \"\" at <parseInt .Data.user>: error calling parseInt: parseInt: strconv.ParseInt: \
         parsing \"[redacted]\": invalid syntax"
    );
}

#[test]
fn short_values_are_replaced_only_as_words() {
    let error = error(
        "{{ with secret \"p\" }}{{ parseInt .Data.v }}{{ end }}",
        r#"{"v":"e","n":1}"#,
    );
    assert_eq!(
        error.message(),
        "template: :1:24: executing \"\" at <parseInt .Data.v>: error calling parseInt: parseInt: strconv.ParseInt: \
         parsing \"[redacted]\": invalid syntax"
    );
}

#[test]
fn a_denied_function_fails_when_called() {
    let options = Options {
        denied: vec!["env".into(), "sprig_*".into()],
        ..Options::default()
    };
    for (source, text) in [
        (
            "{{ env \"X\" }}",
            "template: :1:3: executing \"\" at <env \"X\">: error calling env: function is disabled",
        ),
        (
            "{{ sprig_upper \"x\" }}",
            "template: :1:3: executing \"\" at <sprig_upper \"x\">: error calling sprig_upper: function is disabled",
        ),
    ] {
        let template = Template::parse("", source, &options).unwrap();
        let error = template
            .render(&Vault("{}"), Value::Nil, &Limits::default())
            .unwrap_err();
        assert_eq!(error.message(), text);
    }
    let template = Template::parse(
        "",
        "{{ if false }}{{ env \"X\" }}{{ end }}{{ toUpper \"x\" }}",
        &options,
    )
    .unwrap();
    assert!(
        template
            .render(&Vault("{}"), Value::Nil, &Limits::default())
            .is_ok()
    );
}

#[test]
fn functions_of_the_language_itself_cannot_be_denied() {
    for denied in [&["len", "printf", "eq"][..], &["l*", "p*", "e?", "*"][..]] {
        let options = Options {
            denied: denied.iter().map(|name| (*name).into()).collect(),
            ..Options::default()
        };
        let source = "{{ len \"a\" }}{{ printf \"x\" }}{{ eq 1 1 }}";
        let template = Template::parse("", source, &options).unwrap();
        let rendered = template.render(&Vault("{}"), Value::Nil, &Limits::default());
        assert_eq!(
            rendered.unwrap(),
            pannier_template::Render::Text("1xtrue".into())
        );
    }
}
