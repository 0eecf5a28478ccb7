//! Booleans as Go's `strconv.ParseBool` reads them.

use crate::number::NumberError;

/// Reads a boolean: `1 t T true TRUE True` or `0 f F false FALSE False`, nothing else.
///
/// # Errors
///
/// `strconv.ParseBool: parsing "yes": invalid syntax`.
///
/// ```
/// assert_eq!(pannier_go::boolean::parse("T"), Ok(true));
/// assert!(pannier_go::boolean::parse("yes").is_err());
/// ```
pub fn parse(text: impl AsRef<[u8]>) -> Result<bool, NumberError> {
    match text.as_ref() {
        b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True" => Ok(true),
        b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False" => Ok(false),
        text => Err(NumberError::syntax("ParseBool", text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_go_refuses() {
        for text in ["", "yes", "no", "on", "tRUE", " true", "2", "y"] {
            let error = parse(text).map_err(|e| e.to_string());
            assert_eq!(
                error,
                Err(format!(
                    "strconv.ParseBool: parsing \"{text}\": invalid syntax"
                ))
            );
        }
    }

    #[test]
    fn reads_the_twelve_texts() {
        for text in ["1", "t", "T", "true", "TRUE", "True"] {
            assert_eq!(parse(text), Ok(true), "{text}");
        }
        for text in ["0", "f", "F", "false", "FALSE", "False"] {
            assert_eq!(parse(text), Ok(false), "{text}");
        }
    }
}
