//! The reference page of all functions, from the tables that the engine itself uses.

use std::collections::BTreeMap;

use pannier_go::json::{self, Json};

use super::Function;

/// One example of each function whose result is always the same, as the original rendered it.
const EXAMPLES: &str = include_str!("../../tests/data/functions/examples.json");

/// The functions of Consul-Template and of Sprig as Markdown, one table each: usage, result, meaning, example.
///
/// ```
/// let page = pannier_template::functions::markdown();
/// assert!(page.contains("| `toUpper S` | string | S in upper case. |"));
/// ```
#[must_use]
pub fn markdown() -> String {
    let examples = examples();
    let mut out = String::new();
    let groups = [("Consul-Template", false), ("Sprig", true)];
    for (title, sprig) in groups {
        out.push_str(&format!(
            "## {title}\n\n| function | result | meaning | example |\n| --- | --- | --- | --- |\n"
        ));
        let mut functions: Vec<&Function> = super::all()
            .filter(|function| function.name.starts_with("sprig_") == sprig)
            .collect();
        functions.sort_by_key(|function| function.name.to_lowercase());
        for function in functions {
            let example = match examples.get(function.name) {
                Some((template, result)) => format!("{} → {}", code(template), code(result)),
                None => String::new(),
            };
            let (usage, result, doc) = (code(function.usage), function.result, cell(function.doc));
            out.push_str(&format!("| {usage} | {result} | {doc} | {example} |\n"));
        }
        out.push('\n');
    }
    out
}

/// Template and result by the name of the function that the example is for: the first one it calls.
fn examples() -> BTreeMap<&'static str, (String, String)> {
    let rows = json::decode(EXAMPLES).unwrap_or_default();
    let mut examples = BTreeMap::new();
    for row in rows.as_array().unwrap_or_default() {
        let field = |name| row.get(name).and_then(Json::as_str);
        let (Some(template), Some(result)) = (field("t"), field("out")) else {
            continue;
        };
        let mut words = template.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        if let Some(function) = words.find_map(super::find) {
            examples.insert(function.name, (template.to_owned(), result.to_owned()));
        }
    }
    examples
}

/// Text for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', "↵")
}

/// Code for a cell; as many back quotes around it as it needs.
fn code(text: &str) -> String {
    if text.is_empty() {
        return "*nothing*".to_owned();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", cell(text))
}
