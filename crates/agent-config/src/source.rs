use std::path::Path;
use std::{fs, io};

use crate::config::Fragment;
use crate::stanza::Reading;
use crate::{Config, Problem, Stage, ast, check, hcl, json};

/// One configuration file: its name, for messages, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as the user gave it, or below the directory that the user gave.
    pub name: String,
    /// The text, HCL or JSON.
    pub text: String,
}

/// Reads, merges and checks a configuration. Pure: [`read_paths`] fetches the sources.
///
/// # Errors
///
/// Everything that is wrong, in order: what is wrong with each source, then what is wrong with the whole.
pub fn load(sources: &[Source]) -> Result<Config, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut of_blocks = Vec::new();
    let mut unreadable = false;
    let mut whole: Option<Fragment> = None;
    for source in sources {
        let mut reading = Reading::new(&source.name, source.text.trim_start().starts_with('{'));
        match parse(&source.text) {
            Ok(object) => {
                let fragment = Fragment::read(&object, &mut reading);
                match &mut whole {
                    None => whole = Some(fragment),
                    Some(whole) => whole.merge(fragment),
                }
            }
            Err(ast::SyntaxError { at, text }) => {
                unreadable = true;
                reading.problem(at, format!("At {}:{}: {text}", at.line, at.column));
            }
        }
        reading.problems.sort_by(|a, b| a.at.cmp(&b.at));
        problems.append(&mut reading.problems);
        of_blocks.append(&mut reading.later);
    }
    let mut config = whole.map(|whole| whole.config).unwrap_or_default();
    // What an unreadable file would have said is not to be missed in the whole.
    if !unreadable {
        problems.extend(check::check(&mut config, of_blocks));
    }
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(problems)
    }
}

/// A source whose first character that is no blank is `{` is JSON.
fn parse(text: &str) -> Result<ast::Object, ast::SyntaxError> {
    if text.trim_start().starts_with('{') {
        json::parse(text)
    } else {
        hcl::parse(text)
    }
}

/// Fetches the files that the paths name, in order. A directory stands for the files directly in it that end in
/// `.hcl` or `.json`, sorted by name, without those that editors leave behind (`x~`, `.#x`, `#x#`).
///
/// # Errors
///
/// One problem for each path or file that cannot be read.
pub fn read_paths(paths: &[String]) -> Result<Vec<Source>, Vec<Problem>> {
    let (mut sources, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match files_of(path) {
            Ok(files) => {
                for name in files {
                    match read(&name) {
                        Ok(text) => sources.push(Source { name, text }),
                        Err(text) => problems.push(unreadable(path, text)),
                    }
                }
            }
            Err(text) => problems.push(unreadable(path, text)),
        }
    }
    if problems.is_empty() {
        Ok(sources)
    } else {
        Err(problems)
    }
}

fn unreadable(path: &str, text: String) -> Problem {
    Problem {
        stage: Stage::Loading(path.to_owned()),
        text,
        at: None,
        hint: None,
    }
}

fn files_of(path: &str) -> Result<Vec<String>, String> {
    let failed = |error: io::Error| format!("stat {path}: {}", reason(&error));
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if !counts(&name) {
            continue;
        }
        let file = Path::new(path).join(name).to_string_lossy().into_owned();
        let about = |error: io::Error| {
            let why = reason(&error);
            format!("error loading \"{file}\": stat {file}: {why}")
        };
        if !fs::metadata(&file).map_err(about)?.is_dir() {
            names.push(file);
        }
    }
    names.sort();
    Ok(names)
}

fn counts(name: &str) -> bool {
    let left_by_an_editor = name.ends_with('~')
        || name.starts_with(".#")
        || (name.starts_with('#') && name.ends_with('#'));
    (name.ends_with(".hcl") || name.ends_with(".json")) && !left_by_an_editor
}

fn read(name: &str) -> Result<String, String> {
    let bytes = fs::read(name).map_err(|error| format!("open {name}: {}", reason(&error)))?;
    String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        format!("illegal UTF-8 encoding ({name}:{line})")
    })
}

/// The system's reason in Go's words.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
