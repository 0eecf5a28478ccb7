//! Reading a request's body within bounds: of size, of time, and of memory for all requests together.

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How much and how long.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Bytes of one body. API objects are below 3 MiB, a review below about twice that.
    pub bytes: usize,
    /// From the end of the header to the end of the body.
    pub time: Duration,
    /// Bytes of all bodies that are being read or answered at one time.
    pub total: usize,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            bytes: 8 << 20,
            time: Duration::from_secs(10),
            total: 64 << 20,
        }
    }
}

/// How much of a body that is refused is read and dropped, as a multiple of the largest one that is taken.
const DRAINED: usize = 4;
/// Longest pause of a client that is taken to be still sending such a body.
const STILL_SENDING: Duration = Duration::from_secs(1);

/// Why a body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// Larger than the limit.
    #[error("request body too large: the limit is {0} bytes")]
    TooLarge(usize),
    /// Not complete in time.
    #[error("error reading request body: not complete after {} seconds", .0.as_secs_f64())]
    TooSlow(Duration),
    /// All requests together need too much memory.
    #[error("too many large requests at once: try again")]
    Busy,
    /// The connection broke.
    #[error("error reading request body: {0}")]
    Broken(String),
}

impl BodyError {
    /// The HTTP status it is answered with.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::TooLarge(_) => 413,
            Self::TooSlow(_) => 408,
            Self::Busy => 503,
            Self::Broken(_) => 400,
        }
    }
}

/// Bytes held by all bodies together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Budget(Arc<AtomicUsize>);

/// A body in memory; its share of the budget is given back when dropped.
#[derive(Debug)]
pub(crate) struct HeldBody {
    bytes: Vec<u8>,
    held: usize,
    budget: Budget,
}

impl HeldBody {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn push(&mut self, data: &[u8], total: usize) -> Result<(), BodyError> {
        let before = self.budget.0.fetch_add(data.len(), Ordering::Relaxed);
        self.held += data.len();
        if before + data.len() > total {
            return Err(BodyError::Busy);
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }
}

impl Drop for HeldBody {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.held, Ordering::Relaxed);
    }
}

/// Reads `body` to its end.
pub(crate) async fn read<B>(
    mut body: B,
    limits: BodyLimits,
    budget: &Budget,
) -> Result<HeldBody, BodyError>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::fmt::Display,
{
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let held = if declared > limits.bytes {
        Err(BodyError::TooLarge(limits.bytes))
    } else {
        let reading = collect(&mut body, declared, limits, budget.clone());
        tokio::time::timeout(limits.time, reading)
            .await
            .unwrap_or(Err(BodyError::TooSlow(limits.time)))
    };
    if let Err(BodyError::TooLarge(_) | BodyError::Busy) = held {
        // Beside the answer, which waits for nobody.
        tokio::spawn(tokio::time::timeout(limits.time, drain(body, limits.bytes)));
    }
    held
}

/// Reads on and keeps nothing. A client that sends everything before it reads the answer would lose the answer with the
/// connection, which the kernel resets when it is closed before all has been read.
async fn drain<B: Body<Data = Bytes> + Unpin>(mut body: B, limit: usize) {
    let mut left = limit.saturating_mul(DRAINED);
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(STILL_SENDING, body.frame()).await {
        let size = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(size) {
            Some(rest) => left = rest,
            None => break,
        }
    }
}

async fn collect<B>(
    body: &mut B,
    declared: usize,
    limits: BodyLimits,
    budget: Budget,
) -> Result<HeldBody, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    // A small declared size is believed; a large one has to arrive first.
    let mut held = HeldBody {
        bytes: Vec::with_capacity(declared.min(64 << 10)),
        held: 0,
        budget,
    };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyError::Broken(error.to_string()))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if held.bytes.len() + data.len() > limits.bytes {
            return Err(BodyError::TooLarge(limits.bytes));
        }
        held.push(&data, limits.total)?;
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;
    use std::convert::Infallible;

    const LIMITS: BodyLimits = BodyLimits {
        bytes: 10,
        time: Duration::from_secs(10),
        total: 15,
    };

    #[tokio::test]
    async fn a_body_within_the_limit_is_read_whole() {
        let budget = Budget::default();
        let held = read(
            Full::new(Bytes::from_static(b"0123456789")),
            LIMITS,
            &budget,
        )
        .await
        .unwrap();
        assert_eq!(held.bytes(), b"0123456789");
        drop(held);
        assert_eq!(budget.0.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_large_body_is_refused_whether_or_not_it_says_so() {
        let error = read(
            Full::new(Bytes::from_static(b"0123456789x")),
            LIMITS,
            &Budget::default(),
        )
        .await
        .unwrap_err();
        assert_eq!(error.status(), 413);
        let frames = (0..3).map(|_| Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"01234"))));
        let error = read(
            StreamBody::new(futures_util::stream::iter(frames)),
            LIMITS,
            &Budget::default(),
        )
        .await
        .unwrap_err();
        assert_eq!(error.status(), 413);
    }

    #[tokio::test]
    async fn all_bodies_together_have_a_limit_too() {
        let budget = Budget::default();
        let first = read(
            Full::new(Bytes::from_static(b"0123456789")),
            LIMITS,
            &budget,
        )
        .await
        .unwrap();
        let error = read(
            Full::new(Bytes::from_static(b"0123456789")),
            LIMITS,
            &budget,
        )
        .await
        .unwrap_err();
        assert_eq!(error.status(), 503);
        drop(first);
        assert!(
            read(
                Full::new(Bytes::from_static(b"0123456789")),
                LIMITS,
                &budget
            )
            .await
            .is_ok()
        );
    }

    /// Bodies of five bytes a frame that are read by somebody else than the one who waits for the answer.
    #[tokio::test]
    async fn the_rest_of_a_refused_body_is_read_up_to_a_bound() {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let frames = futures_util::stream::unfold(0, move |at| {
            sender.send(at).unwrap_or_default();
            let frame = Frame::data(Bytes::from_static(b"01234"));
            std::future::ready(Some((Ok::<_, Infallible>(frame), at + 1)))
        });
        let body = StreamBody::new(Box::pin(frames));
        let error = read(body, LIMITS, &Budget::default()).await.unwrap_err();
        assert_eq!(error.status(), 413);
        let mut read = 0;
        while receiver.recv().await.is_some() {
            read += 1;
        }
        // Three for the refusal; then forty bytes, and the frame that is beyond them.
        assert_eq!(read, 3 + 8 + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_cut_off() {
        let frames = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            Some((
                Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"0"))),
                (),
            ))
        });
        let begun = tokio::time::Instant::now();
        let error = read(
            StreamBody::new(Box::pin(frames)),
            LIMITS,
            &Budget::default(),
        )
        .await
        .unwrap_err();
        assert_eq!((error.status(), begun.elapsed()), (408, LIMITS.time));
    }
}
