//! Cuts a template into tokens, with the error texts of Go's lexer.

use bstr::ByteSlice;

use super::chars::{decode, describe, is_alphanumeric, is_space};
use super::token::{Kind, Token};
use pannier_go::quote;

const LEFT_COMMENT: &[u8] = b"/*";
const RIGHT_COMMENT: &[u8] = b"*/";
/// A trim marker is a dash and one white space character.
const TRIM_MARKER: usize = 2;

/// The delimiters and what the words `break` and `continue` mean.
pub(super) struct Settings<'t> {
    pub(super) left: &'t [u8],
    pub(super) right: &'t [u8],
    /// Not so if there are functions of those names.
    pub(super) break_is_keyword: bool,
    pub(super) continue_is_keyword: bool,
}

pub(super) struct Lexer<'t> {
    settings: Settings<'t>,
    input: &'t [u8],
    /// Where the token being read starts, and its line.
    start: usize,
    start_line: usize,
    pos: usize,
    line: usize,
    paren_depth: usize,
    inside_action: bool,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(input: &'t [u8], settings: Settings<'t>) -> Self {
        Self {
            settings,
            input,
            start: 0,
            start_line: 1,
            pos: 0,
            line: 1,
            paren_depth: 0,
            inside_action: false,
        }
    }

    /// The next token; after the end or an error, `Eof` for ever.
    pub(super) fn next_token(&mut self) -> Token {
        if self.inside_action {
            return self.inside_action();
        }
        self.text()
    }

    fn rest(&self) -> &'t [u8] {
        &self.input[self.pos..]
    }

    /// The next character, consumed; `None` at the end.
    fn next(&mut self) -> Option<char> {
        let (c, width) = decode(self.rest())?;
        self.pos += width;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn peek(&self) -> Option<char> {
        decode(self.rest()).map(|(c, _)| c)
    }

    fn accept(&mut self, valid: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|b| valid.contains(b));
        if found {
            self.pos += 1;
        }
        found
    }

    fn accept_run(&mut self, valid: &[u8]) {
        while self.accept(valid) {}
    }

    fn emit(&mut self, kind: Kind) -> Token {
        let token = Token {
            kind,
            pos: self.start,
            end: self.pos,
            line: self.start_line,
            error: None,
        };
        self.start = self.pos;
        self.start_line = self.line;
        token
    }

    /// Skips what has been read, counting its lines.
    fn ignore(&mut self) {
        self.line += newlines(&self.input[self.start..self.pos]);
        self.start = self.pos;
        self.start_line = self.line;
    }

    fn fail(&mut self, text: impl Into<Box<str>>) -> Token {
        let token = Token {
            kind: Kind::Error,
            pos: self.start,
            end: self.pos,
            line: self.start_line,
            error: Some(text.into()),
        };
        self.input = &[];
        self.start = 0;
        self.pos = 0;
        self.inside_action = false;
        token
    }

    // === outside of actions ===

    fn text(&mut self) -> Token {
        loop {
            let Some(found) = self.rest().find(self.settings.left) else {
                self.pos = self.input.len();
                if self.pos > self.start {
                    self.line += newlines(&self.input[self.start..self.pos]);
                    return self.emit(Kind::Text);
                }
                return self.emit(Kind::Eof);
            };
            if found > 0 {
                self.pos += found;
                let after = &self.input[self.pos + self.settings.left.len()..];
                let text = &self.input[self.start..self.pos];
                let trimmed = if has_left_trim_marker(after) {
                    text.len() - trim_end(text).len()
                } else {
                    0
                };
                self.pos -= trimmed;
                self.line += newlines(&self.input[self.start..self.pos]);
                let token = self.emit(Kind::Text);
                self.pos += trimmed;
                self.ignore();
                if token.end > token.pos {
                    return token;
                }
            }
            if let Some(token) = self.left_delim() {
                return token;
            }
        }
    }

    /// `None` after a comment.
    fn left_delim(&mut self) -> Option<Token> {
        self.pos += self.settings.left.len();
        let marker = if has_left_trim_marker(self.rest()) {
            TRIM_MARKER
        } else {
            0
        };
        if self.input[self.pos + marker..].starts_with(LEFT_COMMENT) {
            self.pos += marker;
            self.ignore();
            return self.comment();
        }
        let token = self.emit(Kind::LeftDelim);
        self.inside_action = true;
        self.pos += marker;
        self.ignore();
        self.paren_depth = 0;
        Some(token)
    }

    fn comment(&mut self) -> Option<Token> {
        self.pos += LEFT_COMMENT.len();
        let Some(length) = self.rest().find(RIGHT_COMMENT) else {
            return Some(self.fail("unclosed comment"));
        };
        self.pos += length + RIGHT_COMMENT.len();
        let Some(trim) = self.at_right_delim() else {
            return Some(self.fail("comment ends before closing delimiter"));
        };
        if trim {
            self.pos += TRIM_MARKER;
        }
        self.pos += self.settings.right.len();
        if trim {
            self.skip_space();
        }
        self.ignore();
        None
    }

    fn skip_space(&mut self) {
        while self
            .rest()
            .first()
            .is_some_and(|b| is_space(char::from(*b)))
        {
            self.pos += 1;
        }
    }

    /// Whether the right delimiter comes next, and whether it trims.
    fn at_right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_trim_marker(rest) && rest[TRIM_MARKER..].starts_with(self.settings.right) {
            return Some(true);
        }
        rest.starts_with(self.settings.right).then_some(false)
    }

    // === inside of actions ===

    fn inside_action(&mut self) -> Token {
        if self.at_right_delim().is_some() {
            if self.paren_depth == 0 {
                return self.right_delim();
            }
            return self.fail("unclosed left paren");
        }
        let before = self.pos;
        let Some(c) = self.next() else {
            return self.fail("unclosed action");
        };
        match c {
            c if is_space(c) => self.space(before),
            '=' => self.emit(Kind::Assign),
            ':' => {
                if self.next() != Some('=') {
                    return self.fail("expected :=");
                }
                self.emit(Kind::Declare)
            }
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted('"', "unterminated quoted string", Kind::String),
            '`' => self.raw_quoted(),
            '$' => self.field_or_variable(Kind::Variable),
            '\'' => self.quoted('\'', "unterminated character constant", Kind::CharConstant),
            // A dot may also start a number.
            '.' if self.rest().first().is_some_and(|b| !b.is_ascii_digit()) => {
                self.field_or_variable(Kind::Field)
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.pos = before;
                self.number()
            }
            c if is_alphanumeric(c) => {
                self.pos = before;
                self.identifier()
            }
            '(' => {
                self.paren_depth += 1;
                self.emit(Kind::LeftParen)
            }
            ')' => {
                let Some(depth) = self.paren_depth.checked_sub(1) else {
                    return self.fail("unexpected right paren");
                };
                self.paren_depth = depth;
                self.emit(Kind::RightParen)
            }
            ' '..='~' => self.emit(Kind::Char),
            c => self.fail(format!("unrecognized character in action: {}", describe(c))),
        }
    }

    fn right_delim(&mut self) -> Token {
        let trim = self.at_right_delim() == Some(true);
        if trim {
            self.pos += TRIM_MARKER;
            self.ignore();
        }
        self.pos += self.settings.right.len();
        let token = self.emit(Kind::RightDelim);
        if trim {
            self.skip_space();
            self.ignore();
        }
        self.inside_action = false;
        token
    }

    /// A run of white space; one that belongs to a trim marker is left to the delimiter.
    fn space(&mut self, first: usize) -> Token {
        let mut count = 1;
        let mut last = first;
        while self.peek().is_some_and(is_space) {
            last = self.pos;
            self.next();
            count += 1;
        }
        let tail = &self.input[last..];
        if has_right_trim_marker(tail) && tail[TRIM_MARKER..].starts_with(self.settings.right) {
            if self.input[last] == b'\n' {
                self.line -= 1;
            }
            self.pos = last;
            if count == 1 {
                return self.right_delim();
            }
        }
        self.emit(Kind::Space)
    }

    fn quoted(&mut self, mark: char, unterminated: &str, kind: Kind) -> Token {
        loop {
            match self.next() {
                Some('\\') => {
                    if matches!(self.next(), None | Some('\n')) {
                        return self.fail(unterminated);
                    }
                }
                None | Some('\n') => return self.fail(unterminated),
                Some(c) if c == mark => return self.emit(kind),
                Some(_) => {}
            }
        }
    }

    fn raw_quoted(&mut self) -> Token {
        loop {
            match self.next() {
                None => return self.fail("unterminated raw quoted string"),
                Some('`') => return self.emit(Kind::RawString),
                Some(_) => {}
            }
        }
    }

    fn take_alphanumeric(&mut self) {
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
    }

    /// After the dot or the dollar sign.
    fn field_or_variable(&mut self, kind: Kind) -> Token {
        if self.at_terminator() {
            return self.emit(if kind == Kind::Field { Kind::Dot } else { kind });
        }
        self.take_alphanumeric();
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.emit(kind)
    }

    fn identifier(&mut self) -> Token {
        self.take_alphanumeric();
        if !self.at_terminator() {
            return self.bad_character();
        }
        let word = &self.input[self.start..self.pos];
        self.emit(match Kind::keyword(word) {
            Some(Kind::Break) if !self.settings.break_is_keyword => Kind::Identifier,
            Some(Kind::Continue) if !self.settings.continue_is_keyword => Kind::Identifier,
            Some(kind) => kind,
            None if matches!(word, b"true" | b"false") => Kind::Bool,
            None => Kind::Identifier,
        })
    }

    fn bad_character(&mut self) -> Token {
        match self.peek() {
            Some(c) => self.fail(format!("bad character {}", describe(c))),
            None => self.fail("unclosed action"),
        }
    }

    /// Whether an identifier may end here.
    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(c) if is_space(c) => true,
            Some(_) => self.rest().starts_with(self.settings.right),
        }
    }

    fn number(&mut self) -> Token {
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.rest().first(), Some(b'+' | b'-')) {
            // A complex constant such as `1+2i`: no spaces, and the `i` must be there.
            if !self.scan_number() || self.input[self.pos - 1] != b'i' {
                return self.bad_number();
            }
            return self.emit(Kind::Complex);
        }
        self.emit(Kind::Number)
    }

    fn bad_number(&mut self) -> Token {
        let text = quote::quote(&self.input[self.start..self.pos]);
        self.fail(format!("bad number syntax: {text}"))
    }

    /// Takes what looks like a number; the parser finds out whether it is one.
    fn scan_number(&mut self) -> bool {
        self.accept(b"+-");
        let mut digits: &[u8] = b"0123456789_";
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = b"0123456789abcdefABCDEF_";
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        let exponent: &[u8] = match digits.len() {
            11 => b"eE",
            23 => b"pP",
            _ => b"",
        };
        if self.accept(exponent) {
            self.accept(b"+-");
            self.accept_run(b"0123456789_");
        }
        self.accept(b"i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

fn newlines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

fn trim_end(text: &[u8]) -> &[u8] {
    text.trim_end_with(is_space)
}

fn has_left_trim_marker(text: &[u8]) -> bool {
    matches!(text, [b'-', b, ..] if is_space(char::from(*b)))
}

fn has_right_trim_marker(text: &[u8]) -> bool {
    matches!(text, [b, b'-', ..] if is_space(char::from(*b)))
}
