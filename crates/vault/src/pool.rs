//! Connections kept open between requests.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use crate::address::Address;
use crate::connect::{self, Opened};
use crate::proxy::{Proxy, ProxySettings};
use crate::tls::TlsStore;

/// A connection on which one request at a time can be made.
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<Full<Bytes>>,
    pub(crate) via: Option<Proxy>,
    /// Whether an earlier request was made on it, so that the server may have closed it meanwhile.
    pub(crate) used: bool,
    target: Address,
    generation: u64,
    since: Instant,
}

/// The idle connections of one client.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    /// A connection that was kept, if a good one is left.
    pub(crate) fn take(&self, target: &Address, generation: u64) -> Option<Connection> {
        let mut idle = self.lock();
        idle.retain(|connection| {
            connection.generation == generation && !connection.sender.is_closed()
        });
        // The youngest: the others may then grow old and go.
        let at = idle
            .iter()
            .rposition(|connection| connection.target == *target && connection.sender.is_ready())?;
        Some(idle.remove(at))
    }

    /// Keeps the connection for `keep`; then it is closed if nobody used it.
    pub(crate) fn put(self: &Arc<Self>, mut connection: Connection, keep: Duration) {
        connection.since = Instant::now();
        connection.used = true;
        let mut idle = self.lock();
        idle.push(connection);
        if idle.len() == 1 {
            tokio::spawn(reap(Arc::downgrade(self), keep));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes what was idle for `keep`, and ends when nothing is left: an idle client has no timer.
async fn reap(pool: Weak<Pool>, keep: Duration) {
    let mut next = Instant::now() + keep;
    loop {
        tokio::time::sleep_until(next).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.lock();
        let now = Instant::now();
        idle.retain(|connection| now < connection.since + keep && !connection.sender.is_closed());
        match idle.iter().map(|connection| connection.since + keep).min() {
            Some(at) => next = at,
            None => return,
        }
    }
}

/// Opens a new connection. The error is the cause in words.
pub(crate) async fn open(
    target: &Address,
    tls: &TlsStore,
    proxies: &ProxySettings,
) -> Result<Connection, String> {
    let generation = if target.is_tls() { tls.generation() } else { 0 };
    let Opened { stream, via } = connect::open(target, tls, proxies).await?;
    let (sender, driver) = hyper::client::conn::http1::Builder::new()
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    // It ends when the sender is dropped or the server closes; what went wrong is told by the request that met it.
    tokio::spawn(async move {
        let _ = driver.await;
    });
    Ok(Connection {
        sender,
        via,
        used: false,
        target: target.clone(),
        generation,
        since: Instant::now(),
    })
}
