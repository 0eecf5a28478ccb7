//! Opens the byte stream to a server: TCP or Unix socket, through a proxy or not, with TLS or not.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::address::{Address, Scheme};
use crate::proxy::{Proxy, ProxySettings};
use crate::tls::{self, TlsStore};

/// How long a TCP connection may take to open, and a TLS handshake; Go's defaults.
const DIAL: Duration = Duration::from_secs(30);
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A byte stream, whatever is below it. One boxed type keeps a single copy of the HTTP machinery in the program.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// An open stream, and how requests on it are to be written.
pub(crate) struct Opened {
    pub(crate) stream: Box<dyn Stream>,
    /// Set when a proxy reads the requests: they need the absolute form.
    pub(crate) via: Option<Proxy>,
}

/// Opens a stream to the server. The error is the cause in words.
pub(crate) async fn open(
    target: &Address,
    tls: &TlsStore,
    proxies: &ProxySettings,
) -> Result<Opened, String> {
    if let Scheme::Unix(path) = target.scheme() {
        let stream = UnixStream::connect(path)
            .await
            .map_err(|error| format!("dial unix {}: connect: {}", path.display(), words(&error)))?;
        return Ok(Opened {
            stream: Box::new(stream),
            via: None,
        });
    }
    let proxy = proxies
        .choose(target)
        .map_err(|error| format!("proxyconnect: {error}"))?;
    let Some(proxy) = proxy else {
        let stream: Box<dyn Stream> = Box::new(dial(target).await?);
        let stream = if target.is_tls() {
            secure(stream, target, tls).await?
        } else {
            stream
        };
        return Ok(Opened { stream, via: None });
    };
    let about_proxy = |cause: String| format!("proxyconnect tcp: {cause}");
    let mut stream: Box<dyn Stream> = Box::new(dial(&proxy.address).await.map_err(about_proxy)?);
    if proxy.address.is_tls() {
        stream = secure(stream, &proxy.address, tls)
            .await
            .map_err(about_proxy)?;
    }
    if !target.is_tls() {
        return Ok(Opened {
            stream,
            via: Some(proxy),
        });
    }
    timeout(DIAL, tunnel(&mut stream, target, &proxy))
        .await
        .map_err(|_| about_proxy("i/o timeout".to_owned()))??;
    Ok(Opened {
        stream: secure(stream, target, tls).await?,
        via: None,
    })
}

async fn dial(address: &Address) -> Result<TcpStream, String> {
    let host = address.host();
    let attempt = async {
        let found =
            lookup_host((host, address.port()))
                .await
                .map_err(|error| match error.kind() {
                    io::ErrorKind::TimedOut => format!("dial tcp: lookup {host}: i/o timeout"),
                    _ => format!("dial tcp: lookup {host}: no such host"),
                })?;
        let mut last = format!("dial tcp: lookup {host}: no such host");
        for socket in found {
            match TcpStream::connect(socket).await {
                Ok(stream) => {
                    // Requests are small and whole; waiting for more to send only delays them.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => last = format!("dial tcp {socket}: connect: {}", words(&error)),
            }
        }
        Err(last)
    };
    timeout(DIAL, attempt)
        .await
        .unwrap_or_else(|_| Err(format!("dial tcp {}: i/o timeout", address.authority())))
}

async fn secure(
    stream: Box<dyn Stream>,
    address: &Address,
    tls: &TlsStore,
) -> Result<Box<dyn Stream>, String> {
    let config = tls.current().map_err(|error| error.to_string())?;
    let name = tls
        .server_name(address.host())
        .map_err(|error| error.to_string())?;
    let connector = TlsConnector::from(Arc::clone(&config));
    match timeout(HANDSHAKE, connector.connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => Err(tls::explain(&error)),
        Err(_) => Err("net/http: TLS handshake timeout".to_owned()),
    }
}

/// Asks the proxy for a tunnel (`CONNECT`).
async fn tunnel(
    stream: &mut Box<dyn Stream>,
    target: &Address,
    proxy: &Proxy,
) -> Result<(), String> {
    let host = if target.host().contains(':') {
        format!("[{}]", target.host())
    } else {
        target.host().to_owned()
    };
    let goal = format!("{host}:{}", target.port());
    let authorization = match &proxy.authorization {
        Some(value) => format!("Proxy-Authorization: {}\r\n", value.expose()),
        None => String::new(),
    };
    let request = format!("CONNECT {goal} HTTP/1.1\r\nHost: {goal}\r\n{authorization}\r\n");
    let broken = |error: io::Error| format!("proxyconnect tcp: {}", words(&error));
    stream.write_all(request.as_bytes()).await.map_err(broken)?;
    // Byte by byte: what follows the head belongs to the tunnel.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > 16 * 1024 {
            return Err("proxyconnect tcp: the proxy's answer is too long".to_owned());
        }
        head.push(stream.read_u8().await.map_err(broken)?);
    }
    let status = String::from_utf8_lossy(&head);
    let status = status.lines().next().unwrap_or_default();
    let mut words = status.splitn(3, ' ').skip(1);
    match words.next() {
        Some(code) if code.starts_with('2') => Ok(()),
        Some(code) => Err(words.next().unwrap_or(code).to_owned()),
        None => Err(format!(
            "proxyconnect tcp: malformed HTTP response \"{status}\""
        )),
    }
}

/// The system's words for an error, without the number Rust appends.
pub(crate) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
        _ => text.to_lowercase(),
    }
}
