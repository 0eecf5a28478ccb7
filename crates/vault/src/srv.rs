//! Asks DNS on which host and port a service listens (RFC 2782), as `VAULT_SRV_LOOKUP` wants it.
//!
//! The C library's resolver only knows addresses. A question fits into one datagram; an answer that does not is asked for
//! again over TCP.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::random;

/// Where the system's resolver is described.
const CONFIG: &str = "/etc/resolv.conf";

/// How long one server may take and how often all are asked; the resolver's defaults.
const PATIENCE: Duration = Duration::from_secs(5);
const ATTEMPTS: usize = 2;

/// The type of a question for services, and the class Internet.
const SRV: u16 = 33;
const INTERNET: u16 = 1;

/// A place where a service listens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    priority: u16,
    weight: u16,
    pub(crate) port: u16,
    /// The host's name, without a dot at its end.
    pub(crate) host: String,
}

/// Which servers to ask, and what to add to short names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolver {
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    /// With so many dots in it, a name is tried as it is before anything is added.
    dots: usize,
}

impl Resolver {
    /// The system's own, as it is now.
    pub(crate) fn system() -> Self {
        Self::parse(&std::fs::read_to_string(CONFIG).unwrap_or_default())
    }

    fn parse(text: &str) -> Self {
        let (mut servers, mut search, mut dots) = (Vec::new(), Vec::new(), 1);
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                    servers.extend(address.map(|address| SocketAddr::new(address, 53)));
                }
                Some("search" | "domain") => search = words.map(str::to_owned).collect(),
                Some("options") => {
                    let wanted = words.find_map(|word| word.strip_prefix("ndots:")?.parse().ok());
                    dots = wanted.unwrap_or(dots);
                }
                _ => {}
            }
        }
        if servers.is_empty() {
            servers.push(SocketAddr::from(([127, 0, 0, 1], 53)));
        }
        Self {
            servers,
            search,
            dots,
        }
    }

    /// The names to ask for, in their order.
    fn names(&self, name: &str) -> Vec<String> {
        if let Some(absolute) = name.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let domains = self.search.iter().map(|domain| domain.trim_matches('.'));
        let mut names: Vec<_> = domains
            .filter(|domain| !domain.is_empty())
            .map(|domain| format!("{name}.{domain}"))
            .collect();
        let at = match name.matches('.').count() >= self.dots {
            true => 0,
            false => names.len(),
        };
        names.insert(at, name.to_owned());
        names
    }

    /// The place to go first for a service of `name`, such as `_http._tcp.vault.demo`; `None` if DNS knows none.
    pub(crate) async fn first(&self, name: &str) -> Option<Place> {
        for name in self.names(name) {
            let places = self.ask(&name).await;
            if !places.is_empty() {
                return Some(choose(places, random::unit()));
            }
        }
        None
    }

    async fn ask(&self, name: &str) -> Vec<Place> {
        let Some(question) = question(name) else {
            return Vec::new();
        };
        for _ in 0..ATTEMPTS {
            for server in &self.servers {
                let answer = match timeout(PATIENCE, over_udp(*server, &question)).await {
                    Ok(Some(answer)) if is_cut(&answer) => {
                        timeout(PATIENCE, over_tcp(*server, &question)).await
                    }
                    answer => answer,
                };
                // A server that answers has the last word, unless it says that it failed.
                if let Some(answer) = answer.ok().flatten().filter(|answer| code(answer) != 2) {
                    return places(&answer).unwrap_or_default();
                }
            }
        }
        Vec::new()
    }
}

/// Of the most preferred places one by chance, in proportion to their weights. `chance` is in `[0, 1)`.
fn choose(mut places: Vec<Place>, chance: f64) -> Place {
    places.sort();
    let best = places[0].priority;
    places.retain(|place| place.priority == best);
    let weights = || places.iter().map(|place| f64::from(place.weight));
    let mut left = chance * weights().sum::<f64>();
    let chosen = weights().position(|weight| {
        left -= weight;
        left < 0.0
    });
    places.swap_remove(chosen.unwrap_or(0))
}

/// A question for services of this name; `None` if it is no name of DNS.
fn question(name: &str) -> Option<Vec<u8>> {
    let mut number = [0; 2];
    random::fill(&mut number);
    let mut bytes = number.to_vec();
    // Recursion is desired, there is one question and nothing else.
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok();
        bytes.push(length.filter(|length| (1..64).contains(length))?);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(SRV.to_be_bytes());
    bytes.extend(INTERNET.to_be_bytes());
    (name.len() < 254).then_some(bytes)
}

