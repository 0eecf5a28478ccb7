//! The client: sends requests, tries again, follows one redirect.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode, Uri};
use pannier_redacted::Redacted;
use tokio::sync::Semaphore;
use zeroize::{Zeroize as _, Zeroizing};

use crate::address::{Address, AddressError, Scheme};
use crate::error::Error;
use crate::limit::{RateLimit, RateLimiter};
use crate::pool::{self, Connection, Pool};
use crate::proxy::ProxySettings;
use crate::request::Request;
use crate::response::Response;
use crate::srv::Resolver;
use crate::tls::{TlsError, TlsSettings, TlsStore};
use crate::{random, retry};

/// Everything a client is built from.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Where the server is.
    pub address: Address,
    /// Whom to trust and who we are.
    pub tls: TlsSettings,
    /// Proxies to go through.
    pub proxy: ProxySettings,
    /// Namespace of every request, with its trailing slash; empty for none.
    pub namespace: String,
    /// Limit of a whole call with its retries; zero for none. Default 60 s.
    pub timeout: Duration,
    /// Whether one redirect is followed. Default true.
    pub follow_redirects: bool,
    /// Further headers on every request.
    pub headers: Vec<(String, String)>,
    /// Most connections at once (`template_config.max_connections_per_host`). Default 10.
    pub max_connections: usize,
    /// How long an unused connection stays open; zero closes it after each request. Default 5 s.
    pub keep_idle: Duration,
    /// Whether a second connection is opened while the first request of all is under way, for those that follow it at
    /// once. Default false.
    pub spare: bool,
    /// Most requests per second, if limited.
    pub rate_limit: Option<RateLimit>,
    /// Whether DNS is asked for host and port of a server that is addressed by its name alone. Default false.
    pub srv_lookup: bool,
}

impl ClientConfig {
    /// The defaults, for a server at `address`.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self {
            address,
            tls: TlsSettings::default(),
            proxy: ProxySettings::default(),
            namespace: String::new(),
            timeout: Duration::from_secs(60),
            follow_redirects: true,
            headers: Vec::new(),
            max_connections: 10,
            keep_idle: Duration::from_secs(5),
            spare: false,
            rate_limit: None,
            srv_lookup: false,
        }
    }
}

/// How one part of a program uses a client; the connections are shared.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The `User-Agent` header; empty for none.
    pub user_agent: String,
    /// How often a failed request is sent again.
    pub retries: u32,
    /// What becomes of its connections.
    pub keep: Keep,
}

/// What becomes of a connection once its request is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keep {
    /// It waits for the next request, as long as [`ClientConfig::keep_idle`].
    #[default]
    Idle,
    /// It is closed, and each request opens its own (`disable_idle_connections`).
    Never,
    /// The same, and the server is told so with `Connection: close` (`disable_keep_alives`).
    Close,
}

/// Why a client could not be built.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BuildError {
    /// The certificates.
    #[error("failed to setup TLS config: {0}")]
    Tls(#[from] TlsError),
    /// A proxy's address.
    #[error("proxy: {0}")]
    Proxy(#[from] AddressError),
    /// A header that HTTP does not allow.
    #[error("header `{0}`: not allowed in HTTP")]
    Header(String),
}

/// A client of one server. Clones share connections, certificates and rate limit.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    /// How many requests may be under way at once.
    slots: Arc<Semaphore>,
    policy: Policy,
    token: Option<Redacted>,
    namespace: String,
}

