//! Maps with string keys.

use std::cell::{Cell, Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use super::{Text, Type, Value, cycle, drop_all};

/// A Go map with string keys: shared, changed in place, walked in the order of its keys.
#[derive(Clone)]
pub struct Map(Rc<Inner>);

struct Inner {
    elem: &'static Type,
    entries: RefCell<BTreeMap<Text, Value>>,
    nil: bool,
    /// Whether [`cycle`] knows of this map.
    noted: Cell<bool>,
}

/// Tells whether a map is still alive.
pub(super) struct WeakMap(Weak<Inner>);

impl WeakMap {
    pub(super) fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }

    pub(super) fn upgrade(&self) -> Option<Map> {
        self.0.upgrade().map(Map)
    }
}

impl Map {
    /// A `map[string]ELEM`. Every value must be of that type.
    pub fn new<K: Into<Text>>(
        elem: &'static Type,
        entries: impl IntoIterator<Item = (K, Value)>,
    ) -> Self {
        let entries = entries.into_iter().map(|(k, v)| (k.into(), v)).collect();
        Self(Rc::new(Inner {
            elem,
            entries: RefCell::new(entries),
            nil: false,
            noted: Cell::new(false),
        }))
    }

    /// A `map[string]interface {}` of entries that are in order already.
    pub(crate) fn of_sorted(entries: BTreeMap<Text, Value>) -> Self {
        Self(Rc::new(Inner {
            elem: &Type::Any,
            entries: RefCell::new(entries),
            nil: false,
            noted: Cell::new(false),
        }))
    }

    /// A `map[string]interface {}`.
    pub fn of_any<K: Into<Text>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::new(&Type::Any, entries)
    }

    /// A `map[string]string`.
    pub fn of_strings<K: Into<Text>, V: Into<Text>>(
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self::new(
            &Type::String,
            entries
                .into_iter()
                .map(|(k, v)| (k, Value::String(v.into()))),
        )
    }

    /// An empty `map[string]interface {}`.
    #[must_use]
    pub fn empty() -> Self {
        Self::of_any(std::iter::empty::<(Text, Value)>())
    }

    /// The nil map of that element type.
    #[must_use]
    pub fn nil(elem: &'static Type) -> Self {
        Self(Rc::new(Inner {
            elem,
            entries: RefCell::default(),
            nil: true,
            noted: Cell::new(false),
        }))
    }

    /// The type of the values.
    #[must_use]
    pub fn elem(&self) -> &'static Type {
        self.0.elem
    }

    /// Whether this is the nil map.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// The value at `key`.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.0.entries.borrow().get(key).cloned()
    }

    /// Whether `key` is there.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.0.entries.borrow().contains_key(key)
    }

    /// Sets `key` in place; every holder of this map sees it.
    pub fn set(&self, key: impl Into<Text>, value: Value) {
        let may_close_circle = matches!(value, Value::List(_) | Value::Map(_) | Value::Object(_));
        if may_close_circle && !self.0.noted.get() {
            self.0.noted.set(cycle::note(self));
        }
        // The old value is freed after the borrow has ended: it may hold this map.
        let old = self.0.entries.borrow_mut().insert(key.into(), value);
        drop(old);
    }

    /// Takes `key` out in place.
    pub fn remove(&self, key: &[u8]) -> Option<Value> {
        self.0.entries.borrow_mut().remove(key)
    }

    /// How many entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.entries.borrow().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.entries.borrow().is_empty()
    }

    /// The entries, borrowed. Do not call [`Map::set`] or [`Map::remove`] on the same map while this lives.
    #[must_use]
    pub fn borrow(&self) -> Ref<'_, BTreeMap<Text, Value>> {
        self.0.entries.borrow()
    }

    /// The entries as they are now, in the order of their keys.
    #[must_use]
    pub fn entries(&self) -> Vec<(Text, Value)> {
        self.0
            .entries
            .borrow()
            .iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    }

    /// Whether both are the same map, not merely equal ones.
    #[must_use]
    pub fn same(&self, other: &Map) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn downgrade(&self) -> WeakMap {
        WeakMap(Rc::downgrade(&self.0))
    }

    /// A number that no other living map has.
    pub(super) fn address(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }

    /// Empties the map, unless it is being read.
    pub(super) fn take_entries(&self) -> BTreeMap<Text, Value> {
        self.0
            .entries
            .try_borrow_mut()
            .map(|mut entries| std::mem::take(&mut *entries))
            .unwrap_or_default()
    }

    pub(super) fn take_if_last(self, into: &mut Vec<Value>) {
        if let Ok(mut inner) = Rc::try_unwrap(self.0) {
            take_nested(inner.entries.get_mut(), into);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let mut nested = Vec::new();
        take_nested(self.entries.get_mut(), &mut nested);
        drop_all(nested);
    }
}

/// Moves what may be nested out, so that the rest can be freed as it is.
fn take_nested(entries: &mut BTreeMap<Text, Value>, into: &mut Vec<Value>) {
    for value in entries.values_mut() {
        if matches!(value, Value::List(_) | Value::Map(_)) {
            into.push(std::mem::replace(value, Value::Nil));
        }
    }
}
