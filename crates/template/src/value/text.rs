//! Byte strings that are shared when cloned and zeroed when the last holder lets go.

use std::borrow::Borrow;
use std::ops::Deref;
use std::sync::Arc;

use zeroize::Zeroize;

/// A Go string: any bytes, usually UTF-8. Cloning shares them; the last clone to go zeroes them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<[u8]>);

impl Text {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text with whatever is not UTF-8 replaced by U+FFFD.
    #[must_use]
    pub fn to_lossy(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        if let Some(bytes) = Arc::get_mut(&mut self.0) {
            bytes.zeroize();
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self(Arc::from([].as_slice()))
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<[u8]> for Text {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// Shows the length only: the text may be a secret.
impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(Arc::from(bytes))
    }
}

impl From<&str> for Text {
    fn from(s: &str) -> Self {
        Self(Arc::from(s.as_bytes()))
    }
}

/// Copies, and zeroes the vector it came from.
impl From<Vec<u8>> for Text {
    fn from(mut bytes: Vec<u8>) -> Self {
        let text = Self(Arc::from(bytes.as_slice()));
        bytes.zeroize();
        text
    }
}

/// Copies, and zeroes the string it came from.
impl From<String> for Text {
    fn from(s: String) -> Self {
        Self::from(s.into_bytes())
    }
}

impl From<&Text> for Text {
    fn from(text: &Text) -> Self {
        text.clone()
    }
}