struct Shared {
    config: ClientConfig,
    tls: TlsStore,
    pool: Arc<Pool>,
    limiter: Option<RateLimiter>,
    /// Whether the spare connection was asked for.
    spared: AtomicBool,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.shared.config.address.to_string())
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Builds a client without connecting.
    ///
    /// # Errors
    ///
    /// When a certificate file cannot be used, also for an address without TLS, a proxy's address does not parse, or a header
    /// is not allowed.
    pub fn new(config: ClientConfig) -> Result<Self, BuildError> {
        let tls = TlsStore::new(
            config.tls.clone(),
            config.address.is_tls() || config.tls.names_files(),
        )?;
        config.proxy.choose(&config.address)?;
        for (name, value) in &config.headers {
            if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
                return Err(BuildError::Header(name.clone()));
            }
        }
        let shared = Shared {
            tls,
            pool: Arc::default(),
            limiter: config.rate_limit.map(RateLimiter::new),
            spared: AtomicBool::new(config.max_connections <= 1 || config.keep_idle.is_zero()),
            config,
        };
        Ok(Self {
            slots: Arc::new(Semaphore::new(shared.config.max_connections.max(1))),
            policy: Policy::default(),
            token: None,
            namespace: shared.config.namespace.clone(),
            shared: Arc::new(shared),
        })
    }

    /// The same client, used in another way.
    #[must_use]
    pub fn with_policy(&self, policy: Policy) -> Self {
        Self {
            policy,
            ..self.clone()
        }
    }

    /// The same client with a limit of its own on connections at once, so that neither holds up the other.
    #[must_use]
    pub fn with_max_connections(&self, most: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(most.max(1))),
            ..self.clone()
        }
    }

    /// The same client, with a token for requests that bring none.
    #[must_use]
    pub fn with_token(&self, token: Option<Redacted>) -> Self {
        Self {
            token,
            ..self.clone()
        }
    }

    /// The same client in another namespace (with trailing slash; empty for none).
    #[must_use]
    pub fn with_namespace(&self, namespace: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            ..self.clone()
        }
    }

    /// What the client was built from.
    #[must_use]
    pub fn config(&self) -> &ClientConfig {
        &self.shared.config
    }

    /// How this part of the program uses the client.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The namespace of requests that bring none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Sends a request and takes an answer below 400 as success.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] for an answer of 400 or more, the other variants when there is no usable answer.
    pub async fn send(&self, request: &Request) -> Result<Response, Error> {
        let response = self.exchange(request).await?;
        if response.status < 400 {
            return Ok(response);
        }
        let namespace = request.namespace.as_deref().unwrap_or(&self.namespace);
        Err(response.into_error(request.method.as_str(), &self.url(request), namespace))
    }

    /// Sends a request and hands back whatever the server answered, after retries and redirect.
    ///
    /// # Errors
    ///
    /// When there is no usable answer within the client's time limit.
    pub async fn exchange(&self, request: &Request) -> Result<Response, Error> {
        let limit = self.shared.config.timeout;
        let mut last = None;
        if limit.is_zero() {
            return self.attempts(request, &mut last).await;
        }
        match tokio::time::timeout(limit, self.attempts(request, &mut last)).await {
            Ok(outcome) => outcome,
            // An answer that says why beats the news that time is up.
            Err(_) => match last {
                Some(response) => Ok(response),
                None => Err(Error::transport(
                    request.method.as_str(),
                    &self.url(request),
                    "context deadline exceeded",
                )),
            },
        }
    }

    fn url(&self, request: &Request) -> String {
        let address = &self.shared.config.address;
        address.url(&request.target(address.base()))
    }

    /// Tries until an answer is final or the retries are used up. `last` keeps the latest answer.
    async fn attempts(
        &self,
        request: &Request,
        last: &mut Option<Response>,
    ) -> Result<Response, Error> {
        let mut attempt = 0;
        loop {
            if let Some(limiter) = &self.shared.limiter {
                limiter.wait().await;
            }
            let outcome = self.follow(request).await;
            let (status, wish) = match &outcome {
                Ok(response) if !retry::is_retried(response.status) => return outcome,
                Ok(response) => {
                    let now = SystemTime::now()
                        .duration_since(UNIX_EPOCH)
                        .unwrap_or_default();
                    let wish = response
                        .header("retry-after")
                        .and_then(|text| retry::retry_after(text, now));
                    (Some(response.status), wish)
                }
                Err(Error::Transport { .. }) => (None, None),
                Err(_) => return outcome,
            };
            if attempt >= self.policy.retries {
                return outcome;
            }
            attempt += 1;
            *last = outcome.ok();
            tokio::time::sleep(retry::pause(attempt, status, wish, random::unit())).await;
        }
    }

    /// One attempt, with the one redirect Vault's clients follow.
    async fn follow(&self, request: &Request) -> Result<Response, Error> {
        let address = &self.shared.config.address;
        let target = request.target(address.base());
        let response = self.once(request, address, &target).await?;
        if !matches!(response.status, 301 | 302 | 307) || !self.shared.config.follow_redirects {
            return Ok(response);
        }
        let Some(location) = response.header("location") else {
            return Ok(response);
        };
        let fail =
            |cause: String| Error::transport(request.method.as_str(), &address.url(&target), cause);
        if location.starts_with('/') {
            return self.once(request, address, location).await;
        }
        let next = Address::parse(location).map_err(|error| fail(format!("redirect: {error}")))?;
        if address.is_tls() && !next.is_tls() {
            return Err(fail("redirect would cause protocol downgrade".to_owned()));
        }
        if matches!(next.scheme(), Scheme::Unix(_)) {
            return Err(fail("redirect to a Unix socket is not followed".to_owned()));
        }
        let after_scheme = location.split_once("://").map_or("", |(_, rest)| rest);
        let target = after_scheme.find('/').map_or("/", |at| &after_scheme[at..]);
        self.once(request, &next, target).await
    }

    async fn once(
        &self,
        request: &Request,
        address: &Address,
        target: &str,
    ) -> Result<Response, Error> {
        let method = request.method.as_str();
        let url = address.url(target);
        let headers = self.headers(request, address)?;
        let fail = |cause: &dyn std::fmt::Display| Error::transport(method, &url, cause);
        let _slot = self.slots.acquire().await.map_err(|error| fail(&error))?;
        loop {
            let mut connection = self
                .connection(address)
                .await
                .map_err(|cause| fail(&cause))?;
            let message = message(request, address, target, &headers, connection.via.as_ref())?;
            let answer = match connection.sender.try_send_request(message).await {
                Ok(answer) => answer,
                Err(mut error) => {
                    // The server may close a kept connection at any time. What it cannot have seen, or may see twice
                    // without harm, goes out again on a fresh one.
                    let unsent = error.take_message().is_some();
                    if connection.used && (unsent || request.method == Method::GET) {
                        continue;
                    }
                    return Err(fail(&broken(error.error())));
                }
            };
            let response = read(answer).await.map_err(|error| fail(&error))?;
            self.keep(connection, &response);
            return Ok(response);
        }
    }

    async fn connection(&self, address: &Address) -> Result<Connection, String> {
        let shared = &*self.shared;
        let generation = if address.is_tls() {
            shared.tls.generation()
        } else {
            0
        };
        if self.policy.keep != Keep::Idle {
            return shared.open(address).await;
        }
        if let Some(connection) = shared.pool.take(address, generation).await {
            return Ok(connection);
        }
        let mut connection = shared.open(address).await?;
        shared.pool.expect(&mut connection);
        if shared.config.spare && !shared.spared.swap(true, Ordering::Relaxed) {
            tokio::spawn(spare(Arc::clone(&self.shared), address.clone()));
        }
        Ok(connection)
    }

    fn keep(&self, connection: Connection, response: &Response) {
        let config = &self.shared.config;
        let closing = response
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if self.policy.keep == Keep::Idle && !config.keep_idle.is_zero() && !closing {
            self.shared.pool.put(connection, config.keep_idle);
        }
    }

    fn headers(&self, request: &Request, address: &Address) -> Result<HeaderMap, Error> {
        let passed_on = request.passed_on.as_ref();
        let mut headers = passed_on
            .map(|passed_on| passed_on.headers.clone())
            .unwrap_or_default();
        let mut put = |name: &'static str, value: &str| {
            let value = HeaderValue::try_from(value).map_err(|_| {
                Error::Request(format!("header `{name}`: the value is not allowed in HTTP"))
            })?;
            headers.insert(HeaderName::from_static(name), value);
            Ok::<_, Error>(())
        };
        put("host", address.authority())?;
        if passed_on.is_none() {
            if !self.policy.user_agent.is_empty() {
                put("user-agent", &self.policy.user_agent)?;
            }
            put("x-vault-request", "true")?;
            let namespace = request.namespace.as_deref().unwrap_or(&self.namespace);
            if !namespace.is_empty() {
                put("x-vault-namespace", namespace)?;
            }
            if let Some(ttl) = request.wrap_ttl {
                let nanos = i64::try_from(ttl.as_nanos()).unwrap_or(i64::MAX);
                put(
                    "x-vault-wrap-ttl",
                    &pannier_go::Duration::from_nanos(nanos).to_string(),
                )?;
            }
        }
        if self.policy.keep == Keep::Close {
            put("connection", "close")?;
        }
        if let Some(token) = request
            .token
            .as_ref()
            .or(self.token.as_ref())
            .filter(|token| !token.is_empty())
        {
            let printable = token
                .expose_bytes()
                .iter()
                .all(|byte| (0x20..0x7f).contains(byte));
            let value = HeaderValue::try_from(token.expose_bytes())
                .ok()
                .filter(|_| printable);
            let mut value = value.ok_or(Error::Token)?;
            value.set_sensitive(true);
            headers.insert("x-vault-token", value);
        }
        let own = if passed_on.is_none() {
            self.shared.config.headers.as_slice()
        } else {
            &[]
        };
        for (name, value) in own.iter().chain(&request.headers) {
            match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                (Ok(name), Ok(value)) => {
                    headers.append(name, value);
                }
                _ => {
                    return Err(Error::Request(format!(
                        "header `{name}`: not allowed in HTTP"
                    )));
                }
            }
        }
        Ok(headers)
    }
}

