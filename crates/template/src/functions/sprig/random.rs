//! Randomness, which the host gives.

use crate::encoding::{Alphabet, base64_encode};
use crate::functions::{Call, Failure, Function};
use crate::value::{Type, Value};

const N: &[Type] = &[Type::INT];

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &[u8] = b"0123456789";

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "sprig_randAlpha",
        "sprig_randAlpha N",
        "N random letters.",
        N,
        Type::String,
        |call| pick(call, LETTERS),
    ),
    Function::new(
        "sprig_randAlphaNum",
        "sprig_randAlphaNum N",
        "N random letters and digits.",
        N,
        Type::String,
        |call| pick(call, &[LETTERS, DIGITS].concat()),
    ),
    Function::new(
        "sprig_randAscii",
        "sprig_randAscii N",
        "N random printable ASCII characters.",
        N,
        Type::String,
        |call| pick(call, &(b' '..=b'~').collect::<Vec<u8>>()),
    ),
    Function::new(
        "sprig_randBytes",
        "sprig_randBytes N",
        "N random bytes in base 64.",
        N,
        Type::String,
        |call| {
            let Ok(count) = usize::try_from(call.int(0)) else {
                return Err(Failure::new("runtime error: makeslice: len out of range"));
            };
            call.spend(count)?;
            let mut bytes = vec![0; count];
            call.host().random(&mut bytes)?;
            Ok(base64_encode(&bytes, Alphabet::Standard).into())
        },
    ),
    Function::new(
        "sprig_randInt",
        "sprig_randInt MIN MAX",
        "A random number from MIN up to but without MAX.",
        &[Type::INT, Type::INT],
        Type::INT,
        |call| {
            let (low, high) = (call.int(0), call.int(1));
            let span = high.wrapping_sub(low);
            if span <= 0 {
                return Err(Failure::new("invalid argument to Intn"));
            }
            Ok(Value::int(low + below(call, span.unsigned_abs())? as i64))
        },
    ),
    Function::new(
        "sprig_randNumeric",
        "sprig_randNumeric N",
        "N random digits.",
        N,
        Type::String,
        |call| pick(call, DIGITS),
    ),
    Function::new(
        "sprig_shuffle",
        "sprig_shuffle S",
        "The characters of S in random order.",
        &[Type::String],
        Type::String,
        |call| {
            let mut characters: Vec<char> = crate::strings::runes(call.text(0)).collect();
            call.spend(characters.len())?;
            for i in (1..characters.len()).rev() {
                let other = below(call, i as u64 + 1)? as usize;
                characters.swap(i, other);
            }
            Ok(characters.into_iter().collect::<String>().into())
        },
    ),
    Function::new(
        "sprig_uuidv4",
        "sprig_uuidv4",
        "A random UUID.",
        &[],
        Type::String,
        |call| {
            let mut bytes = [0_u8; 16];
            call.host().random(&mut bytes)?;
            bytes[6] = bytes[6] & 0x0f | 0x40;
            bytes[8] = bytes[8] & 0x3f | 0x80;
            let hex = crate::hash::hex(&bytes);
            Ok(format!(
                "{}-{}-{}-{}-{}",
                &hex[..8],
                &hex[8..12],
                &hex[12..16],
                &hex[16..20],
                &hex[20..]
            )
            .into())
        },
    ),
];

/// A random number below `limit`, each with the same chance.
fn below(call: &Call<'_>, limit: u64) -> Result<u64, Failure> {
    let mut bytes = [0; 8];
    loop {
        call.host().random(&mut bytes)?;
        let number = u64::from_le_bytes(bytes);
        // Numbers above the last whole multiple of the limit would favour the small ones.
        if number < u64::MAX - u64::MAX % limit {
            return Ok(number % limit);
        }
    }
}

fn pick(call: &mut Call<'_>, alphabet: &[u8]) -> Result<Value, Failure> {
    let count = usize::try_from(call.int(0)).unwrap_or(0);
    call.spend(count)?;
    let mut out = Vec::with_capacity(count);
    for _ in 0..count {
        out.push(alphabet[below(call, alphabet.len() as u64)? as usize]);
    }
    Ok(out.into())
}
