//! The answers that are kept, and what goes with what: a token's leases and children go when it goes.

use std::collections::BTreeMap;
use std::time::SystemTime;

use pannier_redacted::Redacted;
use pannier_vault::unescape;

use super::key::Key;
use super::policy::{Brought, Renewed};
use crate::proxy::call::Answer;

/// One kept answer.
#[derive(Clone)]
pub(crate) struct Entry {
    /// The path of its request, such as `/v1/database/creds/app`.
    pub(crate) path: String,
    /// The namespace of its request, without slashes at its ends; empty for the root.
    pub(crate) namespace: String,
    /// The token of its request.
    pub(crate) token: Option<Redacted>,
    pub(crate) brought: Brought,
    pub(crate) answer: Answer,
    /// The seconds for which it was good when it came.
    pub(crate) first: i64,
    /// When the answer came.
    pub(crate) since: SystemTime,
    /// When it was last renewed, or came.
    pub(crate) renewed: SystemTime,
}

impl Entry {
    /// The seconds for which it is good after [`Self::renewed`].
    pub(crate) fn duration(&self) -> i64 {
        match &self.brought {
            Brought::Lease { duration, .. } | Brought::Token { duration, .. } => *duration,
        }
    }

    /// Whether a renewal to so many seconds shows that its end is near: it no longer gives the whole time. Who renews by
    /// the reference's rules gives it up at the latest there, and must get a new one then, not this one again.
    pub(crate) fn is_near_its_end(&self, seconds: i64) -> bool {
        seconds.saturating_mul(10) < self.first.saturating_mul(8)
    }

    /// Takes what a renewal brought.
    pub(crate) fn renew(&mut self, seconds: i64, now: SystemTime) {
        self.renewed = now;
        match &mut self.brought {
            Brought::Lease { duration, .. } | Brought::Token { duration, .. } => {
                *duration = seconds
            }
        }
    }
}

/// All kept answers by the identity of their requests. What is taken out is handed back, so that the caller can stop
/// renewing it.
#[derive(Default)]
pub(crate) struct Store {
    entries: BTreeMap<Key, Entry>,
    /// The agent's own token, if clients and templates may use it.
    own: Option<Redacted>,
}

/// What was taken out.
pub(crate) type Evicted = Vec<(Key, Entry)>;

impl Store {
    pub(crate) fn get(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &Key) -> Option<&mut Entry> {
        self.entries.get_mut(key)
    }

