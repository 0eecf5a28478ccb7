//! From text to [`node::Tree`]s, refusing what Go's parser refuses, with its words.

pub(crate) mod chars;
mod control;
mod lex;
pub(crate) mod node;
pub(crate) mod number;
mod pipeline;
pub(crate) mod print;
mod token;

use std::collections::BTreeMap;

use pannier_go::quote;

use crate::value::Text;
use lex::{Lexer, Settings};
use node::{FunctionRef, Pipe, Tree};
use token::{Kind, Token};

/// Why a template was refused.
#[derive(Debug)]
pub(crate) struct ParseError {
    /// Go's text, without `template: NAME:LINE: `.
    pub(crate) text: String,
    /// The line Go names.
    pub(crate) line: usize,
    /// The byte where the parser stopped, for the excerpt.
    pub(crate) pos: usize,
    /// The name of the function that is not there, if that is the trouble.
    pub(crate) unknown_function: Option<String>,
}

type Result<T> = std::result::Result<T, ParseError>;

/// A whole source: all its templates.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// The name that error texts give as the place.
    pub(crate) name: String,
    pub(crate) source: Text,
    /// The delimiters, for nodes in error texts.
    pub(crate) left: String,
    pub(crate) right: String,
    pub(crate) trees: Vec<Tree>,
    pub(crate) by_name: BTreeMap<Text, usize>,
    pub(crate) pipes: Vec<Pipe>,
}

/// What the parser must know beside the source.
pub(crate) struct Context<'t> {
    pub(crate) name: &'t str,
    pub(crate) left: &'t str,
    pub(crate) right: &'t str,
    /// Finds a function by name.
    pub(crate) functions: &'t dyn Fn(&str) -> Option<FunctionRef>,
}

/// Parses `source` and everything it defines.
pub(crate) fn parse(source: &[u8], context: &Context<'_>) -> Result<Parsed> {
    let or_default = |text: &'_ str, default: &'static str| {
        if text.is_empty() {
            default.to_owned()
        } else {
            text.to_owned()
        }
    };
    let (left, right) = (
        or_default(context.left, "{{"),
        or_default(context.right, "}}"),
    );
    let settings = Settings {
        left: left.as_bytes(),
        right: right.as_bytes(),
        break_is_keyword: (context.functions)("break").is_none(),
        continue_is_keyword: (context.functions)("continue").is_none(),
    };
    let mut parser = Parser {
        source,
        context,
        lexer: Lexer::new(source, settings),
        parsed: Parsed {
            name: context.name.to_owned(),
            source: Text::from(source),
            left: left.clone(),
            right: right.clone(),
            ..Parsed::default()
        },
        states: Vec::new(),
        state: State::new(Text::from(context.name)),
        variable_ids: BTreeMap::new(),
        unknown_function: None,
    };
    parser.run()?;
    Ok(parser.parsed)
}

struct Parser<'t> {
    source: &'t [u8],
    context: &'t Context<'t>,
    lexer: Lexer<'t>,
    parsed: Parsed,
    /// The templates that wait for the one being read to end.
    states: Vec<State>,
    state: State,
    variable_ids: BTreeMap<Box<str>, u32>,
    unknown_function: Option<String>,
}

/// What belongs to the one template being read, its look-ahead included: Go gives each a parser of its own, and the lines
/// in error texts depend on that.
struct State {
    name: Text,
    ops: Vec<node::Op>,
    tokens: [Token; 3],
    peeked: usize,
    variables: Vec<Box<str>>,
    range_depth: usize,
    /// The line of the action being read, 0 for none.
    action_line: usize,
    open: Vec<control::Open>,
    kind: control::TreeKind,
}

impl State {
    fn new(name: Text) -> Self {
        Self {
            name,
            ops: Vec::new(),
            tokens: [Token::none(), Token::none(), Token::none()],
            peeked: 0,
            variables: vec!["$".into()],
            range_depth: 0,
            action_line: 0,
            open: Vec::new(),
            kind: control::TreeKind::Root,
        }
    }
}

impl Parser<'_> {
    // === tokens ===

    fn next(&mut self) -> Token {
        let state = &mut self.state;
        if state.peeked > 0 {
            state.peeked -= 1;
        } else {
            state.tokens[0] = self.lexer.next_token();
        }
        state.tokens[state.peeked].clone()
    }

    fn backup(&mut self) {
        self.state.peeked += 1;
    }

    /// Puts back the last token and `before`, which came before it.
    fn backup2(&mut self, before: Token) {
        self.state.tokens[1] = before;
        self.state.peeked = 2;
    }

    /// Puts back the last token and the two before it, `first` being the earliest.
    fn backup3(&mut self, first: Token, second: Token) {
        self.state.tokens[1] = second;
        self.state.tokens[2] = first;
        self.state.peeked = 3;
    }

    fn peek(&mut self) -> Token {
        let state = &mut self.state;
        if state.peeked == 0 {
            state.peeked = 1;
            state.tokens[0] = self.lexer.next_token();
        }
        state.tokens[state.peeked - 1].clone()
    }

    fn peek_kind(&mut self) -> Kind {
        let state = &mut self.state;
        if state.peeked == 0 {
            state.peeked = 1;
            state.tokens[0] = self.lexer.next_token();
        }
        state.tokens[state.peeked - 1].kind
    }

    fn next_non_space(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> Token {
        let token = self.next_non_space();
        self.backup();
        token
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result<Token> {
        let token = self.next_non_space();
        if token.kind == kind {
            Ok(token)
        } else {
            Err(self.unexpected(&token, context))
        }
    }

    fn text_of(&self, token: &Token) -> &[u8] {
        self.source.get(token.pos..token.end).unwrap_or_default()
    }

    fn string_of(&self, token: &Token) -> String {
        String::from_utf8_lossy(self.text_of(token)).into_owned()
    }

    // === errors ===

    fn error(&mut self, text: impl Into<String>) -> ParseError {
        let token = &self.state.tokens[0];
        ParseError {
            text: text.into(),
            line: token.line,
            pos: token.pos,
            unknown_function: self.unknown_function.take(),
        }
    }

    fn unexpected(&mut self, token: &Token, context: &str) -> ParseError {
        let shown = self.describe(token);
        if token.kind != Kind::Error {
            return self.error(format!("unexpected {shown} in {context}"));
        }
        let line = self.state.action_line;
        if line == 0 || line == token.line {
            return self.error(shown);
        }
        // Not "action in action".
        let what = if shown.ends_with(" action") {
            ""
        } else {
            " in action"
        };
        let name = self.context.name;
        self.error(format!("{shown}{what} started at {name}:{line}"))
    }

    /// A token as error texts show it.
    fn describe(&self, token: &Token) -> String {
        if let Some(text) = &token.error {
            return text.to_string();
        }
        let text = self.text_of(token);
        if token.kind == Kind::Eof {
            return "EOF".into();
        }
        if token.kind.is_keyword() {
            return format!("<{}>", String::from_utf8_lossy(text));
        }
        if text.len() > 10 {
            return format!("{}...", quote::quote(first_characters(text, 10)));
        }
        quote::quote(text)
    }

    /// The value of a string token.
    fn unquote(&mut self, token: &Token) -> Result<Vec<u8>> {
        match quote::unquote(self.text_of(token)) {
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(self.error(error.to_string())),
        }
    }
}

/// At most `count` characters from the start.
fn first_characters(text: &[u8], count: usize) -> &[u8] {
    let mut end = 0;
    for _ in 0..count {
        match chars::decode(&text[end..]) {
            Some((_, width)) => end += width,
            None => break,
        }
    }
    &text[..end]
}
