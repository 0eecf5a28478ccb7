//! Runs a line that [`line`](super::line) has read.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Turn;
use super::line::{self, Command, Refusal};

/// What a shell says for a command that it does not have (POSIX, 2.8.2).
const NOT_FOUND: u8 = 127;

/// `sh -ec LINE` or `sh -c LINE`; `arguments` are those after the name.
pub(super) fn run(arguments: &[OsString]) -> Turn {
    let Some(line) = script(arguments) else {
        return refuse(
            NOT_FOUND,
            "there is no shell in this image; only `sh -ec LINE` with a line of the injector is understood",
        );
    };
    let commands = match line::parse(line, &|name| std::env::var(name).ok()) {
        Ok(commands) => commands,
        Err(Refusal::Unset(name)) => {
            return refuse(
                2,
                &format!(
                    "the variable {name} is not set: the injector sets it, so look at the pod's annotations"
                ),
            );
        }
        Err(Refusal::Beyond(what)) => {
            return refuse(
                NOT_FOUND,
                &format!(
                    "there is no shell in this image: cannot run {what}\nhint: use the image variant with busybox"
                ),
            );
        }
    };
    for command in commands {
        let done = match command {
            Command::Decode { text, file } => decode(&text, &file),
            Command::Touch(files) => files.iter().try_for_each(|file| touch(file)),
            Command::Sleep(seconds) => {
                std::thread::sleep(Duration::from_secs(seconds));
                Ok(())
            }
            Command::Exists(file) if std::path::Path::new(&file).is_file() => Ok(()),
            Command::Exists(file) => Err(format!("test: {file} is not there yet")),
            Command::Vault(arguments) => {
                return Turn::Program(
                    std::iter::once("vault".to_owned())
                        .chain(arguments)
                        .map(OsString::from)
                        .collect(),
                );
            }
        };
        if let Err(message) = done {
            return refuse(1, &message);
        }
    }
    Turn::Exit(ExitCode::SUCCESS)
}

/// The line after `-c`, `-ec`, `-ce` or `-e -c`. Other options would change what the line means.
fn script(arguments: &[OsString]) -> Option<&str> {
    match arguments {
        [flag, line] if flag == "-c" || flag == "-ec" || flag == "-ce" => line.to_str(),
        [exit, flag, line] if exit == "-e" && flag == "-c" => line.to_str(),
        _ => None,
    }
}

/// The whole text is decoded before the file is opened, so a bad one leaves no half-written file.
fn decode(text: &str, file: &str) -> Result<(), String> {
    let bytes = STANDARD
        .decode(text.trim())
        .map_err(|error| format!("base64: VAULT_CONFIG is not base64: {error}"))?;
    File::create(file)
        .and_then(|mut open| open.write_all(&bytes))
        .map_err(|error| format!("{file}: {error}"))
}

/// Creates the file or, as the name says, renews its time.
fn touch(file: &str) -> Result<(), String> {
    let open = OpenOptions::new().create(true).append(true).open(file);
    open.and_then(|open| open.set_modified(SystemTime::now()))
        .map_err(|error| format!("touch: {file}: {error}"))
}

/// Says why on standard error, which is the container's log.
fn refuse(code: u8, message: &str) -> Turn {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "sh: {message}");
    Turn::Exit(ExitCode::from(code))
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        reason = "a failed expectation is what a test is for"
    )]

    use super::*;

    fn sh(flag: &str, line: &str) -> Turn {
        run(&[OsString::from(flag), OsString::from(line)])
    }

    #[test]
    fn writes_the_configuration_and_goes_on_as_vault() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        let line = format!(
            "echo eyJhIjoxfQ== | base64 -d > {0} && vault agent -config={0}",
            file.display()
        );
        let expected = [
            "vault".to_owned(),
            "agent".to_owned(),
            format!("-config={}", file.display()),
        ];
        assert_eq!(
            sh("-ec", &line),
            Turn::Program(expected.into_iter().map(OsString::from).collect())
        );
        assert_eq!(std::fs::read_to_string(file).unwrap(), "{\"a\":1}");
    }

    #[test]
    fn keeps_a_good_file_when_the_new_text_is_no_base64() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        std::fs::write(&file, "good").unwrap();
        let line = format!("echo !!!! | base64 -d > {} && vault agent", file.display());
        assert_eq!(
            sh("-ec", &line.replace('!', "-")),
            Turn::Exit(ExitCode::from(1))
        );
        assert_eq!(std::fs::read_to_string(file).unwrap(), "good");
    }

    #[test]
    fn touches_files_without_losing_what_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        std::fs::write(&old, "kept").unwrap();
        assert_eq!(
            sh("-c", &format!("touch {} {}", old.display(), new.display())),
            Turn::Exit(ExitCode::SUCCESS)
        );
        assert_eq!(std::fs::read_to_string(old).unwrap(), "kept");
        assert_eq!(std::fs::read_to_string(new).unwrap(), "");
    }

    #[test]
    fn names_the_file_that_cannot_be_written_and_stops() {
        assert_eq!(
            sh("-ec", "touch /nowhere/at/all && vault agent"),
            Turn::Exit(ExitCode::from(1))
        );
    }

    #[test]
    fn does_nothing_at_all_of_a_line_whose_end_it_does_not_know() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        assert_eq!(
            sh("-ec", &format!("touch {} && id", file.display())),
            Turn::Exit(ExitCode::from(NOT_FOUND))
        );
        assert!(!file.exists());
    }

    #[test]
    fn refuses_options_that_it_does_not_know_and_scripts() {
        for arguments in [
            vec![],
            vec!["-i"],
            vec!["script.sh"],
            vec!["-xc", "vault"],
            vec!["-c"],
            vec!["-c", "vault", "name"],
        ] {
            let arguments: Vec<OsString> = arguments.into_iter().map(OsString::from).collect();
            assert_eq!(
                run(&arguments),
                Turn::Exit(ExitCode::from(NOT_FOUND)),
                "{arguments:?}"
            );
        }
        assert_eq!(
            run(&["-e".into(), "-c".into(), "vault version".into()]),
            Turn::Program(vec!["vault".into(), "version".into()])
        );
    }
}
