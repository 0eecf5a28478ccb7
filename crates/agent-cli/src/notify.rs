//! Tells systemd how far we are, if it asked to be told (`NOTIFY_SOCKET`).

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use pannier_agent_config::Environment;

/// Sends a state such as `READY=1`.
pub(crate) fn tell(environment: &Environment, state: &str) {
    let Some(path) = environment.set("NOTIFY_SOCKET") else {
        tracing::debug!(target: "agent", "would have sent systemd notification (systemd not present): notification={state}");
        return;
    };
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(path),
    };
    let sent = address
        .and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
    if let Err(error) = sent {
        tracing::error!(target: "agent", error = error.to_string(), "error sending systemd notification");
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_state_arrives_at_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        tell(
            &Environment::new([("NOTIFY_SOCKET", path.to_str().unwrap())]),
            "READY=1",
        );
        let mut buffer = [0; 32];
        let length = socket.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1");
    }
}
