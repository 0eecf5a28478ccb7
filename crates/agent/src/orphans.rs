//! The duty of process 1: wait for processes whose parents are gone, or they stay as zombies.
//!
//! Children that somebody here waits for must be left to them, and only they know which ones these are. They wait at once,
//! though, so what has been dead for a second is nobody's.

use std::time::Duration;

use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, getpid};
use tokio::signal::unix::{SignalKind, signal};

/// How long the dead are left to their parents.
const RESPITE: Duration = Duration::from_secs(1);

/// Reaps for ever, in process 1; elsewhere there is nothing to do.
pub(crate) async fn reap() {
    if getpid() == Pid::from_raw(1)
        && let Ok(mut deaths) = signal(SignalKind::child())
    {
        while deaths.recv().await.is_some() {
            sweep().await;
        }
    }
    std::future::pending().await
}

/// Waits for the dead until only the living are left.
async fn sweep() {
    let mut before = None;
    while let Some(pid) = dead() {
        if before == Some(pid) {
            let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
            before = None;
        } else {
            before = Some(pid);
            tokio::time::sleep(RESPITE).await;
        }
    }
}

/// A child that ended and was not waited for, without waiting for it.
fn dead() -> Option<Pid> {
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    match waitid(Id::All, look) {
        Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..)) => Some(pid),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[tokio::test]
    async fn the_forgotten_are_reaped_and_the_awaited_keep_their_status() {
        #[expect(clippy::zombie_processes, reason = "that is what the test is about")]
        let forgotten = std::process::Command::new("true").spawn().unwrap();
        let awaited = tokio::process::Command::new("sh")
            .args(["-c", "sleep 0.5; exit 7"])
            .status();
        let (status, ()) = tokio::join!(awaited, async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            sweep().await;
        });
        assert_eq!(status.unwrap().code(), Some(7));
        let pid = Pid::from_raw(i32::try_from(forgotten.id()).unwrap());
        assert_eq!(waitpid(pid, None), Err(nix::errno::Errno::ECHILD));
    }
}