    /// In the order in which they are written to disk: parents before what depends on them is not needed, for they are
    /// read all together.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Key, &Entry)> {
        self.entries.iter()
    }

    /// Whether the agent looks after this token.
    pub(crate) fn manages(&self, token: &Redacted) -> bool {
        self.own.as_ref() == Some(token) || self.entries.values().any(|entry| entry.is_token(token))
    }

    /// The agent has a new token: what depended on the old one goes.
    pub(crate) fn set_own(&mut self, token: Redacted) -> Evicted {
        match self.own.replace(token) {
            Some(old) if self.own.as_ref() != Some(&old) => self.evict_token(&old),
            _ => Evicted::new(),
        }
    }

    pub(crate) fn insert(&mut self, key: Key, entry: Entry) -> Option<Entry> {
        self.entries.insert(key, entry)
    }

    /// Takes out one entry, and all that depends on it if it is a token.
    pub(crate) fn evict(&mut self, key: &Key) -> Evicted {
        let Some(entry) = self.entries.remove(key) else {
            return Evicted::new();
        };
        let mut evicted = match &entry.brought {
            Brought::Token { token, .. } => {
                let token = token.clone();
                self.evict_token(&token)
            }
            Brought::Lease { .. } => Evicted::new(),
        };
        evicted.push((*key, entry));
        evicted
    }

    /// Takes out a token, its leases and its children with theirs.
    pub(crate) fn evict_token(&mut self, token: &Redacted) -> Evicted {
        let mut evicted = Evicted::new();
        let mut doomed = vec![token.clone()];
        while let Some(token) = doomed.pop() {
            let taken = self.take(|entry| entry.is_token(&token) || entry.depends_on(&token));
            doomed.extend(taken.iter().filter_map(|(_, entry)| match &entry.brought {
                Brought::Token { token: child, .. } if *child != token => Some(child.clone()),
                _ => None,
            }));
            evicted.extend(taken);
        }
        evicted
    }

    /// Takes out a token and its leases; its children stay and have no parent from now on.
    pub(crate) fn orphan(&mut self, revoked: &Redacted) -> Evicted {
        for entry in self.entries.values_mut() {
            if let Brought::Token { parent, .. } = &mut entry.brought
                && parent.as_ref() == Some(revoked)
            {
                *parent = None;
            }
        }
        self.take(|entry| {
            entry.is_token(revoked)
                || (matches!(entry.brought, Brought::Lease { .. })
                    && entry.token.as_ref() == Some(revoked))
        })
    }

    pub(crate) fn evict_accessor(&mut self, wanted: &str) -> Evicted {
        let token = self
            .entries
            .values()
            .find_map(|entry| match &entry.brought {
                Brought::Token {
                    accessor, token, ..
                } if accessor == wanted => Some(token.clone()),
                _ => None,
            });
        token
            .map(|token| self.evict_token(&token))
            .unwrap_or_default()
    }

    /// The entry that holds a lease or token.
    pub(crate) fn find(&self, wanted: &Renewed) -> Option<Key> {
        let fits = |entry: &Entry| match (wanted, &entry.brought) {
            (Renewed::Lease(wanted), Brought::Lease { lease_id, .. }) => wanted == lease_id,
            (Renewed::Token(wanted), Brought::Token { token, .. }) => wanted == token,
            _ => false,
        };
        self.entries
            .iter()
            .find(|(_, entry)| fits(entry))
            .map(|(key, _)| *key)
    }

    pub(crate) fn evict_lease(&mut self, wanted: &str) -> Evicted {
        self.take(
            |entry| matches!(&entry.brought, Brought::Lease { lease_id, .. } if lease_id == wanted),
        )
    }

    /// Leases whose names begin so, in one namespace.
    pub(crate) fn evict_leases(&mut self, prefix: &str, namespace: &str) -> Evicted {
        self.take(|entry| {
            entry.namespace == namespace
                && matches!(&entry.brought, Brought::Lease { lease_id, .. } if lease_id.starts_with(prefix))
        })
    }

    /// Entries whose request's path, without escapes, begins so, in one namespace, and what depends on them.
    pub(crate) fn evict_path(&mut self, prefix: &str, namespace: &str) -> Evicted {
        let found: Vec<Key> = self
            .entries
            .iter()
            .filter(|(_, entry)| {
                entry.namespace == namespace && unescape(&entry.path).starts_with(prefix.as_bytes())
            })
            .map(|(key, _)| *key)
            .collect();
        found.iter().flat_map(|key| self.evict(key)).collect()
    }

    pub(crate) fn evict_all(&mut self) -> Evicted {
        std::mem::take(&mut self.entries).into_iter().collect()
    }

    fn take(&mut self, doomed: impl Fn(&Entry) -> bool) -> Evicted {
        self.entries
            .extract_if(.., |_, entry| doomed(entry))
            .collect()
    }
}

impl Entry {
    fn is_token(&self, wanted: &Redacted) -> bool {
        matches!(&self.brought, Brought::Token { token, .. } if token == wanted)
    }

