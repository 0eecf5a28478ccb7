//! How fast, how cheap and how small the webhook is, driven as an API server drives it: admission reviews over TLS on
//! kept-alive HTTP/1.1 connections.
//!
//! `cargo bench -p pannier --bench webhook`; the program is the one cargo built, or `PANNIER=PATH` (the static release
//! file). Prints one line for each number of connections, and what to compare it with.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends at the first surprise"
)]

mod process;

use process::Webhook;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const BODY: &str = include_str!("review.json");
const CONNECTIONS: [usize; 3] = [1, 16, 64];
const REQUESTS: usize = 20_000;

fn main() {
    let ready = fastest_start();
    let webhook = Webhook::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let connector = webhook.connector();
    // One review first, so that what is measured does the same work for every request.
    let check =
        runtime.block_on(async { Client::new(&connector, webhook.port).await.review().await });
    assert!(check.contains("\"patchType\":\"JSONPatch\""), "{check}");
    std::thread::sleep(Duration::from_millis(500));
    let idle = webhook.resident();
    println!(
        "webhook: {} bytes a review, {REQUESTS} reviews a row, ready after {:.0} ms",
        BODY.len(),
        ready.as_secs_f64() * 1e3
    );
    println!("connections  requests/s    p50 ms    p99 ms  CPU s for 10,000");
    for connections in CONNECTIONS {
        runtime.block_on(drive(&connector, webhook.port, connections, REQUESTS / 10));
        let (cpu, begun) = (webhook.cpu(), Instant::now());
        let mut times = runtime.block_on(drive(&connector, webhook.port, connections, REQUESTS));
        let (elapsed, cpu) = (begun.elapsed(), webhook.cpu() - cpu);
        times.sort_unstable();
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
        println!(
            "{connections:>11}  {:>10.0}  {:>8.2}  {:>8.2}  {:>16.2}",
            times.len() as f64 / elapsed.as_secs_f64(),
            at(0.5),
            at(0.99),
            cpu.as_secs_f64() * 1e4 / times.len() as f64
        );
    }
    println!(
        "memory: {:.1} MiB before, {:.1} MiB after",
        idle,
        webhook.resident()
    );
}

/// From the start of the process to the first 204 of `/health/ready`, the best of five.
fn fastest_start() -> Duration {
    (0..5).map(|_| Webhook::start().ready_after).min().unwrap()
}

/// Sends `requests` reviews over `connections` connections at once; the time of each.
async fn drive(
    connector: &TlsConnector,
    port: u16,
    connections: usize,
    requests: usize,
) -> Vec<Duration> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(Client::new(connector, port).await);
    }
    let each = requests.div_ceil(connections);
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            tokio::spawn(async move {
                let mut times = Vec::with_capacity(each);
                for _ in 0..each {
                    let begun = Instant::now();
                    client.send().await;
                    times.push(begun.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::with_capacity(requests);
    for task in tasks {
        times.append(&mut task.await.unwrap());
    }
    times
}

/// One kept-alive connection that does as little work as possible, since it shares the machine with the webhook.
struct Client {
    stream: TlsStream<TcpStream>,
    request: Arc<Vec<u8>>,
    buffer: Vec<u8>,
}

impl Client {
    async fn new(connector: &TlsConnector, port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let stream = connector
            .connect("localhost".try_into().unwrap(), stream)
            .await
            .unwrap();
        let head = format!(
            "POST /mutate?timeout=10s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            BODY.len()
        );
        let request = Arc::new([head.as_bytes(), BODY.as_bytes()].concat());
        Self {
            stream,
            request,
            buffer: vec![0; 64 << 10],
        }
    }

    /// The whole answer as text.
    async fn review(&mut self) -> String {
        let length = self.send().await;
        String::from_utf8_lossy(&self.buffer[..length]).into_owned()
    }

    /// Sends a review and reads the answer into the buffer; its length.
    async fn send(&mut self) -> usize {
        self.stream.write_all(&self.request).await.unwrap();
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await.unwrap();
            assert!(read > 0, "the webhook closed the connection");
            filled += read;
            if is_complete(&self.buffer[..filled]) {
                assert!(
                    self.buffer.starts_with(b"HTTP/1.1 200 "),
                    "{}",
                    String::from_utf8_lossy(&self.buffer[..filled])
                );
                return filled;
            }
        }
    }
}

fn is_complete(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return false;
    };
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length: ")
            .map(str::to_owned)
    });
    answer.len() >= end + 4 + length.unwrap().parse::<usize>().unwrap()
}
