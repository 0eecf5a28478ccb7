//! Equal calls at the same moment: the first goes to the server, the others wait for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::key::Key;
use crate::proxy::call::Answer;

/// The calls that are under way.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<BTreeMap<Key, Landing>>>);

/// `None` until the call is over.
type Landing = watch::Receiver<Option<Option<Answer>>>;

/// What a call does.
pub(super) enum Turn {
    /// It goes, and others wait for it.
    First(Flight),
    /// It waits.
    Later(Waiting),
    /// It goes, and nobody waits for it.
    Alone,
}

/// A call that others wait for. Dropped without landing (its client is gone, say) it lets them go on.
pub(super) struct Flight {
    key: Key,
    flights: Flights,
    landing: watch::Sender<Option<Option<Answer>>>,
}

/// Waits for the first of equal calls.
pub(super) struct Waiting(Landing);

impl Flights {
    pub(super) fn turn(&self, key: Key) -> Turn {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(landing) = flights.get(&key) {
            return Turn::Later(Waiting(landing.clone()));
        }
        let (sender, receiver) = watch::channel(None);
        flights.insert(key, receiver);
        Turn::First(Flight {
            key,
            flights: self.clone(),
            landing: sender,
        })
    }
}

impl Flight {
    /// The call is over; `shared` is the answer if all may have it.
    pub(super) fn land(self, shared: Option<Answer>) {
        self.landing.send_replace(Some(shared));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.flights
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

impl Waiting {
    /// The answer of the first call, if all may have it.
    pub(super) async fn landed(mut self) -> Option<Answer> {
        // A first call that was given up is an error here.
        self.0
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|landed| landed.clone().flatten())
    }
}
