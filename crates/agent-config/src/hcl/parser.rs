//! Tokens to the tree.

use std::fmt::Write;

use super::lexer::{Kind, Lexer, Token};
use crate::ast::{Item, Key, List, Literal, Object, Scalar, Spot, SyntaxError, Value};

/// How deep lists and objects may lie in each other; a deeper configuration is refused instead of
/// exhausting the stack. The deepest real one has five.
const MAX_DEPTH: u32 = 100;

/// Reads a whole source.
pub(crate) fn parse(source: &str) -> Result<Object, SyntaxError> {
    let mut lexer = Lexer::new(source);
    let next = lexer.next()?;
    let mut parser = Parser {
        lexer,
        next,
        depth: 0,
    };
    let items = parser.items(None)?;
    Ok(Object {
        at: Spot::START,
        items,
    })
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    next: Token,
    depth: u32,
}

impl Parser<'_> {
    fn take(&mut self) -> Result<Token, SyntaxError> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    /// The items of a file (`opened` is none) or of an object, with the brace that ends it.
    fn items(&mut self, opened: Option<Spot>) -> Result<Vec<Item>, SyntaxError> {
        let mut items = Vec::new();
        loop {
            match (&self.next.kind, opened) {
                (Kind::End, None) => return Ok(items),
                (Kind::End, Some(_)) => {
                    return Err(self.error("object expected closing RBRACE got: EOF".to_owned()));
                }
                (Kind::RightBrace, Some(_)) => {
                    self.take()?;
                    return Ok(items);
                }
                _ => {}
            }
            let (keys, ends) = self.keys()?;
            let value = match ends {
                Ends::InObject => Value::Object(self.object()?),
                Ends::InAssignment => self.value()?,
            };
            items.push(Item { keys, value });
            if self.next.kind == Kind::Comma {
                self.take()?;
            }
        }
    }

    /// The keys of an item up to its `=`, which is taken, or its brace, which is not.
    fn keys(&mut self) -> Result<(Vec<Key>, Ends), SyntaxError> {
        let mut keys: Vec<Key> = Vec::new();
        let mut shown = String::new();
        loop {
            let at = self.next.at;
            match &self.next.kind {
                Kind::Ident(text) | Kind::Scalar(Scalar::Text(text)) => {
                    let quote = if matches!(self.next.kind, Kind::Ident(_)) {
                        ""
                    } else {
                        "\""
                    };
                    let space = if shown.is_empty() { "" } else { " " };
                    write!(shown, "{space}{quote}{text}{quote}")
                        .expect("writing to a string succeeds");
                    keys.push(Key {
                        at,
                        text: text.clone(),
                    });
                    self.take()?;
                }
                Kind::Assign => match keys.len() {
                    0 => return Err(self.error("no object keys found!".to_owned())),
                    1 => {
                        self.take()?;
                        return Ok((keys, Ends::InAssignment));
                    }
                    _ => {
                        return Err(
                            self.error("nested object expected: LBRACE got: ASSIGN".to_owned())
                        );
                    }
                },
                Kind::LeftBrace if keys.is_empty() => {
                    return Err(self.error("expected: IDENT | STRING got: LBRACE".to_owned()));
                }
                Kind::LeftBrace => return Ok((keys, Ends::InObject)),
                Kind::End if !keys.is_empty() => {
                    let text = format!(
                        "key '{shown}' expected start of object ('{{') or assignment ('=')"
                    );
                    return Err(self.error(text));
                }
                other => {
                    let text = format!(
                        "expected: IDENT | STRING | ASSIGN | LBRACE got: {}",
                        other.name()
                    );
                    return Err(self.error(text));
                }
            }
        }
    }

    fn value(&mut self) -> Result<Value, SyntaxError> {
        match &self.next.kind {
            Kind::LeftBrace => return Ok(Value::Object(self.object()?)),
            Kind::LeftBracket => return Ok(Value::List(self.list()?)),
            Kind::Scalar(_) | Kind::Heredoc(_) => {}
            Kind::End => {
                return Err(self.error("object expected closing RBRACE got: EOF".to_owned()));
            }
            other => {
                let Spot { line, column } = self.next.at;
                let text = format!(
                    "Unknown token: {line}:{column} {} {}",
                    other.name(),
                    other.text()
                );
                return Err(self.error(text));
            }
        }
        let Token { at, kind } = self.take()?;
        Ok(Value::Literal(Literal {
            at,
            scalar: scalar(kind),
        }))
    }

    fn object(&mut self) -> Result<Object, SyntaxError> {
        let at = self.deeper()?;
        let items = self.items(Some(at))?;
        self.depth -= 1;
        Ok(Object { at, items })
    }

    fn list(&mut self) -> Result<List, SyntaxError> {
        let at = self.deeper()?;
        let mut values = Vec::new();
        let mut comma_wanted = false;
        loop {
            match &self.next.kind {
                Kind::RightBracket => {
                    self.take()?;
                    self.depth -= 1;
                    return Ok(List { at, values });
                }
                Kind::Comma => {
                    comma_wanted = false;
                    self.take()?;
                }
                other if comma_wanted => {
                    let text = format!(
                        "error parsing list, expected comma or list end, got: {}",
                        other.name()
                    );
                    return Err(self.error(text));
                }
                Kind::Scalar(_) | Kind::Heredoc(_) | Kind::LeftBrace | Kind::LeftBracket => {
                    values.push(self.value()?);
                    comma_wanted = true;
                }
                other => {
                    let text = format!("unexpected token while parsing list: {}", other.name());
                    return Err(self.error(text));
                }
            }
        }
    }

    /// Takes the opening brace or bracket and counts it.
    fn deeper(&mut self) -> Result<Spot, SyntaxError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(format!("more than {MAX_DEPTH} levels of objects and lists")));
        }
        self.depth += 1;
        Ok(self.take()?.at)
    }

    fn error(&self, text: String) -> SyntaxError {
        SyntaxError {
            at: self.next.at,
            text,
        }
    }
}

/// How the keys of an item end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    InAssignment,
    InObject,
}

fn scalar(kind: Kind) -> Scalar {
    match kind {
        Kind::Scalar(scalar) => scalar,
        Kind::Heredoc(text) => Scalar::Text(text),
        _ => Scalar::Null,
    }
}
