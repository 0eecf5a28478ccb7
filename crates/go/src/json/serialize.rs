//! Values that know serde, written as Go's `encoding/json` writes them.

use std::fmt;

use serde_core::ser::{self, Serialize, Serializer};

use super::encode::{escape, float_text};

/// Why a value has no JSON: a number that is not finite, or a map whose keys are no texts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unwritable(String);

impl ser::Error for Unwritable {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Writes a value on one line; `escape_html` as in [`Style`](super::Style).
///
/// # Errors
///
/// See [`Unwritable`].
pub fn to_vec<T: Serialize + ?Sized>(value: &T, escape_html: bool) -> Result<Vec<u8>, Unwritable> {
    let mut out = Vec::with_capacity(1024);
    append(&mut out, value, escape_html)?;
    Ok(out)
}

/// Appends a value; on an error the text is left as far as it came.
///
/// # Errors
///
/// See [`Unwritable`].
pub fn append<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    value: &T,
    escape_html: bool,
) -> Result<(), Unwritable> {
    value.serialize(Text { out, escape_html })
}

/// Where the value goes.
struct Text<'o> {
    out: &'o mut Vec<u8>,
    escape_html: bool,
}

impl<'o> Text<'o> {
    fn again(&mut self) -> Text<'_> {
        Text {
            out: self.out,
            escape_html: self.escape_html,
        }
    }

    fn display(self, value: impl fmt::Display) {
        // Writing to memory cannot fail.
        drop(std::io::Write::write_fmt(self.out, format_args!("{value}")));
    }

    fn open(self, bracket: u8, close: &'static str) -> Compound<'o> {
        self.out.push(bracket);
        Compound {
            text: self,
            is_first: true,
            close,
        }
    }

    fn open_variant(self, variant: &'static str, bracket: u8, close: &'static str) -> Compound<'o> {
        self.out.push(b'{');
        name(self.out, variant);
        self.open(bracket, close)
    }
}

/// A member's name from the program itself, which needs no escapes.
fn name(out: &mut Vec<u8>, name: &'static str) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// A list or an object that is not complete yet.
struct Compound<'o> {
    text: Text<'o>,
    is_first: bool,
    close: &'static str,
}

impl Compound<'_> {
    fn comma(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.text.out.push(b',');
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.comma();
        value.serialize(self.text.again())
    }

    fn field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.comma();
        name(self.text.out, key);
        value.serialize(self.text.again())
    }

    fn close(self) {
        self.text.out.extend_from_slice(self.close.as_bytes());
    }
}

impl<'o> Serializer for Text<'o> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Compound<'o>;
    type SerializeTuple = Compound<'o>;
    type SerializeTupleStruct = Compound<'o>;
    type SerializeTupleVariant = Compound<'o>;
    type SerializeMap = Compound<'o>;
    type SerializeStruct = Compound<'o>;
    type SerializeStructVariant = Compound<'o>;

    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        let text: &[u8] = if value { b"true" } else { b"false" };
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Unwritable> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Unwritable> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Unwritable> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Unwritable> {
        self.display(value);
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Unwritable> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Unwritable> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Unwritable> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Unwritable> {
        self.display(value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unwritable> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unwritable> {
        let text = float_text(value).ok_or_else(|| {
            let value = if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "+Inf"
            } else {
                "-Inf"
            };
            Unwritable(format!("json: unsupported value: {value}"))
        })?;
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Unwritable> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Unwritable> {
        self.out.push(b'"');
        escape(self.out, value, self.escape_html);
        self.out.push(b'"');
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unwritable> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Unwritable> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.out.push(b'{');
        name(self.out, variant);
        value.serialize(self.again())?;
        self.out.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'o>, Unwritable> {
        Ok(self.open(b'[', "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'o>, Unwritable> {
        Ok(self.open(b'[', "]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'o>, Unwritable> {
        Ok(self.open(b'[', "]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'o>, Unwritable> {
        Ok(self.open_variant(variant, b'[', "]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'o>, Unwritable> {
        Ok(self.open(b'{', "}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'o>, Unwritable> {
        Ok(self.open(b'{', "}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'o>, Unwritable> {
        Ok(self.open_variant(variant, b'{', "}}"))
    }
}

/// Lists of all kinds have elements.
macro_rules! elements {
    ($( $kind:ident $add:ident; )+) => { $(
        impl ser::$kind for Compound<'_> {
            type Ok = ();
            type Error = Unwritable;

            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
                self.element(value)
            }

            fn end(self) -> Result<(), Unwritable> {
                self.close();
                Ok(())
            }
        }
    )+ };
}

elements! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

/// Structs of both kinds have fields.
macro_rules! fields {
    ($( $kind:ident; )+) => { $(
        impl ser::$kind for Compound<'_> {
            type Ok = ();
            type Error = Unwritable;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Unwritable> {
                self.field(key, value)
            }

            fn end(self) -> Result<(), Unwritable> {
                self.close();
                Ok(())
            }
        }
    )+ };
}

fields! {
    SerializeStruct;
    SerializeStructVariant;
}

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        self.comma();
        let begin = self.text.out.len();
        key.serialize(self.text.again())?;
        if self.text.out.get(begin) != Some(&b'"') {
            return Err(Unwritable("json: a map's keys have to be texts".to_owned()));
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.text.out.push(b':');
        value.serialize(self.text.again())
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Serialize;
    use std::collections::BTreeMap;

    fn text<T: Serialize>(value: T) -> Result<String, String> {
        to_vec(&value, true)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|error| error.to_string())
    }

    #[derive(Serialize)]
    enum Variant {
        Unit,
        New(u8),
        Tuple(i8, char),
        Struct { a: Option<()> },
    }

    #[derive(Serialize)]
    struct Mixed<'a> {
        first: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<u64>,
        list: Vec<Variant>,
        map: BTreeMap<&'a str, f32>,
        tuple: (bool, f64),
    }

    #[test]
    fn every_kind_of_value_is_written() {
        let value = Mixed {
            first: "a\"<\u{2028}\n",
            absent: None,
            list: vec![
                Variant::Unit,
                Variant::New(7),
                Variant::Tuple(-1, '&'),
                Variant::Struct { a: None },
            ],
            map: BTreeMap::from([("b\\", 0.5)]),
            tuple: (true, 1e21),
        };
        assert_eq!(
            text(value).as_deref(),
            Ok(concat!(
                r#"{"first":"a\"\u003c\u2028\n","list":["Unit",{"New":7},{"Tuple":[-1,"\u0026"]},{"Struct":{"a":null}}],"#,
                r#""map":{"b\\":0.5},"tuple":[true,1e+21]}"#
            ))
        );
    }

    #[test]
    fn what_json_does_not_have_is_refused() {
        assert_eq!(
            text(f64::NAN),
            Err("json: unsupported value: NaN".to_owned())
        );
        assert_eq!(
            text(BTreeMap::from([(1, 2)])),
            Err("json: a map's keys have to be texts".to_owned())
        );
    }

    proptest! {
        #[test]
        fn any_text_reads_back(given in any::<String>(), html in any::<bool>()) {
            let written = to_vec(&given, html).expect("a text");
            prop_assert_eq!(serde_json::from_slice::<String>(&written).expect("JSON"), given);
            prop_assert!(!html || !written.iter().any(|byte| b"<>&".contains(byte)));
        }
    }
}
