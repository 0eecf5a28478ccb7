//! The reference pages come from the tables that the code itself uses. `make docs` writes them; this test finds them stale.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed expectation is what a test is for"
)]

use std::fmt::Write;
use std::path::Path;

use pannier_inject::annotations::{ANNOTATIONS, Annotation, FAMILIES, PREFIX};
use pannier_inject::settings;

const HEAD: &str =
    "<!-- Written by `make docs` from the tables in the code: change them there. -->\n\n";

/// A cell of a table must not end it.
fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|").replace('\n', " ")
}

fn rows(text: &mut String, table: &[Annotation]) {
    text.push_str("| annotation | value | when absent | meaning |\n| --- | --- | --- | --- |\n");
    for row in table {
        let shown = if row.name.ends_with('-') {
            format!("{}*NAME*", row.name)
        } else {
            row.name.to_owned()
        };
        let origin = if row.ours { " (Pannier's own)" } else { "" };
        writeln!(
            text,
            "| `{shown}` | {} | {} | {}{origin} |",
            row.grammar,
            cell(row.default),
            cell(row.doc)
        )
        .unwrap();
    }
}

fn annotations() -> String {
    let mut text = format!(
        "{HEAD}# Annotations\n\nOn a pod (or a pod template), each with `{PREFIX}` in front.\n\n"
    );
    rows(&mut text, ANNOTATIONS);
    text.push_str("\n## Families\n\nEach stands for as many annotations as there are names. For secrets, *NAME* is the name of the file.\n\n");
    rows(&mut text, FAMILIES);
    text.push_str(
        "\n## Values\n\n| value | what is accepted |\n| --- | --- |\n\
         | bool | `1` `t` `T` `TRUE` `true` `True`, `0` `f` `F` `FALSE` `false` `False`; empty is false |\n\
         | int64, uint64 | decimal digits, int64 with a sign |\n\
         | float64 | a number as Go writes it |\n\
         | duration | `1h30m`, `500ms`; a unit is needed; empty is not set |\n\
         | quantity | of Kubernetes: `250m`, `64Mi`; empty is not set |\n\
         | list | separated by commas; blanks count |\n\
         | json-patch | a JSON array of RFC 6902 operations |\n\
         | string | anything |\n",
    );
    text
}

fn injector() -> String {
    let mut text = format!(
        "{HEAD}# `pannier agent-inject`\n\nThe environment wins over the flag when it is set and not empty, and an annotation of the pod wins over both.\n\
         `pannier inject` and `pannier explain` take the same settings.\n\n| flag | variable | value | default | meaning |\n| --- | --- | --- | --- | --- |\n"
    );
    for row in settings::TABLE {
        let flag = if row.flag.is_empty() {
            "–".to_owned()
        } else {
            format!("`-{}`", row.flag)
        };
        let default = if row.default.is_empty() {
            "–".to_owned()
        } else {
            format!("`{}`", row.default)
        };
        writeln!(
            text,
            "| {flag} | `{}` | {} | {default} | {} |",
            row.variable,
            cell(row.kind),
            cell(row.doc)
        )
        .unwrap();
    }
    text
}

fn agent() -> String {
    let flags = pannier_agent_config::flags::markdown();
    let variables = pannier_agent_config::environment::markdown();
    format!(
        "{HEAD}# `pannier-agent agent`\n\nAlso called `vault agent`. One dash or two, `-flag=value` or `-flag value`. A flag wins over the environment, the environment over\n\
         the configuration file.\n\n## Flags\n\n{flags}\n## Environment\n\n`BAO_X` is read wherever `VAULT_X` is, which comes first.\n\n{variables}"
    )
}

fn configuration() -> String {
    let tables = pannier_agent_config::keys::markdown();
    format!(
        "{HEAD}# The agent's configuration\n\nHCL or JSON, one file, several, or a directory: `pannier-agent agent -config=PATH`. `block \"label\" {{ ... }}` of HCL is\n\
         `{{\"block\": [{{\"label\": {{ ... }}}}]}}` in JSON. A duration is `\"30s\"` or `\"1h30m\"`. Unknown keys are ignored where nothing else is said.\n\n{tables}"
    )
    .trim_end()
    .to_owned()
        + "\n"
}

/// What Go's template language has of itself.
const GO_OWN: [&str; 19] = [
    "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or",
    "print", "printf", "println", "slice", "urlquery",
];

fn functions() -> String {
    let tables = pannier_template::functions::markdown();
    format!(
        "{HEAD}# Functions of templates\n\nThe language is Go's `text/template`. These can be called in it, besides Go's own:\n{}.\n\n{tables}",
        GO_OWN.map(|name| format!("`{name}`")).join(", ")
    )
}

#[test]
fn reference_pages_are_what_the_tables_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let mut stale = Vec::new();
    for (name, text) in [
        ("annotations.md", annotations()),
        ("injector.md", injector()),
        ("agent.md", agent()),
        ("configuration.md", configuration()),
        ("functions.md", functions()),
    ] {
        let file = folder.join(name);
        if std::env::var_os("PANNIER_WRITE_REFERENCE").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&file, &text).unwrap();
        } else if std::fs::read_to_string(&file).unwrap_or_default() != text {
            stale.push(name);
        }
    }
    if !stale.is_empty() {
        panic!(
            "stale in docs/reference: {}; run `make docs`",
            stale.join(", ")
        );
    }
}

/// The page is for people, so every row must say something.
#[test]
fn every_row_has_words() {
    for row in ANNOTATIONS.iter().chain(FAMILIES) {
        assert!(
            !row.doc.trim().is_empty() && !row.default.trim().is_empty(),
            "{}",
            row.name
        );
    }
    for row in settings::TABLE {
        assert!(
            !row.doc.trim().is_empty() && !row.variable.is_empty(),
            "{}",
            row.id
        );
    }
    for function in pannier_template::functions::all() {
        assert!(
            !function.doc.trim().is_empty() && !function.usage.trim().is_empty(),
            "{}",
            function.name
        );
    }
}

#[test]
fn what_the_page_calls_gos_own_can_be_called() {
    for name in GO_OWN {
        let text = format!("{{{{ define \"unused\" }}}}{{{{ {name} 1 2 }}}}{{{{ end }}}}");
        let options = pannier_template::Options::default();
        assert!(
            pannier_template::Template::parse("t", &text, &options).is_ok(),
            "{name}"
        );
    }
}

/// `S1` to `S62` number the oddities of vault-k8s that were found when this program was written; each was decided about.
#[test]
fn every_oddity_of_vault_k8s_has_a_row_in_the_compatibility_page() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../COMPATIBILITY.md");
    let text = std::fs::read_to_string(page).unwrap();
    let marked: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" |"))
        .flat_map(|(what, _)| what.split(['(', ')', ',', ' ']))
        .collect();
    let missing: Vec<u32> = (1..=62)
        .filter(|number| !marked.contains(&format!("S{number}").as_str()))
        .collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
}
