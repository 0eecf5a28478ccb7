//! Values by verb: what each kind does with it, and nested values.

use super::number::Base;
use super::{FmtError, Printer};
use crate::datetime::{MONTHS, WEEKDAYS};
use crate::functions::MAX_NESTING;
use crate::value::{IntType, List, Map, Object, Shape, Text, Type, Value};

impl Printer {
    /// An argument of a format.
    pub(super) fn arg(&mut self, arg: &Value, verb: char) {
        match (verb, arg) {
            ('v' | 'T', Value::Nil) => self.pad(b"<nil>"),
            (_, Value::Nil) => self.bad_verb(arg, verb),
            ('T', _) => self.plain_text(arg.type_name().as_bytes()),
            ('p', _) => self.pointer(arg, verb),
            _ if self.by_method(arg, verb) => {}
            _ => self.value(arg, verb, 0),
        }
    }

    /// `%!d(string=x)`: the verb does not go with the value.
    fn bad_verb(&mut self, value: &Value, verb: char) {
        self.erroring = true;
        self.write("%!");
        self.push_char(verb);
        self.push(b'(');
        if matches!(value, Value::Nil) {
            self.write("<nil>");
        } else {
            self.write(value.type_name());
            self.push(b'=');
            self.arg(value, 'v');
        }
        self.push(b')');
        self.erroring = false;
    }

