//! The process supervisor: runs a program with secrets in its environment, and anew when they change.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal as Number, kill, killpg};
use nix::unistd::Pid;
use pannier_agent_config::{Exec as Spec, Restart};
use pannier_redacted::Redacted;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use crate::files::words;
use crate::render::runner::Progress;

const LOG: &str = "agent.exec.server";

/// How long values must stay the same before the program is started or restarted.
const SETTLE: Duration = Duration::from_secs(2);

/// How long the program may take to end after its stop signal.
const PATIENCE: Duration = Duration::from_secs(30);

/// Exit code when the program was killed by a signal.
const KILLED: u8 = 255;

/// Values of the environment variables, by name.
type Values = Arc<BTreeMap<String, Redacted>>;

/// The program's end, which is the agent's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Ended {
    /// The agent's exit code.
    pub(crate) code: u8,
    text: String,
}

/// A supervised program.
pub(crate) struct Supervisor {
    spec: Spec,
    /// A line for the shell has a process group of its own.
    shell: bool,
    child: Option<Child>,
}

impl Supervisor {
    pub(crate) fn new(spec: Spec) -> Self {
        let shell = matches!(&spec.command[..], [line] if line.contains(char::is_whitespace));
        Self {
            spec,
            shell,
            child: None,
        }
    }

    /// Runs until the program ends by itself or cannot be started. Stop it with [`Self::stop`] when this is dropped.
    pub(crate) async fn run(&mut self, mut progress: watch::Receiver<Progress>) -> Ended {
        let mut latest: Option<Values> = None;
        let mut due: Option<Instant> = None;
        loop {
            tokio::select! {
                changed = progress.changed() => {
                    if changed.is_err() {
                        return std::future::pending().await;
                    }
                    let values = progress.borrow_and_update().variables.clone();
                    if values.is_some() && values != latest {
                        latest = values;
                        due = Some(Instant::now() + SETTLE);
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    due = None;
                    if let Some(values) = &latest
                        && let Err(ended) = self.bring_up(values).await
                    {
                        return ended;
                    }
                }
                status = wait(&mut self.child), if self.child.is_some() => {
                    self.child = None;
                    return ended(status);
                }
            }
        }
    }

    /// Starts the program, or restarts it where that is wanted.
    async fn bring_up(&mut self, values: &Values) -> Result<(), Ended> {
        if let Some(child) = &self.child {
            let process_id = child.id().unwrap_or_default();
            if self.spec.restart_on_secret_changes == Restart::Never {
                tracing::info!(target: LOG, process_id, "detected update, but not restarting process");
                return Ok(());
            }
            tracing::info!(target: LOG, process_id, "stopping process");
            self.stop().await;
        }
        let failed = |text: String| Ended { code: 1, text };
        let child = self.command(values).and_then(|mut command| {
            tracing::info!(target: LOG, "[INFO] (child) spawning: {}", self.line());
            command.spawn().map_err(|error| {
                let program = &self.spec.command[0];
                match error.kind() {
                    std::io::ErrorKind::NotFound => {
                        format!("exec: {program:?}: executable file not found in $PATH")
                    }
                    _ => format!("exec: {program:?}: {}", words(&error)),
                }
            })
        });
        self.child =
            Some(child.map_err(|error| failed(format!("error starting process: {error}")))?);
        Ok(())
    }

    /// The command as it is run.
    fn line(&self) -> String {
        let words = self.spec.command.join(" ");
        if self.shell {
            format!("sh -c {words}")
        } else {
            words
        }
    }

    fn command(&self, values: &Values) -> Result<Command, String> {
        let (program, arguments) = self
            .spec
            .command
            .split_first()
            .ok_or("`exec.command` is empty")?;
        let mut command = if self.shell {
            let mut command = Command::new("sh");
            command.args(["-c", program]).process_group(0);
            command
        } else {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        };
        command.envs(values.iter().map(|(name, value)| (name, bytes(value))));
        for (path, is_out) in [
            (&self.spec.child_process_stdout, true),
            (&self.spec.child_process_stderr, false),
        ] {
            let Some(path) = path.as_deref().filter(|path| !path.is_empty()) else {
                continue;
            };
            let file = OpenOptions::new().append(true).create(true).open(path);
            let file =
                Stdio::from(file.map_err(|error| format!("open {path}: {}", words(&error)))?);
            if is_out {
                command.stdout(file)
            } else {
                command.stderr(file)
            };
        }
        Ok(command)
    }

    /// Sends the stop signal, waits, and kills what is left.
    pub(crate) async fn stop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        tracing::info!(target: LOG, "[INFO] (child) stopping process");
        let number = Number::try_from(self.spec.restart_stop_signal.number()).ok();
        self.signal(&child, number);
        if timeout(PATIENCE, child.wait()).await.is_err() {
            self.signal(&child, Some(Number::SIGKILL));
            let _ = child.wait().await;
        }
    }

