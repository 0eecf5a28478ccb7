//! Keeps Go's answers as data.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::random::Random;
use crate::{Request, ask_go, bytes, methods, requests, shows_heap_address};

/// How many random cases are kept beside the written ones.
const RANDOM_CASES: usize = 800;

/// One of `oracle/cases/engine.json`; `data` names a data set of `tests/data/go-templates.json`.
#[derive(Deserialize)]
struct Written {
    category: String,
    template: String,
    data: String,
    #[serde(default)]
    l: String,
    #[serde(default)]
    r: String,
    #[serde(default)]
    mk: String,
    #[serde(default)]
    mode: String,
}

/// Asks Go and writes `tests/data/go-recorded.json`.
pub(crate) fn record(random: &mut Random) -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read =
        |path: &str| std::fs::read(root.join(path)).map_err(|error| format!("{path}: {error}"));
    let known: Value = serde_json::from_slice(&read("tests/data/go-templates.json")?)?;
    let written: Vec<Written> = serde_json::from_slice(&read("oracle/cases/engine.json")?)?;
    let mut data: Map<String, Value> = known["data"].as_object().ok_or("no data sets")?.clone();
    let mut labels = Vec::new();
    let mut all = Vec::new();
    for case in written {
        labels.push((case.category, case.data.clone()));
        all.push(Request {
            t: BASE64_STANDARD.encode(&case.template),
            d: data
                .get(&case.data)
                .ok_or_else(|| format!("no data set `{}`", case.data))?
                .clone(),
            l: case.l,
            r: case.r,
            mk: case.mk,
            mode: case.mode,
            template: case.template.into_bytes(),
        });
    }
    data.insert("empty".to_owned(), json!({}));
    for template in methods()? {
        labels.push(("method".to_owned(), "empty".to_owned()));
        all.push(Request {
            t: BASE64_STANDARD.encode(&template),
            d: json!({}),
            l: String::new(),
            r: String::new(),
            mk: String::new(),
            mode: "float".to_owned(),
            template: template.into_bytes(),
        });
    }
    for (i, request) in requests(random, RANDOM_CASES)?.0.into_iter().enumerate() {
        let name = format!("random-{i}");
        data.insert(name.clone(), request.d.clone());
        labels.push(("random".to_owned(), name));
        all.push(request);
    }
    let answers = ask_go(&all)?;
    let address = answers.function.trim_start_matches("0x");
    let mut cases = Vec::new();
    for (i, ((request, answer), (category, set))) in
        all.iter().zip(&answers.answers).zip(&labels).enumerate()
    {
        let (out, error) = (bytes(answer.out.as_deref())?, bytes(answer.err.as_deref())?);
        let printable = String::from_utf8(request.template.clone())
            .and_then(|t| String::from_utf8(out.clone()).map(|o| (t, o)));
        let error = String::from_utf8_lossy(&error).into_owned();
        // Addresses differ from build to build, and the file is text.
        let Ok((template, output)) = printable else {
            continue;
        };
        if shows_heap_address(output.as_bytes())
            || output.contains(address)
            || error.contains(address)
        {
            continue;
        }
        cases.push(json!({
            "id": format!("{category}-{i}"), "category": category, "template": template, "data": set, "l": request.l, "r": request.r,
            "mk": request.mk, "mode": request.mode, "output": output, "error": error, "phase": answer.phase,
        }));
    }
    let mut text = String::from("{\"data\":{\n");
    let sets: Vec<String> = data
        .iter()
        .map(|(name, set)| format!("{}: {set}", json!(name)))
        .collect();
    text.push_str(&sets.join(",\n"));
    text.push_str("\n},\"cases\":[\n");
    let lines: Vec<String> = cases.iter().map(Value::to_string).collect();
    text.push_str(&lines.join(",\n"));
    text.push_str("\n]}\n");
    std::fs::write(root.join("tests/data/go-recorded.json"), text)?;
    Ok(())
}
