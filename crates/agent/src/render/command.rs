//! The commands that run after files have changed.

use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use pannier_agent_config::Command as Spec;

use crate::files::{not_started, words};

const LOG: &str = "agent";

/// Runs a command and waits as long as it may take.
///
/// The children get the agent's own streams and environment, plus `env`.
pub(crate) async fn run(spec: &Spec, env: &[(String, String)]) -> Result<(), String> {
    let Some((program, arguments)) = spec.words.split_first() else {
        return Ok(());
    };
    // One word with white space in it is a line for the shell.
    let shell = arguments.is_empty() && program.contains(char::is_whitespace);
    let mut command = if shell {
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", program]).process_group(0);
        command
    } else {
        let mut command = tokio::process::Command::new(program);
        command.args(arguments);
        command
    };
    command.envs(env.iter().map(|(name, value)| (name, value)));
    let line = match shell {
        true => format!("sh -c {program}"),
        false => spec.words.join(" "),
    };
    tracing::info!(target: LOG, "(child) spawning: {line}");
    let mut child = command
        .spawn()
        .map_err(|error| not_started(program, &error))?;
    if spec.timeout.is_zero() {
        return Ok(());
    }
    let Ok(status) = tokio::time::timeout(spec.timeout, child.wait()).await else {
        if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
            let pid = Pid::from_raw(id);
            let _ = if shell {
                killpg(pid, Signal::SIGKILL)
            } else {
                kill(pid, Signal::SIGKILL)
            };
        }
        let _ = child.wait().await;
        return Err(format!(
            "command did not exit within time limit (\"{}\"): {line}",
            shown(spec.timeout)
        ));
    };
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!(
            "command exited with a non-zero exit status: {line}: {status}"
        )),
        Err(error) => Err(format!(
            "command could not be waited for: {line}: {}",
            words(&error)
        )),
    }
}

fn shown(time: Duration) -> pannier_go::Duration {
    pannier_go::Duration::from_nanos(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn spec(words: &[&str], timeout: Duration) -> Spec {
        Spec {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            timeout,
            enabled: true,
        }
    }

    const LONG: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_line_runs_in_a_shell_and_a_list_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let env = [("VAULT_ADDR".to_owned(), "http://v".to_owned())];
        let line = format!("echo \"$VAULT_ADDR\" > {}", out.display());
        run(&spec(&[&line], LONG), &env).await.unwrap();
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "http://v\n");
        let target = folder.path().join("a b");
        run(
            &spec(
                &["cp", out.to_str().unwrap(), target.to_str().unwrap()],
                LONG,
            ),
            &[],
        )
        .await
        .unwrap();
        assert!(target.exists());
    }

    #[tokio::test]
    async fn failures_are_told_apart() {
        let error = run(&spec(&["false"], LONG), &[]).await.unwrap_err();
        assert!(
            error.starts_with("command exited with a non-zero exit status:"),
            "{error}"
        );
        let error = run(&spec(&["no-such-program-here"], LONG), &[])
            .await
            .unwrap_err();
        assert_eq!(
            error,
            "exec: \"no-such-program-here\": executable file not found in $PATH"
        );
        let error = run(&spec(&["/nonexistent/program", "x"], LONG), &[]).await;
        let text = "fork/exec /nonexistent/program: no such file or directory";
        assert_eq!(error, Err(text.to_owned()));
        let error = run(&spec(&["sleep 30; true"], Duration::from_millis(100)), &[])
            .await
            .unwrap_err();
        assert!(
            error.starts_with("command did not exit within time limit (\"100ms\"):"),
            "{error}"
        );
        run(&spec(&["sleep", "0.01"], Duration::ZERO), &[])
            .await
            .unwrap();
    }
}