async fn over_udp(server: SocketAddr, question: &[u8]) -> Option<Vec<u8>> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => [0; 4].into(),
        SocketAddr::V6(_) => [0; 16].into(),
    };
    let socket = UdpSocket::bind((any, 0)).await.ok()?;
    socket.connect(server).await.ok()?;
    socket.send(question).await.ok()?;
    let mut answer = vec![0; 4096];
    loop {
        let length = socket.recv(&mut answer).await.ok()?;
        if answers(&answer[..length], question) {
            answer.truncate(length);
            return Some(answer);
        }
    }
}

async fn over_tcp(server: SocketAddr, question: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await.ok()?;
    let length = u16::try_from(question.len()).ok()?;
    let message = [&length.to_be_bytes(), question].concat();
    stream.write_all(&message).await.ok()?;
    let mut answer = vec![0; stream.read_u16().await.ok()?.into()];
    stream.read_exact(&mut answer).await.ok()?;
    answers(&answer, question).then_some(answer)
}

/// Whether it is an answer to this question: the number and the question come back.
fn answers(answer: &[u8], question: &[u8]) -> bool {
    let back = answer.get(12..question.len());
    answer[..2.min(answer.len())] == question[..2]
        && answer.get(2).is_some_and(|flags| flags & 0x80 != 0)
        && back.is_some_and(|back| back.eq_ignore_ascii_case(&question[12..]))
}

fn is_cut(answer: &[u8]) -> bool {
    answer[2] & 2 != 0
}

/// How it went: 0 is well, 2 a failure of the server, 3 no such name.
fn code(answer: &[u8]) -> u8 {
    answer[3] & 15
}

/// The places in an answer that belongs to a question; `None` if it is malformed.
fn places(answer: &[u8]) -> Option<Vec<Place>> {
    let count = number(answer, 6)?;
    // Behind the head and the question, which has been compared.
    let (_, mut at) = name(answer, 12)?;
    at += 4;
    let mut found = Vec::new();
    for _ in 0..count {
        let (_, end) = name(answer, at)?;
        let (kind, length) = (number(answer, end)?, number(answer, end + 8)?);
        let data = end + 10;
        if kind == SRV {
            let (host, _) = name(answer, data + 6)?;
            // A lone dot says that there is no such service here.
            if !host.is_empty() {
                found.push(Place {
                    priority: number(answer, data)?,
                    weight: number(answer, data + 2)?,
                    port: number(answer, data + 4)?,
                    host,
                });
            }
        }
        at = data + usize::from(length);
    }
    Some(found)
}

