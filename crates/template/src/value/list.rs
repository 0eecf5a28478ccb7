//! Slices.

use std::rc::Rc;

use super::{Text, Type, Value, drop_all};

/// A Go slice: shared, never changed in place, with the type of its elements.
///
/// As in Go it is a window into a store that others may share, and `slice` can make it larger again, up to its capacity.
#[derive(Clone)]
pub struct List(Rc<Window>);

struct Window {
    store: Rc<Store>,
    from: usize,
    to: usize,
    end: usize,
}

struct Store {
    elem: &'static Type,
    items: Vec<Value>,
    nil: bool,
}

impl List {
    /// A slice of `elem`, for example `List::new(&Type::Any, items)`. Every item must be of that type.
    #[must_use]
    pub fn new(elem: &'static Type, items: Vec<Value>) -> Self {
        let length = items.len();
        Self::whole(
            Store {
                elem,
                items,
                nil: false,
            },
            length,
        )
    }

    /// A slice of `length` elements that can grow into the whole of `store`: what Go's JSON decoder makes.
    #[must_use]
    pub fn with_spare(elem: &'static Type, store: Vec<Value>, length: usize) -> Self {
        let length = length.min(store.len());
        Self::whole(
            Store {
                elem,
                items: store,
                nil: false,
            },
            length,
        )
    }

    fn whole(store: Store, to: usize) -> Self {
        let end = store.items.len();
        Self(Rc::new(Window {
            store: Rc::new(store),
            from: 0,
            to,
            end,
        }))
    }

    /// A `[]interface {}`.
    #[must_use]
    pub fn of_any(items: Vec<Value>) -> Self {
        Self::new(&Type::Any, items)
    }

    /// A `[]string`.
    pub fn of_strings<T: Into<Text>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::new(
            &Type::String,
            items.into_iter().map(|s| Value::String(s.into())).collect(),
        )
    }

    /// The nil slice of that element type: prints like an empty one, but `toJSON` says `null`.
    #[must_use]
    pub fn nil(elem: &'static Type) -> Self {
        Self::whole(
            Store {
                elem,
                items: Vec::new(),
                nil: true,
            },
            0,
        )
    }

    /// `list[from:to:end]` in Go's notation; bounds that are out of order are put in order.
    #[must_use]
    pub fn slice(&self, from: usize, to: usize, end: usize) -> Self {
        let window = &self.0;
        let end = window.from.saturating_add(end).min(window.end);
        let to = window.from.saturating_add(to).min(end);
        let from = window.from.saturating_add(from).min(to);
        Self(Rc::new(Window {
            store: window.store.clone(),
            from,
            to,
            end,
        }))
    }

    /// The type of the elements.
    #[must_use]
    pub fn elem(&self) -> &'static Type {
        self.0.store.elem
    }

    /// Whether this is the nil slice.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.0.store.nil
    }

    /// The elements.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        &self.0.store.items[self.0.from..self.0.to]
    }

    /// How many elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.to - self.0.from
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.to == self.0.from
    }

    /// How many elements `slice` may reach: at least [`List::len`].
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.end - self.0.from
    }

    pub(super) fn take_if_last(self, into: &mut Vec<Value>) {
        if let Ok(window) = Rc::try_unwrap(self.0)
            && let Ok(mut store) = Rc::try_unwrap(window.store)
        {
            into.append(&mut store.items);
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self
            .items
            .iter()
            .any(|v| matches!(v, Value::List(_) | Value::Map(_)))
        {
            drop_all(std::mem::take(&mut self.items));
        }
    }
}
