//! A scripted HTTP service for tests: answers in order of its script and remembers what it was asked.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) struct StandIn {
    /// `http://127.0.0.1:PORT`
    pub(crate) base: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    /// Each entry: how the request must begin, then status and body of the answer. Anything else is answered 404.
    pub(crate) fn start(script: Vec<(&'static str, u16, &'static str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = format!(
            "http://{}",
            listener
                .local_addr()
                .expect("a bound socket has an address")
        );
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut text = String::new();
                let mut buffer = [0; 8192];
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    text += &String::from_utf8_lossy(&buffer[..read]);
                    let Some((head, body)) = text.split_once("\r\n\r\n") else {
                        continue;
                    };
                    let length = head
                        .to_lowercase()
                        .lines()
                        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                    if body.len() >= length.unwrap_or(0) {
                        break;
                    }
                }
                let answer = script.iter().find(|(start, ..)| text.starts_with(start));
                let (status, body) = answer
                    .map_or((404, "not in the script"), |(_, status, body)| {
                        (*status, *body)
                    });
                seen.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(text);
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} Scripted\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
            }
        });
        Self { base, requests }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
