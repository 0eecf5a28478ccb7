//! The agent's own servers: on TCP, with or without TLS, or on a Unix socket.

mod address;
mod deadline;
mod reply;
mod routes;
mod tls;

use std::fs;
use std::future::Future;
use std::io;
use std::net::TcpListener as StdTcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use nix::unistd::{Group, User};
use pannier_agent_config::{Listener, ListenerAddress, SocketOwner};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::files::words;
use deadline::{Limits, Timed};
pub(crate) use routes::Routes;
use tls::Certificates;

const LOG: &str = "agent";

/// How long open requests may take to end when the agent stops.
const GRACE: Duration = Duration::from_secs(5);

/// A pause after an error while accepting, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener that could not be started; printed with `Error starting listener: ` before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Error starting listener: {0}")]
pub struct ListenerError(String);

/// A listener that is bound: clients can connect, and are served once it runs.
pub(crate) struct Bound {
    listener: Listener,
    socket: Socket,
    certificates: Option<Certificates>,
    /// As a client would write it.
    address: String,
}

enum Socket {
    Tcp(StdTcpListener),
    Unix(StdUnixListener, SocketFile),
}

/// A socket file, removed when the listener goes.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Bound {
    /// Binds a listener and loads its certificate.
    ///
    /// # Errors
    ///
    /// An address that cannot be bound, a certificate that cannot be used.
    pub(crate) fn new(listener: &Listener) -> Result<Self, ListenerError> {
        let certificates = listener
            .tls
            .as_ref()
            .map(Certificates::load)
            .transpose()
            .map_err(ListenerError)?;
        let (socket, address) = match &listener.address {
            ListenerAddress::Tcp(address) => {
                let address = address::expand(address).map_err(ListenerError)?;
                // Behind the last colon, unless that is within the brackets of an IPv6 address.
                if !address.rsplit(']').next().unwrap_or_default().contains(':') {
                    let error = format!("listen tcp: address {address}: missing port in address");
                    return Err(ListenerError(error));
                }
                let fail = |error: io::Error| {
                    ListenerError(format!("listen tcp {address}: bind: {}", words(&error)))
                };
                let socket = address::bind(&address).map_err(fail)?;
                let bound = socket
                    .local_addr()
                    .map_or(address.clone(), |bound| bound.to_string());
                let scheme = if certificates.is_some() {
                    "https"
                } else {
                    "http"
                };
                (Socket::Tcp(socket), format!("{scheme}://{bound}"))
            }
            ListenerAddress::Unix(path, owner) => {
                let fail = |error: io::Error| {
                    ListenerError(format!("listen unix {path}: bind: {}", words(&error)))
                };
                // What an earlier run left behind.
                let _ = fs::remove_file(path);
                let socket = StdUnixListener::bind(path).map_err(fail)?;
                let file = SocketFile(path.into());
                if let Some(owner) = owner {
                    give(path, owner).map_err(ListenerError)?;
                }
                socket.set_nonblocking(true).map_err(fail)?;
                (Socket::Unix(socket, file), format!("unix://{path}"))
            }
        };
        Ok(Self {
            listener: listener.clone(),
            socket,
            certificates,
            address,
        })
    }

    /// Where it listens, as a client would write it.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What it was configured to be.
    pub(crate) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// Serves until `stop` says so, then lets open requests end.
    pub(crate) async fn serve(
        self,
        routes: Arc<Routes>,
        mut stop: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let limits = Limits {
            head: self.listener.read_header_timeout,
            body: self.listener.read_timeout,
            idle: self.listener.idle_timeout,
        };
        let mut connections = JoinSet::new();
        let serving = stop.clone();
        let begin = |connections: &mut JoinSet<()>, stream: Stream| {
            let (routes, stop) = (Arc::clone(&routes), serving.clone());
            match self.certificates.as_ref().map(Certificates::acceptor) {
                None => connections.spawn(connection(stream, routes, limits, stop)),
                Some(acceptor) => connections.spawn(async move {
                    match tokio::time::timeout(limits.head, acceptor.accept(stream)).await {
                        Ok(Ok(stream)) => connection(stream, routes, limits, stop).await,
                        Ok(Err(error)) => {
                            tracing::debug!(target: LOG, %error, "TLS handshake error")
                        }
                        Err(_) => {}
                    }
                }),
            };
        };
        let (socket, _file) = match self.socket {
            Socket::Tcp(socket) => (Accepting::Tcp(TcpListener::from_std(socket)?), None),
            Socket::Unix(socket, file) => {
                (Accepting::Unix(UnixListener::from_std(socket)?), Some(file))
            }
        };
        loop {
            tokio::select! {
                accepted = socket.accept() => match accepted {
                    Ok(stream) => begin(&mut connections, stream),
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
                () = told(&mut stop) => break,
                Some(_) = connections.join_next() => {}
            }
        }
        let _ = tokio::time::timeout(GRACE, async {
            while connections.join_next().await.is_some() {}
        })
        .await;
        Ok(())
    }
}

/// A socket that the runtime watches.
enum Accepting {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Accepting {
    async fn accept(&self) -> io::Result<Stream> {
        Ok(match self {
            Self::Tcp(socket) => {
                let (stream, _) = socket.accept().await?;
                let _ = stream.set_nodelay(true);
                Box::new(stream)
            }
            Self::Unix(socket) => Box::new(socket.accept().await?.0),
        })
    }
}

/// A connection of either kind; one kind of code for both keeps the program small.
type Stream = Box<dyn Duplex>;

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// Ready when the listener shall stop.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Serves one connection until it ends, or its request has been answered when `stop` says so.
fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    routes: Arc<Routes>,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) -> impl Future<Output = ()> + Send {
    let (stream, phase) = Timed::new(stream, limits);
    async move {
        let service = service_fn(|request| {
            let (routes, phase) = (Arc::clone(&routes), phase.clone());
            async move {
                phase.answering();
                let reply = routes.answer(request, limits.body).await;
                phase.idle();
                Ok::<_, std::convert::Infallible>(reply)
            }
        });
        let served = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(served);
        tokio::select! {
            _ = served.as_mut() => {}
            () = told(&mut stop) => {
                served.as_mut().graceful_shutdown();
                let _ = served.await;
            }
        }
    }
}

/// Gives a socket file its mode and owner.
fn give(path: &str, owner: &SocketOwner) -> Result<(), String> {
    let user = match owner.user.parse() {
        Ok(id) => id,
        Err(_) => {
            let user = User::from_name(&owner.user).ok().flatten();
            user.map(|user| user.uid.as_raw())
                .ok_or_else(|| format!("socket_user: unknown user {}", owner.user))?
        }
    };
    let group = match owner.group.parse() {
        Ok(id) => id,
        Err(_) => {
            let group = Group::from_name(&owner.group).ok().flatten();
            group
                .map(|group| group.gid.as_raw())
                .ok_or_else(|| format!("socket_group: unknown group {}", owner.group))?
        }
    };
    chown(path, Some(user), Some(group))
        .map_err(|error| format!("chown {path}: {}", words(&error)))?;
    fs::set_permissions(path, fs::Permissions::from_mode(owner.mode))
        .map_err(|error| format!("chmod {path}: {}", words(&error)))
}
