//! The token of auto-auth as it travels from the login to those who use it.

use std::sync::Arc;

use pannier_redacted::Redacted;
use pannier_vault::WrapInfo;
use tokio::sync::watch;

/// What a login gave.
#[derive(Debug, Clone)]
pub(crate) enum Token {
    /// A token to use.
    Plain(Redacted),
    /// A wrapped token: only sinks can do something with it.
    Wrapped(Arc<WrapInfo>),
}

impl Token {
    /// The text that tells one token from another.
    #[must_use]
    pub(crate) fn text(&self) -> &Redacted {
        match self {
            Self::Plain(text) => text,
            Self::Wrapped(info) => &info.token,
        }
    }

    /// The token itself, unless it is wrapped.
    #[must_use]
    pub(crate) fn plain(&self) -> Option<&Redacted> {
        match self {
            Self::Plain(text) => Some(text),
            Self::Wrapped(_) => None,
        }
    }
}

/// The current token; `None` before the first login.
pub(crate) type Tokens = watch::Receiver<Option<Token>>;

/// Publishes a token, if its text is new.
pub(crate) fn publish(tokens: &watch::Sender<Option<Token>>, token: Token) {
    tokens.send_if_modified(|current| {
        let same = current
            .as_ref()
            .is_some_and(|current| current.text() == token.text());
        if !same {
            *current = Some(token);
        }
        !same
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_no_news() {
        let (sender, mut receiver) = watch::channel(None);
        for (text, news) in [("a", true), ("a", false), ("b", true)] {
            publish(&sender, Token::Plain(text.into()));
            assert_eq!(receiver.has_changed().unwrap_or(false), news);
            receiver.mark_unchanged();
        }
    }
}
