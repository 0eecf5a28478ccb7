//! What was fetched, as the template engine wants it.

use pannier_template::{Answer, Text};

use super::fetch::Fetched;

/// The answer a template gets.
pub(crate) fn of(value: Fetched) -> Answer {
    match value {
        Fetched::List(names) => Answer::List(names),
        Fetched::File(bytes) => Answer::File(Text::from(bytes.expose_bytes())),
        Fetched::Secret(_) | Fetched::Certificates(_) => Answer::Failed("not yet".to_owned()),
    }
}
