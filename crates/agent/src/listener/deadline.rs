//! A connection that is given up when its client is too slow or silent for too long.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// From the first byte of a request to the end of its head.
    pub(super) head: Duration,
    /// For the rest of the request.
    pub(super) body: Duration,
    /// Between two requests.
    pub(super) idle: Duration,
}

/// What a connection is doing, told by who serves it.
#[derive(Clone)]
pub(super) struct Phase {
    limits: Limits,
    now: Arc<Mutex<Now>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Now {
    Idle(Instant),
    Head(Instant),
    Answering,
}

impl Phase {
    /// A request is there: reading its body has a limit of its own, and answering has none.
    pub(super) fn answering(&self) {
        self.set(Now::Answering);
    }

    /// The next request may come.
    pub(super) fn idle(&self) {
        self.set(Now::Idle(Instant::now() + self.limits.idle));
    }

    /// Bytes came.
    fn received(&self) {
        if let Now::Idle(_) = self.get() {
            self.set(Now::Head(Instant::now() + self.limits.head));
        }
    }

    fn get(&self) -> Now {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, now: Now) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    fn deadline(&self) -> Option<Instant> {
        match self.get() {
            Now::Idle(deadline) | Now::Head(deadline) => Some(deadline),
            Now::Answering => None,
        }
    }
}

/// A stream whose reads fail when the deadline of its phase is over.
pub(super) struct Timed<S> {
    stream: S,
    phase: Phase,
    alarm: Pin<Box<Sleep>>,
}

impl<S> Timed<S> {
    pub(super) fn new(stream: S, limits: Limits) -> (Self, Phase) {
        let deadline = Instant::now() + limits.idle;
        let phase = Phase {
            limits,
            now: Arc::new(Mutex::new(Now::Idle(deadline))),
        };
        (
            Self {
                stream,
                phase: phase.clone(),
                alarm: Box::pin(sleep_until(deadline)),
            },
            phase,
        )
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        if read.is_ready() {
            if buf.filled().len() > before {
                this.phase.received();
            }
            return read;
        }
        let Some(deadline) = this.phase.deadline() else {
            return Poll::Pending;
        };
        if this.alarm.deadline() != deadline {
            this.alarm.as_mut().reset(deadline);
        }
        this.alarm
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const LIMITS: Limits = Limits {
        head: Duration::from_secs(10),
        body: Duration::from_secs(30),
        idle: Duration::from_secs(300),
    };

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_given_up_after_the_idle_time() {
        let (_client, server) = tokio::io::duplex(64);
        let (mut stream, _phase) = Timed::new(server, LIMITS);
        let start = Instant::now();
        assert_eq!(
            stream.read_u8().await.unwrap_err().kind(),
            io::ErrorKind::TimedOut
        );
        assert_eq!(start.elapsed().as_secs(), 300);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_head_is_given_up_sooner_and_an_answer_never() {
        let (mut client, server) = tokio::io::duplex(64);
        let (mut stream, phase) = Timed::new(server, LIMITS);
        client.write_all(b"G").await.unwrap();
        stream.read_u8().await.unwrap();
        let start = Instant::now();
        assert!(stream.read_u8().await.is_err());
        assert_eq!(start.elapsed().as_secs(), 10);
        phase.answering();
        let late = tokio::time::timeout(Duration::from_secs(10_000), stream.read_u8()).await;
        assert!(late.is_err(), "no deadline while answering");
        phase.idle();
        let start = Instant::now();
        assert!(stream.read_u8().await.is_err());
        assert_eq!(start.elapsed().as_secs(), 300);
    }
}