impl Shared {
    async fn open(&self, address: &Address) -> Result<Connection, String> {
        let place = if self.config.srv_lookup && address.is_service() {
            let name = format!("_http._tcp.{}", address.host());
            Resolver::system().first(&name).await
        } else {
            None
        };
        let place = place.map(|place| address.at(place.host, place.port));
        let place = place.as_ref().unwrap_or(address);
        pool::open(address, place, &self.tls, &self.config.proxy).await
    }
}

/// Opens a connection for a request to come. What goes wrong is told by the request that meets it.
async fn spare(shared: Arc<Shared>, address: Address) {
    if let Ok(connection) = shared.open(&address).await {
        shared.pool.put(connection, shared.config.keep_idle);
    }
}

/// The request as hyper wants it.
fn message(
    request: &Request,
    address: &Address,
    target: &str,
    headers: &HeaderMap,
    via: Option<&crate::proxy::Proxy>,
) -> Result<hyper::Request<Full<Bytes>>, Error> {
    // A proxy that reads requests needs to know where they go.
    let uri = if via.is_some() {
        address.url(target)
    } else {
        target.to_owned()
    };
    let uri = Uri::try_from(uri)
        .map_err(|error| Error::Request(format!("request target `{target}`: {error}")))?;
    let body = match &request.body {
        // The copy that waits to be written is zeroed when the last reference goes.
        Some(body) => Full::new(Bytes::from_owner(body.0.clone())),
        None => Full::default(),
    };
    let mut message = hyper::Request::new(body);
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = uri;
    *message.headers_mut() = headers.clone();
    if let Some(authorization) = via.and_then(|proxy| proxy.authorization.as_ref())
        && let Ok(value) = HeaderValue::try_from(authorization.expose())
    {
        message.headers_mut().insert("proxy-authorization", value);
    }
    Ok(message)
}

