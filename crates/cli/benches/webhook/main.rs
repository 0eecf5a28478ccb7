//! How fast, how cheap and how small the webhook is, driven as an API server drives it: admission reviews over TLS on
//! kept-alive HTTP/1.1 connections.
//!
//! `cargo bench -p pannier --bench webhook`; the program is the one cargo built, or `PANNIER=PATH` (the static release
//! file, which is what the targets are about). Prints one line for each number of connections, then each figure beside
//! its target and beside vault-k8s 1.7.6, measured the same way on two cores with the load generator on the same machine.
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

/// One figure: what it is, the target, and what vault-k8s 1.7.6 needed.
struct Goal {
    name: &'static str,
    unit: &'static str,
    target: f64,
    reference: f64,
}

const CPU: Goal = Goal {
    name: "CPU for 10,000 reviews",
    unit: "s",
    target: 0.5,
    reference: 4.3,
};
const P99: Goal = Goal {
    name: "p99 at 16 connections",
    unit: "ms",
    target: 5.0,
    reference: 29.0,
};
const IDLE: Goal = Goal {
    name: "memory when idle",
    unit: "MiB",
    target: 12.0,
    reference: 37.0,
};
const LOADED: Goal = Goal {
    name: "memory after the load",
    unit: "MiB",
    target: 16.0,
    reference: 48.0,
};
/// Without a server name in the handshake the reference took 77 ms, with one 326; clients here send one.
const READY: Goal = Goal {
    name: "ready after the start",
    unit: "ms",
    target: 50.0,
    reference: 77.0,
};

impl Goal {
    fn tell(&self, value: f64) {
        let Self {
            name,
            unit,
            target,
            reference,
        } = self;
        let verdict = if value <= *target { "met" } else { "MISSED" };
        println!(
            "{name:<23} {value:>7.2} {unit:<3}  target {target:>4} {verdict:<6}  vault-k8s {reference:>4}: {:.1} times as much",
            reference / value
        );
    }
}

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
        "webhook: {} bytes a review, {REQUESTS} reviews a row",
        BODY.len()
    );
    println!("connections  requests/s    p50 ms    p99 ms  CPU s for 10,000");
    let (mut most_cpu, mut p99) = (0.0_f64, 0.0);
    for connections in CONNECTIONS {
        runtime.block_on(drive(&connector, webhook.port, connections, REQUESTS / 10));
        let (cpu, begun) = (webhook.cpu(), Instant::now());
        let mut times = runtime.block_on(drive(&connector, webhook.port, connections, REQUESTS));
        let (elapsed, cpu) = (begun.elapsed(), webhook.cpu() - cpu);
        times.sort_unstable();
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
        let cpu = cpu.as_secs_f64() * 1e4 / times.len() as f64;
        println!(
            "{connections:>11}  {:>10.0}  {:>8.2}  {:>8.2}  {cpu:>16.2}",
            times.len() as f64 / elapsed.as_secs_f64(),
            at(0.5),
            at(0.99),
        );
        most_cpu = most_cpu.max(cpu);
        if connections == 16 {
            p99 = at(0.99);
        }
    }
    CPU.tell(most_cpu);
    P99.tell(p99);
    IDLE.tell(idle);
    LOADED.tell(webhook.resident());
    READY.tell(ready.as_secs_f64() * 1e3);
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
