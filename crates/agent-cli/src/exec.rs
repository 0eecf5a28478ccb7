//! `exec -env-file FILE -- COMMAND`: becomes the program, with variables read from a rendered file.
//!
//! For images that want their secrets in the environment while the agent runs beside them and writes files. There is no
//! parent left behind: signals, exit code and process number are the program's own.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use pannier_redacted::Redacted;

/// As of `env`: the program was not found, could not be run, or the call itself was wrong.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;
const USAGE: u8 = 125;

/// Runs the command line after `exec`; returns only on failure.
pub(crate) fn run(arguments: &[&str]) -> ExitCode {
    let failed = |code: u8, text: &str| {
        eprintln!("exec: {text}");
        ExitCode::from(code)
    };
    let (files, command) = match parse(arguments) {
        Ok(parsed) => parsed,
        Err(error) => return failed(USAGE, &error),
    };
    let mut program = Command::new(command[0]);
    program.args(&command[1..]);
    for file in files {
        let text = match std::fs::read(file) {
            Ok(text) => Redacted::from(text),
            Err(error) => return failed(USAGE, &format!("`{file}`: {error}")),
        };
        match variables(text.expose_bytes()) {
            Ok(found) => program.envs(found.iter().map(|(name, value)| (name, value.expose()))),
            Err((line, cause)) => return failed(USAGE, &format!("`{file}` line {line}: {cause}")),
        };
    }
    let error = program.exec();
    let code = if error.kind() == std::io::ErrorKind::NotFound {
        NOT_FOUND
    } else {
        NOT_RUN
    };
    failed(code, &format!("`{}`: {error}", command[0]))
}

type Line<'a> = (Vec<&'a str>, &'a [&'a str]);

fn parse<'a>(arguments: &'a [&'a str]) -> Result<Line<'a>, String> {
    let hint = "expected `exec -env-file FILE -- COMMAND`";
    let mut files = Vec::new();
    let mut rest = arguments;
    loop {
        rest = match rest {
            ["--", command @ ..] if !command.is_empty() => return Ok((files, command)),
            [flag, file, rest @ ..] if matches!(*flag, "-env-file" | "--env-file") => {
                files.push(*file);
                rest
            }
            [word, rest @ ..] => match word.trim_start_matches('-').split_once('=') {
                Some(("env-file", file)) if word.starts_with('-') => {
                    files.push(file);
                    rest
                }
                _ => return Err(format!("unexpected `{word}`: {hint}")),
            },
            [] => return Err(format!("no command: {hint}")),
        };
    }
}

/// Name and value of each line. An error names the line and never shows it.
fn variables(text: &[u8]) -> Result<Vec<(String, Redacted)>, (usize, &'static str)> {
    let text = std::str::from_utf8(text).map_err(|_| (1, "the file is not UTF-8"))?;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.contains('\0') {
            return Err((
                number + 1,
                "a zero byte, which no variable can hold: the file is no text",
            ));
        }
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |cause| (number + 1, cause);
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let (name, value) = line.split_once('=').ok_or(wrong("expected `NAME=value`"))?;
        let named = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if name.is_empty() || !named || name.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(wrong(
                "expected a name of letters, digits and `_` before `=`",
            ));
        }
        let value =
            unquote(value).ok_or(wrong("the quote is not closed, or something follows it"))?;
        found.push((name.to_owned(), value));
    }
    Ok(found)
}

/// `'literal'`, `"with \" and \n"`, or the rest of the line as it is.
fn unquote(value: &str) -> Option<Redacted> {
    if let Some(rest) = value.strip_prefix('\'') {
        let (inner, after) = rest.split_once('\'')?;
        return after.trim().is_empty().then(|| inner.into());
    }
    let Some(rest) = value.strip_prefix('"') else {
        return Some(value.into());
    };
    let mut text = zeroize::Zeroizing::new(String::with_capacity(rest.len()));
    let mut letters = rest.chars();
    loop {
        match letters.next()? {
            '"' => {
                return letters
                    .as_str()
                    .trim()
                    .is_empty()
                    .then(|| text.as_str().into());
            }
            '\\' => match letters.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn lines_become_variables() {
        let text = b"# comment\n\nA=plain text # kept\nexport B='it''\nC=\"two\\nlines \\\"q\\\"\"\nD=\n  E=a=b\n";
        assert_eq!(variables(text).unwrap_err().0, 4);
        let text = b"# comment\n\nA=plain text # kept\nexport B='$x'\nC=\"two\\nlines \\\"q\\\"\"\nD=\n  E=a=b\n";
        let found = variables(text).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose()))
            .collect();
        assert_eq!(
            shown,
            [
                ("A", "plain text # kept"),
                ("B", "$x"),
                ("C", "two\nlines \"q\""),
                ("D", ""),
                ("E", "a=b")
            ]
        );
    }

    #[test]
    fn a_mistake_is_named_by_line_and_not_shown() {
        assert_eq!(
            variables(b"A=1\nsecret\n").unwrap_err(),
            (2, "expected `NAME=value`")
        );
        assert_eq!(variables(b"1A=secret").unwrap_err().0, 1);
        assert_eq!(variables(b"A=\"secret").unwrap_err().0, 1);
    }

    #[test]
    fn the_command_follows_two_dashes() {
        let parsed = parse(&["-env-file", "a", "--env-file=b", "--", "cmd", "-x"]).unwrap();
        assert_eq!(parsed, (vec!["a", "b"], ["cmd", "-x"].as_slice()));
        assert!(
            parse(&["-env-file", "a"])
                .unwrap_err()
                .starts_with("no command:")
        );
        assert!(
            parse(&["-env-file", "a", "cmd"])
                .unwrap_err()
                .starts_with("unexpected `cmd`:")
        );
    }
}