    /// A lease of this token, or a child of it.
    fn depends_on(&self, on: &Redacted) -> bool {
        match &self.brought {
            Brought::Lease { .. } => self.token.as_ref() == Some(on),
            Brought::Token { parent, .. } => parent.as_ref() == Some(on),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use std::sync::Arc;

    use zeroize::Zeroizing;

    use super::*;
    use crate::proxy::call::Call;

    fn key(path: &str) -> Key {
        let request = hyper::Request::builder().uri(path).body(()).unwrap();
        Key::of(&Call::new(request.into_parts().0, Vec::new()))
    }

    fn put(store: &mut Store, path: &str, token: &str, brought: Brought) {
        let answer = Answer {
            status: 200,
            headers: hyper::HeaderMap::new(),
            body: Arc::new(Zeroizing::new(Vec::new())),
            age: None,
        };
        let now = SystemTime::UNIX_EPOCH;
        let entry = Entry {
            path: path.to_owned(),
            namespace: String::new(),
            token: Some(token.into()),
            brought,
            answer,
            first: 60,
            since: now,
            renewed: now,
        };
        store.insert(key(path), entry);
    }

    fn token(name: &str, parent: Option<&str>) -> Brought {
        Brought::Token {
            token: name.into(),
            accessor: format!("accessor-{name}"),
            parent: parent.map(Redacted::from),
            duration: 60,
        }
    }

    fn lease(name: &str) -> Brought {
        Brought::Lease {
            lease_id: name.to_owned(),
            duration: 60,
        }
    }

    /// own ── lease db/1, child a ── lease db/2, grandchild b ── lease kv/3; an orphan c beside them.
    fn family() -> Store {
        let mut store = Store::default();
        store.set_own("own".into());
        put(&mut store, "/v1/db/1", "own", lease("db/1"));
        put(&mut store, "/v1/a", "own", token("a", Some("own")));
        put(&mut store, "/v1/db/2", "a", lease("db/2"));
        put(&mut store, "/v1/b", "a", token("b", Some("a")));
        put(&mut store, "/v1/kv/3", "b", lease("kv/3"));
        put(&mut store, "/v1/c", "own", token("c", None));
        store
    }

    fn left(store: &Store) -> Vec<&str> {
        let mut paths: Vec<&str> = store
            .entries()
            .map(|(_, entry)| entry.path.as_str())
            .collect();
        paths.sort_unstable();
        paths
    }

    #[test]
    fn a_token_takes_its_leases_and_children_along() {
        let mut store = family();
        assert_eq!(store.evict_token(&"a".into()).len(), 4);
        assert_eq!(left(&store), ["/v1/c", "/v1/db/1"]);
        let mut store = family();
        assert_eq!(store.evict_accessor("accessor-b").len(), 2);
        assert_eq!(left(&store), ["/v1/a", "/v1/c", "/v1/db/1", "/v1/db/2"]);
        let mut store = family();
        assert_eq!(store.evict(&key("/v1/a")).len(), 4);
        assert!(store.evict_accessor("accessor-none").is_empty());
    }

    #[test]
    fn an_orphaned_child_stays() {
        let mut store = family();
        assert_eq!(store.orphan(&"a".into()).len(), 2);
        assert_eq!(left(&store), ["/v1/b", "/v1/c", "/v1/db/1", "/v1/kv/3"]);
        // It has no parent from now on.
        assert!(store.evict_token(&"a".into()).is_empty());
        assert!(store.manages(&"b".into()) && !store.manages(&"a".into()));
    }

    #[test]
    fn a_new_own_token_replaces_all_of_the_old_one() {
        let mut store = family();
        assert!(store.set_own("own".into()).is_empty());
        assert_eq!(store.set_own("other".into()).len(), 5);
        assert_eq!(left(&store), ["/v1/c"]);
        assert!(store.manages(&"other".into()) && !store.manages(&"own".into()));
    }

    #[test]
    fn leases_go_by_name_or_prefix_and_requests_by_path() {
        let mut store = family();
        assert_eq!(store.evict_lease("db/1").len(), 1);
        assert_eq!(store.evict_leases("db/", "other").len(), 0);
        assert_eq!(store.evict_leases("db/", "").len(), 1);
        assert_eq!(left(&store), ["/v1/a", "/v1/b", "/v1/c", "/v1/kv/3"]);
        let sealed = Brought::Lease {
            lease_id: "sp/1".to_owned(),
            duration: 60,
        };
        put(&mut store, "/v1/sp%20x", "a", sealed);
        assert_eq!(store.evict_path("/v1/sp%20x", "").len(), 0);
        assert_eq!(store.evict_path("/v1/sp x", "").len(), 1);
        assert_eq!(store.evict_path("/v1/a", "ns").len(), 0);
        assert_eq!(store.evict_path("/v1/a", "").len(), 3);
        assert_eq!(store.evict_all().len(), 1);
    }
}
