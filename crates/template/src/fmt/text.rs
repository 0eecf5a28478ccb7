//! Padding, strings and bytes.

use pannier_go::quote;

use super::Printer;
use crate::parse::chars::decode;

const LOWER: &[u8; 17] = b"0123456789abcdefx";
const UPPER: &[u8; 17] = b"0123456789ABCDEFX";

/// How many characters; each byte that is not UTF-8 counts as one.
fn count_chars(mut bytes: &[u8]) -> usize {
    if bytes.is_ascii() {
        return bytes.len();
    }
    let mut count = 0;
    while let Some((_, width)) = decode(bytes) {
        bytes = &bytes[width..];
        count += 1;
    }
    count
}

impl Printer {
    pub(super) fn padding(&mut self, count: usize) {
        if count == 0 || self.is_full() {
            return;
        }
        // Zeros go to the left only.
        let byte = if self.flags.zero && !self.flags.minus {
            b'0'
        } else {
            b' '
        };
        let count = count.min(self.max.saturating_sub(self.out.len()).saturating_add(1));
        self.out.resize(self.out.len() + count, byte);
    }

    /// Writes `bytes` in the width asked for.
    pub(super) fn pad(&mut self, bytes: &[u8]) {
        let Some(width) = self.flags.width.filter(|w| *w > 0) else {
            return self.write(bytes);
        };
        let missing = width.saturating_sub(count_chars(bytes));
        if self.flags.minus {
            self.write(bytes);
            self.padding(missing);
        } else {
            self.padding(missing);
            self.write(bytes);
        }
    }

    /// The same, with spaces even if zeros were asked for.
    pub(super) fn pad_with_spaces(&mut self, bytes: &[u8]) {
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(bytes);
        self.flags.zero = zero;
    }

    /// As many characters as the precision allows.
    fn truncate<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(precision) = self.flags.precision else {
            return bytes;
        };
        let mut end = 0;
        for _ in 0..precision {
            match decode(&bytes[end..]) {
                Some((_, width)) => end += width,
                None => break,
            }
        }
        &bytes[..end]
    }

    pub(super) fn plain_text(&mut self, bytes: &[u8]) {
        self.pad(self.truncate(bytes));
    }

    pub(super) fn quoted_text(&mut self, bytes: &[u8]) {
        let bytes = self.truncate(bytes);
        if self.flags.sharp && quote::can_backquote(bytes) {
            let mut quoted = vec![b'`'];
            quoted.extend_from_slice(bytes);
            quoted.push(b'`');
            return self.pad(&quoted);
        }
        let quoted = if self.flags.plus {
            quote::quote_to_ascii(bytes)
        } else {
            quote::quote(bytes)
        };
        self.pad(quoted.as_bytes());
    }

    pub(super) fn hex_text(&mut self, bytes: &[u8], upper: bool) {
        let digits = if upper { UPPER } else { LOWER };
        let length = self
            .flags
            .precision
            .map_or(bytes.len(), |p| p.min(bytes.len()));
        let bytes = &bytes[..length];
        if bytes.is_empty() {
            return self.padding(self.flags.width.unwrap_or(0));
        }
        let (space, sharp) = (self.flags.space, self.flags.sharp);
        let mut text = Vec::with_capacity(length * 2);
        for (i, byte) in bytes.iter().enumerate() {
            if space && i > 0 {
                text.push(b' ');
            }
            if sharp && (space || i == 0) {
                text.extend_from_slice(&[b'0', digits[16]]);
            }
            text.push(digits[usize::from(byte >> 4)]);
            text.push(digits[usize::from(byte & 15)]);
        }
        let missing = self.flags.width.unwrap_or(0).saturating_sub(text.len());
        if !self.flags.minus {
            self.padding(missing);
        }
        self.write(&text);
        if self.flags.minus {
            self.padding(missing);
        }
    }
}
