//! One connection: handshake, requests, and its end.

use super::Limits;
use crate::http::App;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::{HttpService, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Largest header of a request; API servers send a few hundred bytes.
const HEADER_BYTES: usize = 32 << 10;
/// Requests at one time on one HTTP/2 connection; the API server has one connection for many.
const STREAMS: u32 = 250;

/// Read at one time: a TLS record of the largest size. The TLS library alone asks the kernel for 4 KiB at a time.
const READ_BYTES: usize = 16 << 10;

/// Between questions whether an HTTP/2 client is still there.
const PING: Duration = Duration::from_secs(30);

/// Serves one connection to its end.
pub(super) async fn serve(
    stream: TcpStream,
    tls: TlsAcceptor,
    app: Arc<App>,
    limits: Limits,
    stop: watch::Receiver<bool>,
) {
    let _open = app.metrics().connection();
    let peer = stream
        .peer_addr()
        .map(|peer| peer.to_string())
        .unwrap_or_default();
    // Small answers must not wait for more to send; failing to say so only costs time.
    drop(stream.set_nodelay(true));
    let stream = BufReader::with_capacity(READ_BYTES, stream);
    let stream = match tokio::time::timeout(limits.handshake, tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return handshake_failed(&peer, &error),
        Err(_) => {
            tracing::debug!(target: "handler", peer, "TLS handshake not complete in time");
            return;
        }
    };
    let activity = Activity::new();
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let stream = TokioIo::new(Counted {
        stream,
        activity: Arc::clone(&activity),
    });
    let ended = if is_http2 {
        let ceased = activity.ceased(limits.idle, None);
        drive(http2(stream, app, limits, &activity), ceased, limits, stop).await
    } else {
        let ceased = activity.ceased(limits.idle, Some(limits.header));
        drive(http1(stream, app, &activity), ceased, limits, stop).await
    };
    if let Err(error) = ended {
        tracing::debug!(target: "handler", peer, %error, "connection ended");
    }
}

fn handshake_failed(peer: &str, error: &std::io::Error) {
    // Port checks connect and leave; that is nothing to report.
    if matches!(
        error.kind(),
        std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset
    ) {
        tracing::debug!(target: "handler", peer, %error, "http: TLS handshake error");
    } else {
        tracing::error!(target: "handler", "http: TLS handshake error from {peer}: {error}");
    }
}

/// What happens on a connection: requests in progress, and bytes that belong to none.
struct Activity {
    requests: Mutex<Requests>,
    /// Bytes received so far.
    received: AtomicU64,
}

#[derive(Clone, Copy)]
struct Requests {
    in_progress: usize,
    /// When the last one ended (or the connection began).
    last: Instant,
    /// How many bytes had been received by then.
    received: u64,
}

impl Activity {
    fn new() -> Arc<Self> {
        let requests = Mutex::new(Requests {
            in_progress: 0,
            last: Instant::now(),
            received: 0,
        });
        Arc::new(Self {
            requests,
            received: AtomicU64::new(0),
        })
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: &Arc<Self>) -> Busy {
        self.requests().in_progress += 1;
        Busy(Arc::clone(self))
    }

    /// Waits until there has been no request in progress for `idle`, or the header of one has been arriving for longer
    /// than `header`. (HTTP/2 sends bytes that belong to no request, so there `header` is `None`.)
    async fn ceased(&self, idle: Duration, header: Option<Duration>) -> Ceased {
        let pause = header.map_or(idle, |header| idle.min(header / 4));
        let mut arriving_since: Option<Instant> = None;
        loop {
            tokio::time::sleep(pause).await;
            let Requests {
                in_progress,
                last,
                received,
            } = *self.requests();
            let is_arriving = in_progress == 0
                && header.is_some()
                && self.received.load(Ordering::Relaxed) > received;
            arriving_since = is_arriving.then(|| arriving_since.unwrap_or_else(Instant::now));
            let is_slow = arriving_since
                .zip(header)
                .is_some_and(|(since, header)| since.elapsed() >= header);
            if is_slow {
                return Ceased::Slow;
            }
            if in_progress == 0 && last.elapsed() >= idle {
                return Ceased::Idle;
            }
        }
    }
}

/// Why a connection is of no more use.
enum Ceased {
    /// Nobody asked anything for a long time.
    Idle,
    /// A header does not end.
    Slow,
}

struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        let received = self.0.received.load(Ordering::Relaxed);
        let mut requests = self.0.requests();
        *requests = Requests {
            in_progress: requests.in_progress - 1,
            last: Instant::now(),
            received,
        };
    }
}

/// Counts what is received.
struct Counted {
    stream: TlsStream<BufReader<TcpStream>>,
    activity: Arc<Activity>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.activity
            .received
            .fetch_add((buffer.filled().len() - before) as u64, Ordering::Relaxed);
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// What both versions of the protocol can do.
trait Drivable: Future<Output = hyper::Result<()>> {
    /// Takes no more requests, finishes those in progress.
    fn wind_down(self: Pin<&mut Self>);
}

impl<S> Drivable for hyper::server::conn::http1::Connection<Stream, S>
where
    S: HttpService<Incoming, ResBody = Full<Bytes>, Error = Infallible> + 'static,
{
    fn wind_down(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<S> Drivable for hyper::server::conn::http2::Connection<Stream, S, TokioExecutor>
where
    S: HttpService<Incoming, ResBody = Full<Bytes>, Error = Infallible> + 'static,
    S::Future: Send + 'static,
{
    fn wind_down(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

type Stream = TokioIo<Counted>;

async fn respond(
    app: Arc<App>,
    activity: Arc<Activity>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let _busy = activity.begin();
    Ok(app.respond(request).await)
}

fn http1(stream: Stream, app: Arc<App>, activity: &Arc<Activity>) -> impl Drivable + use<> {
    let activity = Arc::clone(activity);
    let service =
        service_fn(move |request| respond(Arc::clone(&app), Arc::clone(&activity), request));
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        // Its clock runs on idle connections too, which must stay open; ours does not.
        .header_read_timeout(None)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(stream, service)
}

fn http2(
    stream: Stream,
    app: Arc<App>,
    limits: Limits,
    activity: &Arc<Activity>,
) -> impl Drivable + use<> {
    let activity = Arc::clone(activity);
    let service =
        service_fn(move |request| respond(Arc::clone(&app), Arc::clone(&activity), request));
    hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_BYTES as u32)
        .keep_alive_interval(PING)
        .keep_alive_timeout(limits.handshake)
        .serve_connection(stream, service)
}

/// Runs a connection until it ends by itself, `ceased` says that it is of no more use, or everything stops.
async fn drive(
    connection: impl Drivable,
    ceased: impl Future<Output = Ceased>,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) -> hyper::Result<()> {
    let mut connection = std::pin::pin!(connection);
    let patience = tokio::select! {
        ended = connection.as_mut() => return ended,
        _ = stop.wait_for(|stop| *stop) => limits.drain,
        ceased = ceased => match ceased {
            Ceased::Idle => limits.farewell,
            // There is no request that could be finished.
            Ceased::Slow => return Ok(()),
        },
    };
    connection.as_mut().wind_down();
    tokio::time::timeout(patience, connection)
        .await
        .unwrap_or(Ok(()))
}
