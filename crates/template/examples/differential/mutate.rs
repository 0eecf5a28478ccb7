//! Damage to a template, for the errors.

use crate::random::Random;

const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    "-}}",
    " -}}",
    "{{- ",
    "(",
    ")",
    "|",
    ".",
    "$",
    "\"",
    "`",
    "'",
    "end",
    "else",
    "{{end}}",
    "{{else}}",
    ":=",
    "=",
    ",",
    "/*",
    "*/",
    "nil",
    "true",
    "\n",
    " ",
    "#",
    "!",
    "&",
    "\\",
    "é",
    "0x",
    "1e",
    "{{if}}",
    "{{range}}",
    "{{define \"q\"}}",
    "{{template",
    "break",
    "{{break}}",
    "[",
    "]",
    ":",
    ";",
    "@",
    "~",
    "{",
    "}",
    "\u{a0}",
    "\0",
    "{{block \"z\" .}}",
    "{{with}}",
    ".x",
    "$x",
    "..",
];

/// The template with one to three small changes; may end up as bytes that are not UTF-8.
pub(crate) fn mutate(random: &mut Random, template: &str) -> Vec<u8> {
    let mut bytes = template.as_bytes().to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len() + 1);
        match random.below(6) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => {
                let end = (at + 1 + random.below(4)).min(bytes.len());
                bytes.drain(at..end);
            }
            2 if at < bytes.len() => {
                let end = (at + 1 + random.below(20)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            3 if random.chance(15) => bytes.insert(at, 0x80 + random.below(128) as u8),
            _ => {
                let piece = random.word(PIECES);
                bytes.splice(at..at, piece.bytes());
            }
        }
    }
    bytes
}