    /// Prints what the value's `String` method says, if it has one and the verb asks for text.
    fn by_method(&mut self, value: &Value, verb: char) -> bool {
        if self.erroring {
            return false;
        }
        // `%w` is for errors only, and refused before anything looks into the value.
        if verb == 'w' && !matches!(value, Value::Bytes(_) | Value::Nil) {
            self.bad_verb(value, verb);
            return true;
        }
        if self.flags.sharp_v
            && let Value::Object(object) = value
            && let Some(text) = object.go_string()
        {
            self.plain_text(&text);
            return true;
        }
        if self.flags.sharp_v || !matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
            return false;
        }
        let text = match value {
            Value::Number(text) => text.clone(),
            Value::Int(kind, n) => match kind.text(*n) {
                Some(text) => text.into(),
                None => return false,
            },
            Value::Object(object) => match object.string() {
                Some(text) => text,
                None => return false,
            },
            _ => return false,
        };
        self.text(value, &text, verb);
        true
    }

    /// A value nested `depth` deep, without asking its methods at the top.
    fn value(&mut self, value: &Value, verb: char, depth: usize) {
        if self.is_full() {
            return;
        }
        if depth > MAX_NESTING {
            self.error.get_or_insert(FmtError::TooDeep);
            return;
        }
        if depth > 0 && self.by_method(value, verb) {
            return;
        }
        match value {
            Value::Nil => self.write("<nil>"),
            Value::Bool(b) if matches!(verb, 't' | 'v') => {
                self.pad(if *b { b"true" } else { b"false" })
            }
            Value::Bool(_) => self.bad_verb(value, verb),
            Value::Int(_, n) => self.int(value, *n < 0, n.unsigned_abs(), true, verb),
            Value::Uint(_, n) => self.int(value, false, *n, false, verb),
            Value::Float(f) => {
                if !self.float(*f, verb) {
                    self.bad_verb(value, verb);
                }
            }
            Value::Complex(re, im) => {
                if !self.complex(*re, *im, verb) {
                    self.bad_verb(value, verb);
                }
            }
            Value::String(text) | Value::Number(text) => self.text(value, text, verb),
            Value::Bytes(bytes) => self.bytes(bytes, verb, depth),
            Value::List(list) => self.list(list, verb, depth),
            Value::Map(map) => self.map(map, verb, depth),
            Value::Object(object) => self.object(value, object.as_ref(), verb, depth),
            Value::Func(_) | Value::NilPointer(_) => self.pointer(value, verb),
        }
    }

    fn int(&mut self, value: &Value, negative: bool, magnitude: u64, signed: bool, verb: char) {
        let code = if negative { u64::MAX } else { magnitude };
        match verb {
            'v' if self.flags.sharp_v && !signed => self.hex(magnitude, true),
            'v' | 'd' => self.integer(negative, magnitude, Base::DECIMAL),
            'b' => self.integer(negative, magnitude, Base::new(2)),
            'o' => self.integer(negative, magnitude, Base::new(8)),
            'O' => self.integer(
                negative,
                magnitude,
                Base {
                    octal_prefix: true,
                    ..Base::new(8)
                },
            ),
            'x' => self.integer(negative, magnitude, Base::HEX),
            'X' => self.integer(
                negative,
                magnitude,
                Base {
                    upper: true,
                    ..Base::HEX
                },
            ),
            'c' => self.character(code),
            'q' => self.quoted_character(code),
            'U' if negative => self.code_point(magnitude.wrapping_neg()),
            'U' => self.code_point(magnitude),
            _ => self.bad_verb(value, verb),
        }
    }

    fn text(&mut self, value: &Value, text: &[u8], verb: char) {
        match verb {
            'v' if self.flags.sharp_v => self.quoted_text(text),
            'v' | 's' => self.plain_text(text),
            'x' => self.hex_text(text, false),
            'X' => self.hex_text(text, true),
            'q' => self.quoted_text(text),
            _ => self.bad_verb(value, verb),
        }
    }

    fn bytes(&mut self, bytes: &Text, verb: char, depth: usize) {
        match verb {
            's' => self.plain_text(bytes),
            'x' => self.hex_text(bytes, false),
            'X' => self.hex_text(bytes, true),
            'q' => self.quoted_text(bytes),
            'v' | 'd' if self.flags.sharp_v => {
                self.write(if depth == 0 { "[]byte{" } else { "[]uint8{" });
                for (i, byte) in bytes.iter().enumerate() {
                    if i > 0 {
                        self.write(", ");
                    }
                    self.hex(u64::from(*byte), true);
                }
                self.push(b'}');
            }
            _ => {
                let (open, close) = if self.flags.sharp_v {
                    ("[]uint8{", b'}')
                } else {
                    ("[", b']')
                };
                self.write(open);
                for (i, byte) in bytes.iter().enumerate() {
                    if i > 0 {
                        self.separator();
                    }
                    let item = Value::Uint(crate::value::UintType::Uint8, u64::from(*byte));
                    self.value(&item, verb, depth + 1);
                }
                self.push(close);
            }
        }
    }

    /// An element of a list, map or structure whose static type is `of`.
    fn element(&mut self, value: &Value, of: &Type, verb: char, depth: usize) {
        if matches!(value, Value::Nil) && self.flags.sharp_v {
            self.write(of.to_string());
            self.write("(nil)");
        } else {
            self.value(value, verb, depth);
        }
    }

    fn separator(&mut self) {
        self.write(if self.flags.sharp_v { ", " } else { " " });
    }

    fn list(&mut self, list: &List, verb: char, depth: usize) {
        if self.flags.sharp_v {
            self.write(Type::List(list.elem()).to_string());
            if list.is_nil() {
                return self.write("(nil)");
            }
        }
        self.push(if self.flags.sharp_v { b'{' } else { b'[' });
        for (i, item) in list.items().iter().enumerate() {
            if self.is_full() {
                return;
            }
            if i > 0 {
                self.separator();
            }
            self.element(item, list.elem(), verb, depth + 1);
        }
        self.push(if self.flags.sharp_v { b'}' } else { b']' });
    }

    fn map(&mut self, map: &Map, verb: char, depth: usize) {
        if self.flags.sharp_v {
            self.write(Type::Map(map.elem()).to_string());
            if map.is_nil() {
                return self.write("(nil)");
            }
            self.push(b'{');
        } else {
            self.write("map[");
        }
        for (i, (key, item)) in map.borrow().iter().enumerate() {
            if self.is_full() {
                return;
            }
            if i > 0 {
                self.separator();
            }
            self.value(&Value::String(key.clone()), verb, depth + 1);
            self.push(b':');
            self.element(item, map.elem(), verb, depth + 1);
        }
        self.push(if self.flags.sharp_v { b'}' } else { b']' });
    }

    fn object(&mut self, value: &Value, object: &dyn Object, verb: char, depth: usize) {
        let pointer = object.shape() == Shape::Pointer;
        if pointer && depth > 0 {
            return self.pointer(value, verb);
        }
        if pointer {
            self.push(b'&');
        }
        self.structure(object, verb, depth + usize::from(pointer));
    }

    /// The structure itself, whatever points to it.
    fn structure(&mut self, object: &dyn Object, verb: char, depth: usize) {
        if self.flags.sharp_v {
            self.write(object.type_name().trim_start_matches('*'));
        }
        self.push(b'{');
        for (i, (name, field)) in object.fields().iter().enumerate() {
            if i > 0 {
                self.separator();
            }
            if self.flags.plus_v || self.flags.sharp_v {
                self.write(name);
                self.push(b':');
            }
            self.element(field, &Type::Any, verb, depth + 1);
        }
        self.push(b'}');
    }

    /// A value that Go's engine has followed one pointer to before it printed it.
    pub(crate) fn print_followed(&mut self, value: &Value) {
        match value {
            Value::Object(object)
                if object.shape() == Shape::Pointer && object.string().is_none() =>
            {
                self.structure(object.as_ref(), 'v', 0);
            }
            _ => self.print_one(value),
        }
    }

    /// What a pointer points to, which has lost the methods of the pointer.
    pub(crate) fn print_pointee(&mut self, value: &Value) {
        match value {
            Value::Object(object) if object.shape() == Shape::Pointer => {
                self.structure(object.as_ref(), 'v', 0);
            }
            _ => self.print_one(value),
        }
    }

    fn pointer(&mut self, value: &Value, verb: char) {
        let address = match value {
            Value::Func(f) => f.address,
            Value::Object(object) if object.shape() == Shape::Pointer => {
                address_of(object.as_ref())
            }
            Value::NilPointer(_) => 0,
            Value::List(list) if list.is_nil() => 0,
            Value::Map(map) if map.is_nil() => 0,
            // An address of ours would differ from run to run.
            Value::List(_) | Value::Map(_) | Value::Bytes(_) => PLACEHOLDER_ADDRESS,
            _ => return self.bad_verb(value, verb),
        };
        match verb {
            'v' if self.flags.sharp_v => {
                self.push(b'(');
                self.write(value.type_name());
                self.write(")(");
                if address == 0 {
                    self.write("nil");
                } else {
                    self.hex(address, true);
                }
                self.push(b')');
            }
            'v' if address == 0 => self.pad(b"<nil>"),
            'v' | 'p' => self.hex(address, !self.flags.sharp),
            'b' | 'o' | 'd' | 'x' | 'X' => self.int(value, false, address, false, verb),
            _ => self.bad_verb(value, verb),
        }
    }
}

/// What stands for an address in memory; Go's differ from run to run as well.
const PLACEHOLDER_ADDRESS: u64 = 0xc0_0001_20f0;

fn address_of(_object: &dyn Object) -> u64 {
    PLACEHOLDER_ADDRESS
}

impl IntType {
    /// What the type's `String` method gives, for those that have one.
    pub(crate) fn text(self, n: i64) -> Option<String> {
        match self {
            Self::Duration => Some(pannier_go::Duration::from_nanos(n).to_string()),
            Self::Month => Some(named(n, 1, &MONTHS, "Month")),
            Self::Weekday => Some(named(n, 0, &WEEKDAYS, "Weekday")),
            Self::Int | Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64 => None,
        }
    }
}

fn named(n: i64, first: i64, names: &[&str], kind: &str) -> String {
    let index = n.checked_sub(first).and_then(|i| usize::try_from(i).ok());
    match index.and_then(|i| names.get(i)) {
        Some(name) => (*name).to_owned(),
        // Go shows the bits as an unsigned number.
        None => format!("%!{kind}({})", n.cast_unsigned()),
    }
}