    fn signal(&self, child: &Child, signal: Option<Number>) {
        if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
            let pid = Pid::from_raw(id);
            let _ = if self.shell {
                killpg(pid, signal)
            } else {
                kill(pid, signal)
            };
        }
    }
}

fn bytes(value: &Redacted) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(value.expose_bytes())
}

async fn wait(child: &mut Option<Child>) -> std::io::Result<ExitStatus> {
    match child {
        Some(child) => child.wait().await,
        None => std::future::pending().await,
    }
}

/// What the program's end means for the agent.
fn ended(status: std::io::Result<ExitStatus>) -> Ended {
    let shown = status.ok().and_then(|status| status.code()).unwrap_or(-1);
    let code = u8::try_from(shown).unwrap_or(KILLED);
    Ended {
        code,
        text: format!("process exited with {shown}"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use pannier_agent_config::{Position, Signal};

    fn spec(command: &[&str], restart: Restart) -> Spec {
        Spec {
            at: Position {
                source: "test".into(),
                line: 1,
                column: 1,
            },
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            restart_on_secret_changes: restart,
            restart_stop_signal: Signal::TERM,
            child_process_stdout: None,
            child_process_stderr: None,
        }
    }

    fn progress(value: &str) -> Progress {
        let values = BTreeMap::from([("NAME".to_owned(), Redacted::from(value))]);
        Progress {
            complete: true,
            variables: Some(Arc::new(values)),
            ..Progress::default()
        }
    }

    #[tokio::test]
    async fn the_programs_code_is_the_agents() {
        for (line, code) in [
            ("exit 7", 7),
            ("test \"$NAME\" = x", 0),
            ("kill -9 $$", 255),
        ] {
            let (sender, receiver) = watch::channel(Progress::default());
            let mut supervisor = Supervisor::new(spec(&["sh", "-c", line], Restart::Always));
            sender.send_replace(progress("x"));
            assert_eq!(supervisor.run(receiver).await.code, code, "{line}");
        }
        let (sender, receiver) = watch::channel(Progress::default());
        let mut supervisor = Supervisor::new(spec(&["no-such-program"], Restart::Always));
        sender.send_replace(progress("x"));
        let ended = supervisor.run(receiver).await;
        assert_eq!(ended.code, 1);
        assert!(
            ended.to_string().contains("executable file not found"),
            "{ended}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_stop_in_time_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let up = folder.path().join("up");
        let line = format!(
            "trap '' TERM; touch {}; while :; do sleep 1; done",
            up.display()
        );
        let (sender, receiver) = watch::channel(Progress::default());
        let mut supervisor = Supervisor::new(spec(&[&line], Restart::Always));
        sender.send_replace(progress("one"));
        let started = async {
            while !up.exists() {
                // Time jumps to here, the shell takes its own.
                tokio::time::sleep(Duration::from_millis(100)).await;
                std::thread::sleep(Duration::from_millis(2));
            }
        };
        tokio::select! {
            ended = supervisor.run(receiver) => panic!("{ended}"),
            () = started => {}
        }
        let pid = supervisor.child.as_ref().and_then(Child::id).unwrap();
        let began = Instant::now();
        supervisor.stop().await;
        assert!(began.elapsed() >= PATIENCE, "{:?}", began.elapsed());
        let gone = kill(Pid::from_raw(i32::try_from(pid).unwrap()), None);
        assert_eq!(gone, Err(nix::errno::Errno::ESRCH));
    }

    #[tokio::test]
    async fn a_change_restarts_the_program_unless_told_not_to() {
        for (restart, expected) in [(Restart::Always, "one\ntwo\n"), (Restart::Never, "one\n")] {
            let folder = tempfile::tempdir().unwrap();
            let log = folder.path().join("log");
            let line = format!("echo $NAME >> {}; exec sleep 60", log.display());
            let (sender, receiver) = watch::channel(Progress::default());
            let mut supervisor = Supervisor::new(spec(&[&line], restart));
            sender.send_replace(progress("one"));
            let change = async {
                tokio::time::sleep(SETTLE + Duration::from_millis(700)).await;
                sender.send_replace(progress("two"));
                tokio::time::sleep(SETTLE + Duration::from_millis(700)).await;
            };
            tokio::select! {
                ended = supervisor.run(receiver) => panic!("{ended}"),
                () = change => {}
            }
            supervisor.stop().await;
            assert_eq!(std::fs::read_to_string(&log).unwrap(), expected);
        }
    }
}
