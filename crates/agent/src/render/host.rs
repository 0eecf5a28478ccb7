//! What a template may ask of the world, answered from what is known here.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pannier_agent_config::Environment;
use pannier_template::host::{Interfaces, WriteFile};
use pannier_template::{Answer, Dependency, Host, Text};
use pannier_vault::random;

use super::clock;
use super::file;
use super::key::Key;
use crate::files::{not_started, words};

/// How long a `plugin` may take.
const PLUGIN_LIMIT: Duration = Duration::from_secs(30);

/// The variables templates and commands see: the agent's own, with those of the connection on top.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variables {
    /// The process's own.
    pub(crate) inherited: Environment,
    /// `VAULT_ADDR` and so on.
    pub(crate) connection: Vec<(String, String)>,
}

impl Variables {
    /// The value of a variable. Both spellings of the prefix are understood for what the connection sets.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let vault = name
            .strip_prefix("BAO_")
            .map(|rest| format!("VAULT_{rest}"));
        let own = |name: &str| {
            self.connection
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let get = |name: &str| {
            own(name)
                .or_else(|| self.inherited.get(name))
                .map(str::to_owned)
        };
        get(name).or_else(|| vault.as_deref().and_then(get))
    }
}

/// Answers one pass over one template, and remembers what was asked.
pub(crate) struct TemplateHost<'a> {
    pub(crate) variables: &'a Variables,
    pub(crate) values: &'a BTreeMap<Key, Answer>,
    pub(crate) destination: &'a str,
    pub(crate) sandbox: Option<&'a str>,
    /// Whether `plugin` and `writeToFile` may do something.
    pub(crate) side_effects: bool,
    pub(crate) asked: RefCell<BTreeMap<Key, Dependency>>,
}

impl Host for TemplateHost<'_> {
    fn lookup(&self, dependency: &Dependency) -> Option<Answer> {
        if let (Dependency::File { path }, Some(sandbox)) = (dependency, self.sandbox)
            && let Err(text) = within(path, sandbox)
        {
            return Some(Answer::Failed(text));
        }
        let key = Key::of(dependency, self.destination);
        let value = self.values.get(&key).cloned();
        self.asked
            .borrow_mut()
            .entry(key)
            .or_insert_with(|| dependency.clone());
        value
    }

    fn env(&self, name: &str) -> Option<String> {
        self.variables.get(name)
    }

    fn process_env(&self, name: &str) -> Option<String> {
        self.variables.inherited.get(name).map(str::to_owned)
    }

    fn now(&self) -> (i64, u32) {
        clock::unix_now()
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), String> {
        random::fill(bytes);
        Ok(())
    }

    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        crate::resolve(name)
    }

    fn interfaces(&self) -> Result<Interfaces, String> {
        crate::interfaces()
    }

    fn plugin(&self, name: &str, arguments: &[String]) -> Result<Text, String> {
        if !self.side_effects {
            return Err(format!("exec {name:?}: programs are not run here"));
        }
        plugin(name, arguments)
    }

    fn write_file(&self, wanted: &WriteFile) -> Result<(), String> {
        if !self.side_effects {
            return Ok(());
        }
        write_file(wanted)
    }

    fn debug_output(&self, text: &[u8]) {
        // Print debugging goes to the standard output, as the template's author asked for.
        let _ = std::io::stdout().write_all(text);
    }
}

/// Makes sure that the path, links followed, lies in the sandbox. A relative one cannot be told from an absolute
/// sandbox, nor the other way round, as in the reference.
fn within(path: &str, sandbox: &str) -> Result<(), String> {
    if Path::new(path).is_absolute() != Path::new(sandbox).is_absolute() {
        return Err(format!("Rel: can't make {path} relative to {sandbox}"));
    }
    let real = |path: &str| fs::canonicalize(path).unwrap_or_else(|_| normal(Path::new(path)));
    match real(path).starts_with(real(sandbox)) {
        true => Ok(()),
        false => Err(format!("'{path}' is outside of sandbox")),
    }
}

/// The path without `.` and `..`, by its text.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

fn plugin(name: &str, arguments: &[String]) -> Result<Text, String> {
    // What it has said is shown; a program that never began has said nothing.
    let failed = |error: &std::io::Error| {
        let why = not_started(name, error);
        format!("exec {name:?}: {why}\n\nstdout:\n\n\n\nstderr:\n\n")
    };
    let mut child = Command::new(name)
        .args(
            arguments
                .iter()
                .filter(|argument| !argument.trim().is_empty()),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    // Readers of their own keep a talkative program from blocking on a full pipe.
    let reader = |stream: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut stream) = stream {
                let _ = stream.read_to_end(&mut bytes);
            }
            bytes
        })
    };
    let out = reader(child.stdout.take().map(|stream| Box::new(stream) as _));
    let err = reader(child.stderr.take().map(|stream| Box::new(stream) as _));
    let began = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if began.elapsed() > PLUGIN_LIMIT => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("exec {name:?}: did not finish in 30s"));
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => return Err(failed(&error)),
        }
    };
    let (out, err) = (
        out.join().unwrap_or_default(),
        err.join().unwrap_or_default(),
    );
    if !status.success() {
        let code = status
            .code()
            .map_or_else(|| status.to_string(), |code| format!("exit status {code}"));
        return Err(format!(
            "exec {name:?}: {code}\n\nstdout:\n\n{}\n\nstderr:\n\n{}",
            String::from_utf8_lossy(&out),
            String::from_utf8_lossy(&err)
        ));
    }
    Ok(Text::from(out.trim_ascii()))
}

