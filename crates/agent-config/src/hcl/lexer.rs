//! Characters to tokens.

use super::text;
use crate::ast::{Scalar, Spot, SyntaxError};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) at: Spot,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    End,
    Ident(String),
    Scalar(Scalar),
    Heredoc(String),
    Assign,
    Comma,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Plus,
    Minus,
}

impl Kind {
    /// The token's name in the reference's messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::End => "EOF",
            Self::Ident(_) => "IDENT",
            Self::Scalar(Scalar::Bool(_)) => "BOOL",
            Self::Scalar(Scalar::Int(..)) => "NUMBER",
            Self::Scalar(Scalar::Float(..)) => "FLOAT",
            Self::Scalar(Scalar::Text(_) | Scalar::Null) => "STRING",
            Self::Heredoc(_) => "HEREDOC",
            Self::Assign => "ASSIGN",
            Self::Comma => "COMMA",
            Self::LeftBrace => "LBRACE",
            Self::RightBrace => "RBRACE",
            Self::LeftBracket => "LBRACK",
            Self::RightBracket => "RBRACK",
            Self::Plus => "ADD",
            Self::Minus => "SUB",
        }
    }

    /// The token's text in the reference's messages.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Ident(text) => text,
            Self::Assign => "=",
            Self::Comma => ",",
            Self::LeftBrace => "{",
            Self::RightBrace => "}",
            Self::LeftBracket => "[",
            Self::RightBracket => "]",
            Self::Plus => "+",
            Self::Minus => "-",
            Self::End | Self::Scalar(_) | Self::Heredoc(_) => "",
        }
    }
}

pub(super) struct Lexer<'a> {
    rest: &'a str,
    at: Spot,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self {
            rest: source,
            at: Spot::START,
        }
    }

    /// The next token; [`Kind::End`] for ever once the source is used up.
    pub(super) fn next(&mut self) -> Result<Token, SyntaxError> {
        self.skip_blanks()?;
        let at = self.at;
        let Some(first) = self.peek() else {
            return Ok(Token {
                at,
                kind: Kind::End,
            });
        };
        let kind = match first {
            '"' => Kind::Scalar(Scalar::Text(self.quoted()?)),
            '<' => Kind::Heredoc(self.heredoc()?),
            '=' => self.single(Kind::Assign),
            ',' => self.single(Kind::Comma),
            '{' => self.single(Kind::LeftBrace),
            '}' => self.single(Kind::RightBrace),
            '[' => self.single(Kind::LeftBracket),
            ']' => self.single(Kind::RightBracket),
            '+' => self.single(Kind::Plus),
            '0'..='9' | '.' | '-' => self.number()?,
            '\0' => return Err(self.error(at, "unexpected null character (0x00)")),
            c if c == '_' || c.is_alphabetic() => {
                let word = self.take_while(is_ident_part);
                match word {
                    "true" => Kind::Scalar(Scalar::Bool(true)),
                    "false" => Kind::Scalar(Scalar::Bool(false)),
                    _ => Kind::Ident(word.to_owned()),
                }
            }
            _ => return Err(self.error(at, "illegal char")),
        };
        Ok(Token { at, kind })
    }

    fn single(&mut self, kind: Kind) -> Kind {
        self.bump();
        kind
    }

    fn skip_blanks(&mut self) -> Result<(), SyntaxError> {
        loop {
            let at = self.at;
            match self.peek() {
                Some(' ' | '\t' | '\n' | '\r') => {
                    self.bump();
                }
                Some('#') => {
                    self.take_while(|c| c != '\n');
                }
                Some('/') if self.rest.starts_with("//") => {
                    self.take_while(|c| c != '\n');
                }
                Some('/') if self.rest.starts_with("/*") => {
                    let Some(end) = self.rest[2..].find("*/") else {
                        return Err(self.error(at, "comment not terminated"));
                    };
                    self.advance(end + 4);
                }
                Some('/') => return Err(self.error(at, "expected '/' for comment")),
                _ => return Ok(()),
            }
        }
    }

    /// A double-quoted string. Inside `${...}` everything stands as it is, quotes and line ends too.
    fn quoted(&mut self) -> Result<String, SyntaxError> {
        let start = self.at;
        self.bump();
        let mut out = String::new();
        loop {
            if self.rest.starts_with("${") {
                out.push_str(self.interpolation(start)?);
                continue;
            }
            match self.bump() {
                Some('"') => return Ok(out),
                Some('\\') => {
                    let (c, length) = text::escape(self.rest)
                        .ok_or_else(|| self.error(self.at, "illegal char escape"))?;
                    out.push(c);
                    self.advance(length);
                }
                None | Some('\n' | '\0') => return Err(self.error(start, "literal not terminated")),
                Some('\r') if self.peek() == Some('\n') => {
                    return Err(self.error(start, "literal not terminated"));
                }
                Some(c) => out.push(c),
            }
        }
    }

    fn interpolation(&mut self, string_start: Spot) -> Result<&'a str, SyntaxError> {
        let mut depth = 0_u32;
        for (i, c) in self.rest.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                '\0' => break,
                _ => {}
            }
            if c == '}' && depth == 0 {
                return Ok(self.advance(i + 1));
            }
        }
        Err(self.error(string_start, "literal not terminated"))
    }

    /// `<<MARK` or `<<-MARK` to the line that holds the mark.
    fn heredoc(&mut self) -> Result<String, SyntaxError> {
        let start = self.at;
        if !self.rest.starts_with("<<") {
            return Err(self.error(start, "heredoc expected second '<', didn't see it"));
        }
        self.advance(2);
        let indented = self.rest.starts_with('-');
        if indented {
            self.bump();
        }
        let mark = self.take_while(|c| c.is_alphanumeric() || c == '_');
        if self.rest.starts_with("\r\n") {
            self.bump();
        }
        match self.peek() {
            None => return Err(self.error(start, "heredoc not terminated")),
            Some('\n') if mark.is_empty() => {
                return Err(self.error(self.at, "zero-length heredoc anchor"));
            }
            Some('\n') => self.bump(),
            Some(_) => return Err(self.error(self.at, "invalid characters in heredoc anchor")),
        };
        let found = text::heredoc(self.rest, mark, indented)
            .ok_or_else(|| self.error(start, "heredoc not terminated"))?;
        self.advance(found.length);
        Ok(found.text)
    }

    fn number(&mut self) -> Result<Kind, SyntaxError> {
        let at = self.at;
        let text = &self.rest[..text::number_length(self.rest)];
        if text == "-" {
            return Ok(self.single(Kind::Minus));
        }
        let scalar = text::number(text).map_err(|problem| self.error(at, problem))?;
        self.advance(text.len());
        Ok(Kind::Scalar(scalar))
    }

    fn error(&self, at: Spot, text: &str) -> SyntaxError {
        SyntaxError {
            at,
            text: text.to_owned(),
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.advance(c.len_utf8());
        Some(c)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        self.advance(self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len()))
    }

    fn advance(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        self.at = self.at.after(taken);
        taken
    }
}

fn is_ident_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}
