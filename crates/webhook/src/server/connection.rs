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
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Largest header of a request; API servers send a few hundred bytes.
const HEADER_BYTES: usize = 32 << 10;
/// Requests at one time on one HTTP/2 connection; the API server has one connection for many.
const STREAMS: u32 = 250;

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
    let stream = match tokio::time::timeout(limits.handshake, tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return handshake_failed(&peer, &error),
        Err(_) => {
            tracing::debug!(target: "handler", peer, "TLS handshake not complete in time");
            return;
        }
    };
    let activity = Arc::new(Activity::default());
    let ended = if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        drive(
            http2(stream, app, limits, &activity),
            &activity,
            limits,
            stop,
        )
        .await
    } else {
        drive(
            http1(stream, app, limits, &activity),
            &activity,
            limits,
            stop,
        )
        .await
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
        tracing::warn!(target: "handler", peer, %error, "http: TLS handshake error");
    }
}

/// Requests in progress, and when the last one ended.
struct Activity(Mutex<(usize, Instant)>);

impl Default for Activity {
    fn default() -> Self {
        Self(Mutex::new((0, Instant::now())))
    }
}

impl Activity {
    fn begin(self: &Arc<Self>) -> Busy {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 += 1;
        Busy(Arc::clone(self))
    }

    /// Returns when there has been no request in progress for `idle`.
    async fn ceased(&self, idle: Duration) {
        loop {
            let (in_progress, last) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if in_progress > 0 {
                tokio::time::sleep(idle).await;
            } else if last.elapsed() >= idle {
                return;
            } else {
                tokio::time::sleep_until(last + idle).await;
            }
        }
    }
}

struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = (state.0 - 1, Instant::now());
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

type Stream = TokioIo<TlsStream<TcpStream>>;

async fn respond(
    app: Arc<App>,
    activity: Arc<Activity>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let _busy = activity.begin();
    Ok(app.respond(request).await)
}

fn http1(
    stream: TlsStream<TcpStream>,
    app: Arc<App>,
    limits: Limits,
    activity: &Arc<Activity>,
) -> impl Drivable + use<> {
    let activity = Arc::clone(activity);
    let service =
        service_fn(move |request| respond(Arc::clone(&app), Arc::clone(&activity), request));
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
}

fn http2(
    stream: TlsStream<TcpStream>,
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
        .keep_alive_interval(limits.header)
        .keep_alive_timeout(limits.handshake)
        .serve_connection(TokioIo::new(stream), service)
}

/// Runs a connection until it ends by itself, has been idle too long, or everything stops.
async fn drive(
    connection: impl Drivable,
    activity: &Activity,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) -> hyper::Result<()> {
    let mut connection = std::pin::pin!(connection);
    let patience = tokio::select! {
        ended = connection.as_mut() => return ended,
        _ = stop.wait_for(|stop| *stop) => limits.drain,
        () = activity.ceased(limits.idle) => limits.farewell,
    };
    connection.as_mut().wind_down();
    tokio::time::timeout(patience, connection)
        .await
        .unwrap_or(Ok(()))
}