/// Reads the whole answer; an answer that ends early is an error, never a shorter answer.
async fn read(answer: hyper::Response<Incoming>) -> Result<Response, String> {
    let (head, mut body) = answer.into_parts();
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > Response::LIMIT {
                return Err(format!(
                    "the answer is longer than {} bytes",
                    Response::LIMIT
                ));
            }
            append(&mut bytes, &data);
        }
    }
    Ok(Response {
        status: StatusCode::as_u16(&head.status),
        headers: head.headers,
        body: bytes,
    })
}

/// Grows without leaving a copy of a secret in freed memory.
fn append(bytes: &mut Vec<u8>, more: &[u8]) {
    let needed = bytes.len() + more.len();
    if needed > bytes.capacity() {
        let mut grown = Vec::with_capacity(needed.max(2 * bytes.capacity()));
        grown.extend_from_slice(bytes);
        bytes.zeroize();
        *bytes = grown;
    }
    bytes.extend_from_slice(more);
}

/// What broke, in the words of Go's client where it has some.
fn broken(error: &hyper::Error) -> String {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            if io
                .get_ref()
                .is_some_and(|inner| inner.is::<rustls::Error>())
            {
                return crate::tls::explain(io);
            }
            return match io.kind() {
                std::io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
                _ => crate::connect::words(io),
            };
        }
        source = inner.source();
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        "EOF".to_owned()
    } else if error.is_parse() {
        format!("malformed HTTP response: {error}")
    } else {
        error.to_string()
    }
}
