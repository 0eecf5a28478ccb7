//! The command `healthcheck`: asks a running agent whether all is well, for exec probes.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

use pannier_agent_config::Environment;

/// Where an agent listens unless told otherwise.
const DEFAULT: &str = "http://127.0.0.1:8200";

/// How long each step may take; a probe has a second by default.
const LIMIT: Duration = Duration::from_millis(800);

/// Code 0 and the verdict when all is well; code 1 and the reason otherwise.
pub(crate) fn run(words: &[&str], environment: &Environment) -> ExitCode {
    let address = match words {
        [] => environment.set("VAULT_AGENT_ADDR").unwrap_or(DEFAULT),
        [flag] if flag.trim_start_matches('-').starts_with("address=") => {
            flag.split_once('=').map_or(DEFAULT, |(_, address)| address)
        }
        _ => {
            eprintln!(
                "Usage: vault healthcheck [-address=URL]\n\n  \
                 URL is that of a listener of the agent, http://host:port or unix:///path (default VAULT_AGENT_ADDR,\n  \
                 then {DEFAULT}); `role = \"metrics_only\"` is enough."
            );
            return ExitCode::from(crate::USAGE);
        }
    };
    match ask(address) {
        Ok((200, body)) => {
            println!("{body}");
            ExitCode::SUCCESS
        }
        Ok((status, body)) => {
            println!("{status} {body}");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!(
                "{address}: {error}\nhint: the agent's configuration needs a listener at this address"
            );
            ExitCode::FAILURE
        }
    }
}

fn ask(address: &str) -> io::Result<(u16, String)> {
    if let Some(path) = address.strip_prefix("unix://") {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(LIMIT))?;
        return exchange(stream, "localhost");
    }
    let invalid = |text: &str| io::Error::new(io::ErrorKind::InvalidInput, text.to_owned());
    let rest = address
        .strip_prefix("http://")
        .ok_or_else(|| invalid("expected http:// or unix://"))?;
    let host = rest.split('/').next().unwrap_or_default();
    let with_port = if host.rsplit(']').next().is_some_and(|end| end.contains(':')) {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let target = with_port
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| invalid("the host has no address"))?;
    let stream = TcpStream::connect_timeout(&target, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    exchange(stream, host)
}

/// Status and body of `GET /agent/v1/health`.
fn exchange(mut stream: impl Read + Write, host: &str) -> io::Result<(u16, String)> {
    // One write, so that a server which answers early cannot cut the request in two.
    let request =
        format!("GET /agent/v1/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.take(1 << 16).read_to_string(&mut answer)?;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.trim().to_owned());
    status
        .zip(body)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no HTTP answer"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use std::net::TcpListener;

    use super::*;

    fn answered(text: &'static str) -> io::Result<(u16, String)> {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", server.local_addr().unwrap());
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            assert!(head.starts_with(b"GET /agent/v1/health HTTP/1.1\r\n"));
            stream.write_all(text.as_bytes()).unwrap();
        });
        let asked = ask(&address);
        serving.join().unwrap();
        asked
    }

    #[test]
    fn the_status_is_the_verdict() {
        let well = answered("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        assert_eq!(well, (200, "{}".to_owned()));
        let ill = answered("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"healthy\":false}").unwrap();
        assert_eq!(ill, (503, "{\"healthy\":false}".to_owned()));
        assert!(answered("").is_err());
    }

    #[test]
    fn an_address_that_is_none_is_told() {
        for address in [
            "https://127.0.0.1:1",
            "127.0.0.1",
            "unix:///nonexistent/socket",
        ] {
            assert!(ask(address).is_err(), "{address}");
        }
    }
}
