//! What a `range` goes through.

use super::val::Val;
use crate::value::{IntType, List, Text, Type, UintType, Value};

pub(super) enum Rounds {
    Empty,
    List {
        list: List,
        next: usize,
    },
    Bytes {
        bytes: Text,
        next: usize,
    },
    /// The entries as they were when the loop began, in the order of their keys.
    Map {
        entries: std::vec::IntoIter<(Text, Value)>,
        elem: &'static Type,
    },
    Int {
        kind: IntType,
        next: i64,
        end: i64,
    },
    Uint {
        kind: UintType,
        next: u64,
        end: u64,
    },
}

impl Rounds {
    /// The rounds over a value; `None` if it cannot be ranged over.
    pub(super) fn of(value: &Val) -> Option<Self> {
        Some(match value.value() {
            Value::Nil => Self::Empty,
            Value::List(list) => Self::List {
                list: list.clone(),
                next: 0,
            },
            Value::Bytes(bytes) => Self::Bytes {
                bytes: bytes.clone(),
                next: 0,
            },
            Value::Map(map) => Self::Map {
                entries: map.entries().into_iter(),
                elem: map.elem(),
            },
            Value::Int(kind, n) => Self::Int {
                kind: *kind,
                next: 0,
                end: *n,
            },
            Value::Uint(kind, n) => Self::Uint {
                kind: *kind,
                next: 0,
                end: *n,
            },
            _ => return None,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::List { list, next } => *next >= list.len(),
            Self::Bytes { bytes, next } => *next >= bytes.len(),
            Self::Map { entries, .. } => entries.len() == 0,
            Self::Int { next, end, .. } => next >= end,
            Self::Uint { next, end, .. } => next >= end,
        }
    }

    /// Index or key, and element.
    pub(super) fn next(&mut self) -> Option<(Val, Val)> {
        if self.is_empty() {
            return None;
        }
        let index = |n: usize| Val::Of(Value::int(i64::try_from(n).unwrap_or(i64::MAX)));
        Some(match self {
            Self::Empty => return None,
            Self::List { list, next } => {
                let i = *next;
                *next += 1;
                (index(i), Val::typed(list.items()[i].clone(), list.elem()))
            }
            Self::Bytes { bytes, next } => {
                let i = *next;
                *next += 1;
                (
                    index(i),
                    Val::Of(Value::Uint(UintType::Uint8, u64::from(bytes[i]))),
                )
            }
            Self::Map { entries, elem } => {
                let (key, value) = entries.next()?;
                (Val::Of(Value::String(key)), Val::typed(value, elem))
            }
            Self::Int { kind, next, .. } => {
                let n = *next;
                *next += 1;
                (Val::Invalid, Val::Of(Value::Int(*kind, n)))
            }
            Self::Uint { kind, next, .. } => {
                let n = *next;
                *next += 1;
                (Val::Invalid, Val::Of(Value::Uint(*kind, n)))
            }
        })
    }
}
