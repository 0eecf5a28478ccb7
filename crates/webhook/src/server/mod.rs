//! Accepting connections, within bounds, until told to stop.

mod connection;
mod listen;

pub use listen::ListenError;
pub(crate) use listen::bind;

use crate::http::App;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Bounds of connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections open at one time; more wait to be accepted.
    pub connections: usize,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the header of a request, from its first byte.
    pub header: Duration,
    /// How long a connection may exist without a request in progress before it is asked to end. Longer than the 90 s
    /// after which API servers close it themselves: whoever closes races with a request, and they know of theirs.
    pub idle: Duration,
    /// From the request to end to its end by force.
    pub farewell: Duration,
    /// For requests in progress when the process ends.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(10),
            idle: Duration::from_secs(180),
            farewell: Duration::from_secs(5),
            drain: Duration::from_secs(20),
        }
    }
}

/// Serves until `stop` becomes true; then accepts nothing more, lets requests in progress finish and returns.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: TlsAcceptor,
    app: Arc<App>,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        // One that ended leaves its result behind; a panic in one concerns nobody else.
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = accept(&listener, &room) => accepted,
        };
        match accepted {
            Ok((stream, permit)) => {
                let (tls, app, stop) = (tls.clone(), Arc::clone(&app), stop.clone());
                connections.spawn(async move {
                    connection::serve(stream, tls, app, limits, stop).await;
                    drop(permit);
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: wait for some to come back.
                tracing::warn!(target: "handler", %error, "cannot accept connections, trying again");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.drain, all).await.is_err() {
        let seconds = limits.drain.as_secs();
        tracing::warn!(target: "handler", connections = connections.len(), seconds, "connections cut: requests in progress did not end");
    }
}

type Accepted = (tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> std::io::Result<Accepted> {
    let permit = Arc::clone(room)
        .acquire_owned()
        .await
        .map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

#[cfg(test)]
mod tests;
