//! Base 64 and base 32. A decoding error comes back as the text.

use crate::encoding::{Alphabet, base32_decode, base32_encode, base64_decode, base64_encode};
use crate::functions::Function;
use crate::value::{Type, Value};

const S: &[Type] = &[Type::String];

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "sprig_b32dec",
        "sprig_b32dec S",
        "The bytes that the base 32 text S stands for, or the error's text.",
        S,
        Type::String,
        |call| {
            Ok(base32_decode(call.text(0))
                .map_or_else(|error| error.to_string().into(), Value::from))
        },
    ),
    Function::new(
        "sprig_b32enc",
        "sprig_b32enc S",
        "S in base 32, with padding.",
        S,
        Type::String,
        |call| Ok(base32_encode(call.text(0)).into()),
    ),
    Function::new(
        "sprig_b64dec",
        "sprig_b64dec S",
        "The bytes that the base 64 text S stands for, or the error's text.",
        S,
        Type::String,
        |call| {
            Ok(base64_decode(call.text(0), Alphabet::Standard)
                .map_or_else(|error| error.to_string().into(), Value::from))
        },
    ),
    Function::new(
        "sprig_b64enc",
        "sprig_b64enc S",
        "S in base 64, with padding.",
        S,
        Type::String,
        |call| Ok(base64_encode(call.text(0), Alphabet::Standard).into()),
    ),
];