fn write_file(wanted: &WriteFile) -> Result<(), String> {
    let path = Path::new(&wanted.path);
    let shown = path.display();
    let linked =
        |path: &Path| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    if linked(path) || path.parent().is_some_and(linked) {
        return Err(format!("{shown} is a symlink or lies below one"));
    }
    let failed = |error: std::io::Error| format!("open {shown}: {}", words(&error));
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)
            .map_err(|error| format!("mkdir {}: {}", parent.display(), words(&error)))?;
    }
    let mut options = fs::OpenOptions::new();
    options.create(true).mode(wanted.mode);
    if wanted.append {
        options.append(true)
    } else {
        options.write(true).truncate(true)
    };
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(wanted.content.as_bytes()).map_err(failed)?;
    let (uid, gid) = file::ids(&wanted.user, &wanted.group)?;
    if uid.is_some() || gid.is_some() {
        chown(path, uid, gid).map_err(|error| format!("chown {shown}: {}", words(&error)))?;
    }
    file.set_permissions(fs::Permissions::from_mode(wanted.mode))
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_connections_variables_come_first_under_both_prefixes() {
        let environment = Variables {
            inherited: Environment::new([("VAULT_ADDR", "old"), ("A", "1")]),
            connection: vec![("VAULT_ADDR".to_owned(), "new".to_owned())],
        };
        assert_eq!(environment.get("VAULT_ADDR").unwrap(), "new");
        assert_eq!(environment.get("BAO_ADDR").unwrap(), "new");
        assert_eq!(environment.get("A").unwrap(), "1");
        assert_eq!(environment.get("B"), None);
    }

    #[test]
    fn a_sandbox_is_not_left_by_dots_or_links() {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = folder.path().join("box");
        fs::create_dir(&sandbox).unwrap();
        fs::write(sandbox.join("in"), "").unwrap();
        fs::write(folder.path().join("out"), "").unwrap();
        std::os::unix::fs::symlink(folder.path().join("out"), sandbox.join("link")).unwrap();
        let inside = |name: &str| {
            within(
                sandbox.join(name).to_str().unwrap(),
                sandbox.to_str().unwrap(),
            )
            .is_ok()
        };
        assert!(inside("in") && inside("missing"));
        assert!(!inside("../out") && !inside("link") && !inside("../boxed"));
    }

    #[test]
    fn a_sandbox_and_a_file_are_both_absolute_or_both_relative() {
        for (path, sandbox, text) in [
            ("src/lib.rs", "src", Ok(())),
            (
                "src/../Cargo.toml",
                "src",
                Err("'src/../Cargo.toml' is outside of sandbox"),
            ),
            (
                "src/lib.rs",
                "/",
                Err("Rel: can't make src/lib.rs relative to /"),
            ),
            (
                "/etc/passwd",
                "src",
                Err("Rel: can't make /etc/passwd relative to src"),
            ),
        ] {
            assert_eq!(within(path, sandbox), text.map_err(str::to_owned));
        }
    }

    #[test]
    fn a_plugin_gives_its_trimmed_output_or_what_went_wrong() {
        let run = |name: &str, arguments: &[&str]| {
            let arguments: Vec<_> = arguments
                .iter()
                .map(|argument| (*argument).to_owned())
                .collect();
            plugin(name, &arguments)
        };
        assert_eq!(run("echo", &[" ", "hi", ""]).unwrap().as_bytes(), b"hi");
        let error = run("sh", &["-c", "echo out; echo err >&2; exit 3"]).unwrap_err();
        assert!(
            error.starts_with("exec \"sh\": exit status 3")
                && error.contains("out\n")
                && error.contains("err\n")
        );
        assert!(
            run("no-such-plugin", &[])
                .unwrap_err()
                .starts_with("exec \"no-such-plugin\": exec: \"no-such-plugin\": executable file not found in $PATH\n\nstdout:")
        );
        assert!(
            run("/no/such", &[])
                .unwrap_err()
                .starts_with("exec \"/no/such\": fork/exec /no/such: no such file or directory\n")
        );
    }

    #[test]
    fn files_written_by_templates_do_not_follow_links() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = |name: &str, append| WriteFile {
            path: folder.path().join(name).to_str().unwrap().to_owned(),
            user: String::new(),
            group: String::new(),
            mode: 0o600,
            append,
            content: Text::from("x"),
        };
        for append in [false, true] {
            write_file(&wanted("a/b", append)).unwrap();
        }
        let path = folder.path().join("a/b");
        assert_eq!(fs::read(&path).unwrap(), b"xx");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::os::unix::fs::symlink(&path, folder.path().join("l")).unwrap();
        assert!(write_file(&wanted("l", false)).is_err());
    }
}
