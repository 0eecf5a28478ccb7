//! Slices.

use std::rc::Rc;

use super::{Text, Type, Value, drop_all};

/// A Go slice: shared, never changed in place, with the type of its elements.
#[derive(Clone)]
pub struct List(Rc<Inner>);

struct Inner {
    elem: &'static Type,
    items: Vec<Value>,
    nil: bool,
}

impl List {
    /// A slice of `elem`, for example `List::new(&Type::Any, items)`. Every item must be of that type.
    #[must_use]
    pub fn new(elem: &'static Type, items: Vec<Value>) -> Self {
        Self(Rc::new(Inner {
            elem,
            items,
            nil: false,
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
        Self(Rc::new(Inner {
            elem,
            items: Vec::new(),
            nil: true,
        }))
    }

    /// The type of the elements.
    #[must_use]
    pub fn elem(&self) -> &'static Type {
        self.0.elem
    }

    /// Whether this is the nil slice.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// The elements.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        &self.0.items
    }

    /// How many elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.items.is_empty()
    }

    pub(super) fn take_if_last(self, into: &mut Vec<Value>) {
        if let Ok(mut inner) = Rc::try_unwrap(self.0) {
            into.append(&mut inner.items);
        }
    }
}

impl Drop for Inner {
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
