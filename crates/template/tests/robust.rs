//! Hostile templates and data: every one ends with a text or a clear error, on the stack of a common thread.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use pannier_template::{
    Answer, Dependency, ErrorKind, Host, Limits, Options, Render, Template, Value,
};

struct NoHost;

impl Host for NoHost {
    fn lookup(&self, _dependency: &Dependency) -> Option<Answer> {
        None
    }
}

fn render(source: &str, dot: Value, limits: &Limits) -> Result<String, (ErrorKind, String)> {
    let template = Template::parse("t", source, &Options::default())
        .map_err(|e| (e.kind(), e.message().to_owned()))?;
    match template.render(&NoHost, dot, limits) {
        Ok(Render::Text(text)) => Ok(text.to_lossy().into_owned()),
        Ok(Render::Needs(needs)) => panic!("unexpected needs: {needs:?}"),
        Err(error) => Err((error.kind(), error.message().to_owned())),
    }
}

fn limit_text(source: &str, dot: Value, limits: &Limits) -> String {
    let (kind, text) = render(source, dot, limits).unwrap_err();
    assert_eq!(kind, ErrorKind::Limit, "{text}");
    text
}

#[test]
fn parentheses_nest_a_thousand_deep_and_no_deeper() {
    let nested = |n: usize| format!("{{{{{}1{}}}}}", "(".repeat(n), ")".repeat(n));
    assert_eq!(
        render(&nested(1000), Value::Nil, &Limits::default()).unwrap(),
        "1"
    );
    let (kind, text) = render(&nested(100_000), Value::Nil, &Limits::default()).unwrap_err();
    assert_eq!(kind, ErrorKind::Parse);
    assert_eq!(text, "template: t:1: max expression depth exceeded");
}

#[test]
fn calls_within_calls_are_evaluated_to_the_same_depth() {
    let source = format!("{{{{{}\"x\"{}}}}}", "print (".repeat(999), ")".repeat(999));
    assert_eq!(
        render(&source, Value::Nil, &Limits::default()).unwrap(),
        "x"
    );
}

#[test]
fn a_hundred_thousand_nested_ifs_are_no_trouble() {
    let n = 100_000;
    let source = format!("{}x{}", "{{if true}}".repeat(n), "{{end}}".repeat(n));
    assert_eq!(
        render(&source, Value::Nil, &Limits::default()).unwrap(),
        "x"
    );
    let source = format!("{}x{}", "{{with 1}}".repeat(n), "{{else}}{{end}}".repeat(n));
    assert_eq!(
        render(&source, Value::Nil, &Limits::default()).unwrap(),
        "x"
    );
    let source = format!(
        "{{{{if false}}}}{}{{{{else}}}}y{{{{end}}}}",
        "{{else if false}}z".repeat(n)
    );
    assert_eq!(
        render(&source, Value::Nil, &Limits::default()).unwrap(),
        "y"
    );
}

#[test]
fn nested_blocks_are_no_trouble() {
    let n = 50_000;
    let opened: String = (0..n)
        .map(|i| format!("{{{{block \"b{i}\" .}}}}"))
        .collect();
    let source = format!("{opened}x{}", "{{end}}".repeat(n));
    assert_eq!(
        render(&source, Value::Nil, &Limits::default()).unwrap(),
        "x"
    );
}

#[test]
fn templates_call_each_other_as_deep_as_in_go() {
    let source = "{{define \"D\"}}{{if gt . 0}}{{template \"D\" (subtract 1 .)}}{{else}}end{{end}}{{end}}{{template \"D\" 99000}}";
    assert_eq!(
        render(source, Value::Nil, &Limits::default()).unwrap(),
        "end"
    );
}

#[test]
fn execute_template_within_itself_ends() {
    let text = limit_text(
        "{{define \"E\"}}{{executeTemplate \"E\"}}{{end}}{{executeTemplate \"E\"}}",
        Value::Nil,
        &Limits::default(),
    );
    assert!(
        text.contains("executeTemplate is nested deeper than"),
        "{text}"
    );
}

#[test]
fn deep_data_is_refused_when_printed_and_freed_without_a_crash() {
    let mut deep = Value::Nil;
    for i in 0..1_000_000 {
        deep = if i % 2 == 0 {
            Value::list(vec![deep])
        } else {
            Value::map([("k", deep)])
        };
    }
    for source in [
        "{{ . }}",
        "{{ printf \"%#v\" . }}",
        "{{ html . }}",
        "{{ eq . . }}",
        "{{ toJSON . }}",
        "{{ toYAML . }}",
        "{{ range . }}{{ . }}{{ end }}",
    ] {
        let (_, text) = render(source, deep.clone(), &Limits::default()).unwrap_err();
        assert!(text.len() < 2000, "{text}");
    }
    assert_eq!(
        render("{{ len . }}{{ not . }}", deep, &Limits::default()).unwrap(),
        "1false"
    );
}

#[test]
fn a_map_that_holds_itself_is_refused_when_printed() {
    let source = "{{ $d := sprig_dict }}{{ $_ := sprig_set $d \"self\" $d }}{{ $d }}";
    let text = limit_text(source, Value::Nil, &Limits::default());
    assert!(
        text.ends_with("value is nested deeper than 1000 levels"),
        "{text}"
    );
}

