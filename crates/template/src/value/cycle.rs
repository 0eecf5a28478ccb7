//! Frees maps that hold themselves.
//!
//! Values are counted, so a circle would stay for ever, and a secret in it would never be zeroed. Only a map that is changed
//! in place can close one: a [`Scope`] notes such maps, and empties those that are still alive when it ends.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::map::WeakMap;
use super::{Map, Value};

/// From this many noted maps on, those that are gone are forgotten whenever their number has doubled.
const SOME: usize = 1024;

thread_local! {
    static NOTED: RefCell<Noted> = const { RefCell::new(Noted { maps: Vec::new(), next_sweep: SOME, is_open: false }) };
}

struct Noted {
    maps: Vec<WeakMap>,
    next_sweep: usize,
    is_open: bool,
}

/// Notes a map that has just been given something that may hold other values, if a scope is open.
pub(super) fn note(map: &Map) -> bool {
    NOTED.with_borrow_mut(|noted| {
        if !noted.is_open {
            return false;
        }
        if noted.maps.len() == noted.next_sweep {
            noted.maps.retain(WeakMap::is_alive);
            noted.next_sweep = (noted.maps.len() * 2).max(SOME);
        }
        noted.maps.push(map.downgrade());
        true
    })
}

/// While this lives, maps are noted; when it ends, those nobody but they themselves can hold are emptied. What can be
/// reached from `kept`, the caller's own value, stays. Scopes may be within each other.
pub(crate) struct Scope {
    outer: Noted,
    kept: Value,
}

impl Scope {
    pub(crate) fn new(kept: &Value) -> Self {
        let own = Noted {
            maps: Vec::new(),
            next_sweep: SOME,
            is_open: true,
        };
        Self {
            outer: NOTED.replace(own),
            kept: kept.clone(),
        }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let outer = Noted {
            maps: std::mem::take(&mut self.outer.maps),
            ..self.outer
        };
        let own = NOTED.replace(outer);
        let alive: Vec<Map> = own.maps.iter().filter_map(WeakMap::upgrade).collect();
        if alive.is_empty() {
            return;
        }
        let kept = reachable(self.kept.clone());
        for map in &alive {
            if !kept.contains(&map.address()) {
                drop(map.take_entries());
            }
        }
    }
}

/// Where all maps are that can be reached from a value.
fn reachable(from: Value) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut pending = vec![from];
    while let Some(value) = pending.pop() {
        match value {
            Value::List(list) => pending.extend(list.items().iter().cloned()),
            Value::Map(map) if seen.insert(map.address()) => {
                pending.extend(map.borrow().values().cloned());
            }
            _ => {}
        }
    }
    seen
}
