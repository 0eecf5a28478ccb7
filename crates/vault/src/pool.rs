//! Connections kept open between requests.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::address::Address;
use crate::connect::{self, Opened};
use crate::proxy::{Proxy, ProxySettings};
use crate::tls::TlsStore;

/// How long a request waits for a connection in use before it opens one of its own. A server nearby answers within that
/// time, and what is saved is a handshake; to one far away it is nothing.
const PATIENCE: Duration = Duration::from_millis(2);

/// A connection on which one request at a time can be made.
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<Full<Bytes>>,
    pub(crate) via: Option<Proxy>,
    /// Whether it was kept for a while, so that the server may have closed it meanwhile.
    pub(crate) used: bool,
    target: Address,
    generation: u64,
    since: Instant,
    /// Counts it among those that may come back to their pool.
    lent: Option<Arc<()>>,
}

/// The connections of one client that wait for requests, and the requests that wait for them.
#[derive(Default)]
pub(crate) struct Pool {
    shelf: Mutex<Shelf>,
    lent: Arc<()>,
}

#[derive(Default)]
struct Shelf {
    idle: Vec<Connection>,
    waiting: Vec<(Address, oneshot::Sender<Connection>)>,
}

impl Pool {
    /// A connection that was kept, or that comes back soon.
    pub(crate) async fn take(&self, target: &Address, generation: u64) -> Option<Connection> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let taken = match self.idle(target, generation) {
                Ok(connection) => Some(connection),
                Err(Some(turn)) => turn.within(deadline).await,
                Err(None) => None,
            };
            let mut connection = taken?;
            // The last answer is read, but the connection may not have noticed yet.
            let good = connection.generation == generation;
            if good && connection.sender.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    /// An idle connection, else a turn if there is one to wait for.
    fn idle(&self, target: &Address, generation: u64) -> Result<Connection, Option<Turn>> {
        let mut shelf = self.lock();
        shelf.idle.retain(|connection| {
            connection.generation == generation && !connection.sender.is_closed()
        });
        // The youngest: the others may then grow old and go.
        let mut kept = shelf.idle.iter();
        if let Some(at) = kept.rposition(|connection| connection.target == *target) {
            let mut connection = shelf.idle.remove(at);
            self.expect(&mut connection);
            return Ok(connection);
        }
        if Arc::strong_count(&self.lent) == 1 {
            return Err(None);
        }
        let (sender, turn) = oneshot::channel();
        shelf.waiting.retain(|(_, waiting)| !waiting.is_closed());
        shelf.waiting.push((target.clone(), sender));
        Err(Some(Turn(turn)))
    }

    /// Notes that the connection will come back with [`Pool::put`], unless it breaks.
    pub(crate) fn expect(&self, connection: &mut Connection) {
        connection.lent = Some(Arc::clone(&self.lent));
    }

    /// Hands the connection on to whoever waits for one. Else keeps it for `keep`; then it is closed if nobody used it.
    pub(crate) fn put(self: &Arc<Self>, mut connection: Connection, keep: Duration) {
        connection.since = Instant::now();
        connection.used = true;
        self.expect(&mut connection);
        let mut shelf = self.lock();
        // The last first: what came earlier may be about to open a connection of its own.
        while let Some(at) =
            (shelf.waiting.iter()).rposition(|(target, _)| *target == connection.target)
        {
            match shelf.waiting.remove(at).1.send(connection) {
                Ok(()) => return,
                Err(back) => connection = back,
            }
        }
        connection.lent = None;
        shelf.idle.push(connection);
        if shelf.idle.len() == 1 {
            tokio::spawn(reap(Arc::downgrade(self), keep));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among those who wait for a connection.
struct Turn(oneshot::Receiver<Connection>);

impl Turn {
    async fn within(mut self, deadline: Instant) -> Option<Connection> {
        match timeout_at(deadline, &mut self.0).await {
            Ok(handed) => handed.ok(),
            Err(_) => {
                // It may have been handed over at the last moment.
                self.0.close();
                self.0.try_recv().ok()
            }
        }
    }
}

/// Closes what was idle for `keep`, and ends when nothing is left: an idle client has no timer.
async fn reap(pool: Weak<Pool>, keep: Duration) {
    let mut next = Instant::now() + keep;
    loop {
        tokio::time::sleep_until(next).await;
        let Some(pool) = pool.upgrade() else { return };
        let idle = &mut pool.lock().idle;
        let now = Instant::now();
        idle.retain(|connection| now < connection.since + keep && !connection.sender.is_closed());
        match idle.iter().map(|connection| connection.since + keep).min() {
            Some(at) => next = at,
            None => return,
        }
    }
}

/// Opens a new connection to a server at the place where it listens. The error is the cause in words.
pub(crate) async fn open(
    target: &Address,
    place: &Address,
    tls: &TlsStore,
    proxies: &ProxySettings,
) -> Result<Connection, String> {
    let generation = if target.is_tls() { tls.generation() } else { 0 };
    let Opened { stream, via } = connect::open(place, tls, proxies).await?;
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
        lent: None,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use futures_util::FutureExt as _;
    use tokio::io::{DuplexStream, duplex};

    const KEEP: Duration = Duration::from_secs(5);

    fn target() -> Address {
        Address::parse("http://vault:8200").unwrap()
    }

    /// A connection, and the server's end of it.
    async fn connection(pool: &Pool) -> (Connection, DuplexStream) {
        let (ours, theirs) = duplex(64);
        let (sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(ours))
            .await
            .unwrap();
        tokio::spawn(driver);
        let mut connection = Connection {
            sender,
            via: None,
            used: false,
            target: target(),
            generation: 0,
            since: Instant::now(),
            lent: None,
        };
        pool.expect(&mut connection);
        (connection, theirs)
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_where_no_connection_is_in_use() {
        let pool = Pool::default();
        let began = Instant::now();
        assert!(pool.take(&target(), 0).await.is_none());
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_all_connections_in_use_waits_a_moment_and_no_longer() {
        let pool = Pool::default();
        let (_connection, _server) = connection(&pool).await;
        let began = Instant::now();
        assert!(pool.take(&target(), 0).await.is_none());
        assert!((PATIENCE..2 * PATIENCE).contains(&began.elapsed()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_comes_back_goes_to_the_last_who_waits_for_that_server() {
        let pool = Arc::new(Pool::default());
        let (connection, _server) = connection(&pool).await;
        let goal = target();
        let elsewhere = Address::parse("http://other:8200").unwrap();
        let mut first = Box::pin(pool.take(&goal, 0));
        let mut last = Box::pin(pool.take(&goal, 0));
        let mut other = Box::pin(pool.take(&elsewhere, 0));
        for waiting in [&mut first, &mut last, &mut other] {
            assert!(waiting.now_or_never().is_none());
        }
        pool.put(connection, KEEP);
        assert!(last.await.is_some_and(|handed| handed.used));
        assert!(first.await.is_none() && other.await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_gets_a_connection_that_is_closed_or_of_older_certificates() {
        let pool = Arc::new(Pool::default());
        for (generation, close) in [(1, false), (0, true)] {
            let (connection, server) = connection(&pool).await;
            pool.put(connection, KEEP);
            let server = (!close).then_some(server);
            assert!(pool.take(&target(), generation).await.is_none());
            drop(server);
        }
    }
}
