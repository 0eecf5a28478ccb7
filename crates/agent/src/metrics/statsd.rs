//! Pushes the numbers to statsd (UDP), statsite (TCP) or dogstatsd (UDP with tags).

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket};

use super::Series;
use super::exposition::Shown;

/// Changes are gathered so long before they are sent.
const GATHER: Duration = Duration::from_millis(100);

/// Longest packet in bytes: what fits into one frame of an Ethernet, as in the reference.
const PACKET: usize = 1400;

/// Where the numbers go.
enum Target {
    Udp(String, Vec<String>),
    Tcp(String),
}

/// Sends what changes until dropped. Ready at once when no address is configured.
pub(crate) async fn push(shown: Arc<Shown>) {
    let Some(telemetry) = &shown.telemetry else {
        return;
    };
    let mut targets = Vec::new();
    targets.extend(
        telemetry
            .statsd_address
            .clone()
            .map(|address| Target::Udp(address, Vec::new())),
    );
    targets.extend(
        telemetry
            .dogstatsd_address
            .clone()
            .map(|address| Target::Udp(address, telemetry.dogstatsd_tags.clone())),
    );
    targets.extend(telemetry.statsite_address.clone().map(Target::Tcp));
    if targets.is_empty() {
        return;
    }
    let mut sent = BTreeMap::new();
    loop {
        shown.metrics.changed().await;
        tokio::time::sleep(GATHER).await;
        let lines = lines(&shown, &mut sent, SystemTime::now());
        for target in &targets {
            if let Err(error) = target.send(&lines).await {
                tracing::debug!(target: "agent.metrics", address = target.address(), %error, "metrics not sent");
            }
        }
    }
}

/// What has to be told: counters by how much they grew, gauges as they are.
fn lines(shown: &Shown, sent: &mut BTreeMap<Series, u64>, now: SystemTime) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |series: &Series, gauge: bool, value: String| {
        if let Some(mut name) = shown.full_name(series, gauge) {
            // statsd knows no labels: a template is one more part of the name.
            if let Some((_, label)) = &series.label {
                name = format!(
                    "{name}.{}",
                    label
                        .replace(['.', '/', ':', '|', ' '], "_")
                        .trim_matches('_')
                );
            }
            lines.push(format!("{name}:{value}|{}", if gauge { "g" } else { "c" }));
        }
    };
    for (series, count) in shown.metrics.counters() {
        let before = sent.insert(series.clone(), count).unwrap_or_default();
        if count > before {
            line(&series, false, (count - before).to_string());
        }
    }
    for (series, value) in shown.metrics.gauges(now) {
        line(&series, true, value.to_string());
    }
    lines
}

impl Target {
    fn address(&self) -> &str {
        match self {
            Self::Udp(address, _) | Self::Tcp(address) => address,
        }
    }

    async fn send(&self, lines: &[String]) -> io::Result<()> {
        match self {
            Self::Udp(address, tags) => {
                let socket = UdpSocket::bind("0.0.0.0:0").await?;
                socket.connect(address).await?;
                let suffix = if tags.is_empty() {
                    String::new()
                } else {
                    format!("|#{}", tags.join(","))
                };
                for packet in packets(lines, &suffix) {
                    socket.send(packet.as_bytes()).await?;
                }
                Ok(())
            }
            Self::Tcp(address) => {
                let mut stream = TcpStream::connect(address).await?;
                let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
                stream.write_all(text.as_bytes()).await?;
                stream.shutdown().await
            }
        }
    }
}

/// The lines in packets that are not too long.
fn packets(lines: &[String], suffix: &str) -> Vec<String> {
    let mut packets: Vec<String> = Vec::new();
    for line in lines {
        let line = format!("{line}{suffix}\n");
        match packets.last_mut() {
            Some(packet) if packet.len() + line.len() <= PACKET => packet.push_str(&line),
            _ => packets.push(line),
        }
    }
    packets
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use pannier_agent_config::Telemetry;
    use tokio::sync::watch;

    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn counters_are_told_by_how_much_they_grew() {
        let metrics = Arc::new(Metrics::default());
        let telemetry = Telemetry {
            disable_hostname: true,
            ..Telemetry::default()
        };
        let shown = Shown {
            metrics: Arc::clone(&metrics),
            telemetry: Some(telemetry),
            host: String::new(),
            tokens: watch::channel(None).1,
            logs_in: true,
        };
        let mut sent = BTreeMap::new();
        let now = SystemTime::UNIX_EPOCH;
        metrics.count("agent.auth.success");
        metrics.count("agent.auth.success");
        metrics.set("agent.authenticated", 1.0);
        metrics.template_failed("/vault/secrets/a.txt");
        let first = lines(&shown, &mut sent, now);
        assert_eq!(
            first,
            [
                "vault.agent.auth.success:2|c",
                "vault.agent.template.failure:1|c",
                "vault.agent.template.failures.vault_secrets_a_txt:1|c",
                "vault.agent.authenticated:1|g",
                "vault.agent.template.fresh.vault_secrets_a_txt:0|g",
                "vault.agent.templates.fresh:0|g",
            ]
        );
        metrics.count("agent.auth.success");
        assert_eq!(
            lines(&shown, &mut sent, now)[0],
            "vault.agent.auth.success:1|c"
        );
    }

    #[test]
    fn packets_fit_into_a_frame() {
        let lines: Vec<String> = (0..100)
            .map(|i| format!("vault.agent.some.thing.{i}:1|c"))
            .collect();
        let packets = packets(&lines, "|#env:test");
        assert!(packets.len() > 1 && packets.iter().all(|packet| packet.len() <= PACKET));
        assert_eq!(packets.concat().lines().count(), 100);
    }

    #[tokio::test]
    async fn numbers_arrive_by_udp_and_tcp() {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let metrics = Arc::new(Metrics::default());
        let telemetry = Telemetry {
            disable_hostname: true,
            dogstatsd_address: Some(udp.local_addr().unwrap().to_string()),
            dogstatsd_tags: vec!["team:a".to_owned()],
            statsite_address: Some(tcp.local_addr().unwrap().to_string()),
            ..Telemetry::default()
        };
        let shown = Shown {
            metrics: Arc::clone(&metrics),
            telemetry: Some(telemetry),
            host: String::new(),
            tokens: watch::channel(None).1,
            logs_in: true,
        };
        let pushing = tokio::spawn(push(Arc::new(shown)));
        metrics.count("agent.auth.success");
        let mut packet = [0; 200];
        let length = udp.recv(&mut packet).await.unwrap();
        assert_eq!(&packet[..length], b"vault.agent.auth.success:1|c|#team:a\n");
        let (mut stream, _) = tcp.accept().await.unwrap();
        let mut text = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut text)
            .await
            .unwrap();
        assert_eq!(text, "vault.agent.auth.success:1|c\n");
        pushing.abort();
    }
}
