//! An answer of the server, read to its end.

use hyper::header::HeaderMap;
use pannier_go::json::Json;
use zeroize::Zeroizing;

use crate::error::{ApiError, Error};
use crate::secret::Secret;

/// A complete answer. The body is zeroed on drop.
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers as received.
    pub headers: HeaderMap,
    /// Body bytes.
    pub body: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Response({}, {} bytes)", self.status, self.body.len())
    }
}

impl Response {
    /// Longest body taken, in bytes. Vault refuses requests above 32 MiB, so no secret is longer.
    pub const LIMIT: usize = 64 << 20;

    /// A header's text, the first one of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as a secret; `None` for an empty body (204), as after most writes.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] when the body is not the JSON object Vault answers with.
    pub fn secret(&self) -> Result<Option<Secret>, Error> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        Secret::parse(&self.body).map(Some)
    }

    /// The error this answer stands for.
    #[must_use]
    pub fn into_error(self, method: &str, url: &str, namespace: &str) -> Error {
        let mut errors = Vec::new();
        let mut known = false;
        if let Ok(body) = pannier_go::json::decode(&self.body) {
            known = body.as_object().is_some();
            let list = body
                .get("errors")
                .and_then(Json::as_array)
                .unwrap_or_default();
            errors = list
                .iter()
                .filter_map(Json::as_str)
                .map(str::to_owned)
                .collect();
        }
        let raw = (!known).then(|| String::from_utf8_lossy(&self.body).into_owned());
        Error::Api(Box::new(ApiError {
            method: method.to_owned(),
            url: url.to_owned(),
            namespace: namespace.to_owned(),
            code: self.status,
            errors,
            raw,
        }))
    }
}