fn number(message: &[u8], at: usize) -> Option<u16> {
    let bytes = message.get(at..at + 2)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// The name at a place, and where it ends there.
fn name(message: &[u8], mut at: usize) -> Option<(String, usize)> {
    let (mut text, mut end) = (String::new(), None);
    // A name has at most 127 labels, so more jumps than that lead in a circle.
    for _ in 0..256 {
        let length = usize::from(*message.get(at)?);
        match length {
            0 => return Some((text, end.unwrap_or(at + 1))),
            1..64 => {
                let label = message.get(at + 1..at + 1 + length)?;
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(std::str::from_utf8(label).ok()?);
                at += 1 + length;
            }
            192.. => {
                end = end.or(Some(at + 2));
                at = usize::from(number(message, at)? & 0x3fff);
            }
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use tokio::net::TcpListener;

    fn place(priority: u16, weight: u16, port: u16, host: &str) -> Place {
        Place {
            priority,
            weight,
            port,
            host: host.to_owned(),
        }
    }

    /// An answer with these places, the last label of each name shortened to a jump to that of the question.
    fn answer(question: &[u8], code: u8, places: &[Place]) -> Vec<u8> {
        let mut bytes = question.to_vec();
        bytes[2] |= 0x80;
        bytes[3] = code;
        bytes[7] = u8::try_from(places.len()).unwrap();
        for place in places {
            let mut data = Vec::new();
            for number in [place.priority, place.weight, place.port] {
                data.extend(number.to_be_bytes());
            }
            let labels: Vec<_> = place.host.split('.').collect();
            for label in &labels[..labels.len() - 1] {
                data.push(u8::try_from(label.len()).unwrap());
                data.extend(label.as_bytes());
            }
            let jump = u16::try_from(question.len() - 4 - 1 - 5).unwrap() | 0xc000;
            data.extend(jump.to_be_bytes());
            bytes.extend([0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60]);
            bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            bytes.extend(data);
        }
        bytes
    }

    #[test]
    fn reads_what_the_system_says_of_its_resolver() {
        let text = "# by kubelet\nsearch demo.svc.cluster.local svc.cluster.local\nnameserver 10.96.0.10\nnameserver fd00::a\noptions edns0 ndots:5\n";
        let resolver = Resolver::parse(text);
        assert_eq!(
            resolver.servers,
            [
                "10.96.0.10:53".parse().unwrap(),
                "[fd00::a]:53".parse().unwrap()
            ]
        );
        assert_eq!(
            resolver.names("_http._tcp.vault"),
            [
                "_http._tcp.vault.demo.svc.cluster.local",
                "_http._tcp.vault.svc.cluster.local",
                "_http._tcp.vault"
            ]
        );
        assert_eq!(resolver.names("_http._tcp.vault."), ["_http._tcp.vault"]);
        let plain = Resolver::parse("search example.com");
        assert_eq!(plain.servers, ["127.0.0.1:53".parse().unwrap()]);
        assert_eq!(plain.names("a.b"), ["a.b", "a.b.example.com"]);
        assert_eq!(plain.names("a"), ["a.example.com", "a"]);
    }

    #[test]
    fn the_least_priority_comes_first_and_weights_divide_the_chances() {
        let places = vec![
            place(2, 9, 1, "last"),
            place(1, 1, 2, "a"),
            place(1, 3, 3, "b"),
        ];
        for (chance, host) in [(0.0, "a"), (0.24, "a"), (0.25, "b"), (0.99, "b")] {
            assert_eq!(choose(places.clone(), chance).host, host, "{chance}");
        }
        assert_eq!(choose(vec![place(1, 0, 2, "only")], 0.5).host, "only");
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_no_answer() {
        let question = question("_http._tcp.vault.test").unwrap();
        let whole = answer(&question, 0, &[place(1, 2, 8300, "node.test")]);
        assert_eq!(places(&whole), Some(vec![place(1, 2, 8300, "node.test")]));
        for length in question.len()..whole.len() {
            assert_eq!(places(&whole[..length]), None, "{length}");
        }
        let mut circle = whole.clone();
        let last = circle.len() - 2;
        circle[last..].copy_from_slice(&u16::try_from(0xc000 | last).unwrap().to_be_bytes());
        assert_eq!(places(&circle), None);
        let mut stranger = whole.clone();
        stranger[0] ^= 1;
        assert!(answers(&whole, &question) && !answers(&stranger, &question));
        assert!(super::question("").is_none() && super::question(&"a".repeat(64)).is_none());
    }

    /// Answers two questions: the first with `code` and no place, the second with one; over TCP if `cut`.
    async fn resolver(code: u8, cut: bool) -> Resolver {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = socket.local_addr().unwrap();
        let listener = TcpListener::bind(server).await.unwrap();
        tokio::spawn(async move {
            let mut asked = vec![0; 512];
            let places = [place(1, 0, 8300, "node.test")];
            let (length, from) = socket.recv_from(&mut asked).await.unwrap();
            let first = answer(&asked[..length], code, &[]);
            socket.send_to(&first, from).await.unwrap();
            let (length, from) = socket.recv_from(&mut asked).await.unwrap();
            let mut second = answer(&asked[..length], 0, if cut { &[] } else { &places });
            second[2] |= if cut { 2 } else { 0 };
            socket.send_to(&second, from).await.unwrap();
            if cut {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut asked = vec![0; stream.read_u16().await.unwrap().into()];
                stream.read_exact(&mut asked).await.unwrap();
                let whole = answer(&asked, 0, &places);
                let length = u16::try_from(whole.len()).unwrap();
                stream.write_u16(length).await.unwrap();
                stream.write_all(&whole).await.unwrap();
            }
        });
        Resolver {
            servers: vec![server],
            search: vec!["demo.test".to_owned()],
            dots: 9,
        }
    }

    #[tokio::test]
    async fn asks_on_after_a_name_that_does_not_exist_and_after_a_failure() {
        for (code, cut) in [(3, false), (2, false), (3, true)] {
            let resolver = resolver(code, cut).await;
            let found = resolver.first("_http._tcp.vault.test").await;
            assert_eq!(found, Some(place(1, 0, 8300, "node.test")), "{code} {cut}");
        }
    }
}
