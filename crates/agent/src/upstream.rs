//! Where requests of the agent's own parts go: the server, or the cache in front of it.

use std::future::Future;
use std::pin::Pin;

use pannier_vault::{Client, Error, Request, Response};

/// An answer to come.
pub(crate) type Answering<'a> = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send + 'a>>;

/// Something that answers requests: a [`Client`], or the cache that sits before one.
pub(crate) trait Upstream: Send + Sync {
    /// Sends a request. An answer of 400 or more is an error with the text of the reference.
    fn send<'a>(&'a self, request: &'a Request) -> Answering<'a>;
}

impl Upstream for Client {
    fn send<'a>(&'a self, request: &'a Request) -> Answering<'a> {
        Box::pin(Client::send(self, request))
    }
}