#[test]
fn endless_work_runs_into_the_limit_on_steps() {
    let limits = Limits {
        steps: 100_000,
        ..Limits::default()
    };
    for source in [
        "{{range 9000000000000000000}}{{end}}",
        "{{range 9000000000000000000}}x{{end}}",
        "{{define \"a\"}}{{range 1000000}}{{template \"b\"}}{{end}}{{end}}{{define \"b\"}}{{end}}{{template \"a\"}}",
    ] {
        let text = limit_text(source, Value::Nil, &limits);
        assert!(
            text.ends_with("exceeded the limit of 100000 steps"),
            "{text}"
        );
    }
}

#[test]
fn output_and_texts_that_grow_run_into_the_limit_on_bytes() {
    let limits = Limits {
        output: 1 << 20,
        ..Limits::default()
    };
    for source in [
        "{{range 1000000}}a line of text that is copied again and again{{end}}",
        "{{$x := \"abcdefgh\"}}{{range 40}}{{$x = print $x $x}}{{end}}",
        "{{range 100}}{{printf \"%1000000d\" 1}}{{end}}",
        "{{printf \"%1000000d%1000000d\" 1 2}}",
        "{{printf \"%.1000000f%.1000000f\" 1.5 2.5}}",
        "{{printf \"%.1000000d%1000000s\" 1 \"x\"}}",
        "{{printf \"%.1000000U%.1000000x\" 1 1.5}}",
        "{{printf \"%.1000000e%#.1000000g%.1000000g%1000000v\" 1.5 1.5 1.5 1}}",
    ] {
        let text = limit_text(source, Value::Nil, &limits);
        assert!(text.contains("limit of 1048576 bytes"), "{text}");
    }
}

#[test]
fn the_limit_on_depth_can_be_lower_than_gos() {
    let limits = Limits {
        depth: 10,
        ..Limits::default()
    };
    let (_, text) = render(
        "{{define \"L\"}}{{template \"L\"}}{{end}}{{template \"L\"}}",
        Value::Nil,
        &limits,
    )
    .unwrap_err();
    assert!(
        text.ends_with("exceeded maximum template depth (10)"),
        "{text}"
    );
}

/// Counts how many of it are freed.
struct Canary(std::sync::Arc<std::sync::atomic::AtomicUsize>);

impl Drop for Canary {
    fn drop(&mut self) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

impl pannier_template::Object for Canary {
    fn type_name(&self) -> &'static str {
        "*main.Canary"
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// How many canaries are free after the rendering, which makes one for each `canary`.
fn freed(source: &str, dot: Value) -> usize {
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let seen = count.clone();
    let canary = pannier_template::functions::Function::new(
        "canary",
        "canary",
        "",
        &[],
        pannier_template::Type::Any,
        |_| Ok(Value::Nil),
    )
    .with_state(std::sync::Arc::new(move |_| {
        Ok(Value::object(Canary(seen.clone())))
    }));
    let options = Options {
        functions: vec![canary],
        ..Options::default()
    };
    let template = Template::parse("t", source, &options).unwrap();
    drop(template.render(&NoHost, dot, &Limits::default()));
    count.load(std::sync::atomic::Ordering::Relaxed)
}

#[test]
fn maps_that_hold_themselves_are_freed_with_the_rendering() {
    for source in [
        r#"{{ $d := sprig_dict "c" canary }}{{ $x := sprig_set $d "self" $d }}"#,
        r#"{{ $d := sprig_dict "c" canary }}{{ $x := sprig_set $d "l" (sprig_list 1 (sprig_list $d)) }}"#,
        r#"{{ $d := sprig_dict "c" canary }}{{ $e := sprig_dict "d" $d }}{{ $x := sprig_set $d "e" $e }}"#,
        r#"{{ $d := sprig_dict "c" canary }}{{ $x := sprig_set $d "self" $d }}{{ sprig_fail "no" }}"#,
        r#"{{ $d := sprig_dict "c" canary }}{{ $x := sprig_merge $d (sprig_dict "self" $d) }}"#,
        r#"{{ $d := sprig_dict "c" canary }}{{ $x := mergeMap $d (sprig_dict "self" $d) }}"#,
        r#"{{ $d := sprig_dict "c" canary }}{{ $x := sprig_set $d "self" $d }}{{ sockaddr "1" }}"#,
        r#"{{ scratch.Set "c" canary }}{{ scratch.Set "s" scratch }}"#,
        r#"{{ scratch.MapSet "m" "c" canary }}{{ scratch.MapSet "m" "m" (scratch.Get "m") }}"#,
        r#"{{ define "x" }}{{ $x := sprig_set . "self" . }}{{ end }}{{ executeTemplate "x" (sprig_dict "c" canary) }}"#,
    ] {
        assert_eq!(freed(source, Value::Nil), 1, "{source}");
    }
    let many = r#"{{ range loop 5000 }}{{ $d := sprig_dict "c" canary }}{{ $x := sprig_set $d "self" $d }}{{ end }}"#;
    assert_eq!(freed(many, Value::Nil), 5000);
}

#[test]
fn what_the_caller_still_holds_stays_as_the_template_left_it() {
    let dot = pannier_template::Map::of_any([("a", Value::int(1))]);
    let source = r#"{{ $x := sprig_set . "self" . }}{{ $x := sprig_set . "l" (sprig_list 1) }}"#;
    assert_eq!(freed(source, Value::Map(dot.clone())), 0);
    assert_eq!(dot.len(), 3);
    dot.remove(b"self");
}
