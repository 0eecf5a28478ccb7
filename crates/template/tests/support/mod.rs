//! A host that answers from the data set of the worked examples.

pub(crate) mod network;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use pannier_go::json::{self, Json};
use pannier_template::host::{Answer, Dependency, Host, Interfaces, WriteFile};
use pannier_template::{Secret, SecretAuth, Text};

/// Knows the secrets of `oracle/secrets.json`, a few environment variables and a random number generator.
pub(crate) struct World {
    secrets: BTreeMap<String, Json>,
    seed: Cell<u64>,
    interfaces: Interfaces,
}

impl World {
    pub(crate) fn new(interfaces: Interfaces) -> Self {
        let all =
            json::decode(include_str!("../../oracle/secrets.json")).expect("the data set is JSON");
        let secrets = all.as_object().expect("the data set is an object");
        let secrets = secrets
            .iter()
            .map(|(path, body)| {
                let body = body.as_str().expect("a body is text");
                (
                    path.clone(),
                    numbers_as_served(&json::decode(body).expect("a body is JSON")),
                )
            })
            .collect();
        Self {
            secrets,
            seed: Cell::new(0x9e37_79b9_7f4a_7c15),
            interfaces,
        }
    }

    fn read(&self, path: &str, query: &str) -> Option<Secret> {
        let base = Secret {
            request_id: "5e7a1f0c-0b5c-4b4e-9d0a-1a2b3c4d5e6f".into(),
            ..Secret::default()
        };
        if path.starts_with("old/") {
            let data = self.secrets.get(path)?.clone();
            return Some(Secret {
                lease_duration: 2_764_800,
                data,
                ..base
            });
        }
        let rest = path.strip_prefix("ex/")?;
        let rest = rest.strip_prefix("data/").unwrap_or(rest);
        let data = match (rest, query) {
            ("rot", "version=1") => Json::from([("v", "old")]),
            ("rot", _) => Json::from([("v", "new")]),
            _ => self
                .secrets
                .get(&format!("ex/data/{rest}"))?
                .get("data")?
                .clone(),
        };
        let version = if rest == "rot" && query.is_empty() {
            2_i64
        } else {
            1
        };
        let metadata = Json::from([
            ("created_time", Json::from("2026-11-24T06:29:03.284016545Z")),
            ("custom_metadata", Json::Null),
            ("deletion_time", Json::from("")),
            ("destroyed", Json::from(false)),
            ("version", Json::from(version)),
        ]);
        Some(Secret {
            data: Json::from([("data", data), ("metadata", metadata)]),
            ..base
        })
    }

    fn write(path: &str) -> Option<Answer> {
        let data = |data: Json| {
            Answer::Secret(Some(Arc::new(Secret {
                data,
                ..Secret::default()
            })))
        };
        match path {
            "transit/encrypt/k" => Some(data(Json::from([("ciphertext", "vault:v1:abcd+/=")]))),
            "ex/written" => Some(data(Json::from([("destroyed", false)]))),
            "auth/token/create" => Some(Answer::Secret(Some(Arc::new(Secret {
                auth: Some(SecretAuth {
                    client_token: "s.0123456789".into(),
                    policies: vec!["default".into()],
                    lease_duration: 1800,
                    renewable: true,
                    ..SecretAuth::default()
                }),
                ..Secret::default()
            })))),
            _ if path.starts_with("old/") => Some(Answer::Secret(None)),
            _ => None,
        }
    }

    fn list(&self, path: &str) -> Vec<String> {
        let prefix = match path {
            "ex" => "ex/data/".to_owned(),
            path => format!("{path}/"),
        };
        let mut names: Vec<String> = self
            .secrets
            .keys()
            .filter_map(|key| {
                let rest = key.strip_prefix(&prefix)?;
                Some(
                    rest.split_once('/')
                        .map_or_else(|| rest.to_owned(), |(folder, _)| format!("{folder}/")),
                )
            })
            .collect();
        if path == "ex" {
            // The worked examples know nothing of the secret with all kinds of numbers.
            names.retain(|name| name != "num");
            names.push("rot".into());
        }
        names.sort();
        names.dedup();
        names
    }
}

/// The server reads numbers as float64 and writes them shortest.
fn numbers_as_served(json: &Json) -> Json {
    match json {
        Json::Number(text) => {
            let number = pannier_go::float::parse(text).expect("a number");
            match pannier_go::integer::parse_int(text, 10) {
                Ok(n) if n.unsigned_abs() < 1 << 53 => Json::Number(n.to_string()),
                _ => Json::Number(json::float_text(number).expect("a finite number")),
            }
        }
        Json::Array(items) => Json::Array(items.iter().map(numbers_as_served).collect()),
        Json::Object(members) => Json::Object(
            members
                .iter()
                .map(|(k, v)| (k.clone(), numbers_as_served(v)))
                .collect(),
        ),
        other => other.clone(),
    }
}

impl Host for World {
    fn lookup(&self, dependency: &Dependency) -> Option<Answer> {
        match dependency {
            Dependency::Read { path, query } => {
                let path = path
                    .strip_prefix("ex/data/")
                    .map_or_else(|| path.clone(), |rest| format!("ex/{rest}"));
                Some(match self.read(&path, query) {
                    Some(secret) => Answer::Secret(Some(Arc::new(secret))),
                    None => Answer::Failed(format!("no secret exists at {path}")),
                })
            }
            Dependency::Write { path, .. } => Self::write(path),
            Dependency::List { path } => Some(Answer::List(self.list(path))),
            Dependency::File { path } if path == "/proc/sys/kernel/ostype" => {
                Some(Answer::File(Text::from("Linux\n")))
            }
            Dependency::File { .. } => None,
            Dependency::Pki { .. } => Some(Answer::Certificates(Arc::new(
                pannier_template::Certificates {
                    cert: "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n".into(),
                    key: "-----BEGIN RSA PRIVATE KEY-----\nAA==\n-----END RSA PRIVATE KEY-----\n"
                        .into(),
                    ca: "-----BEGIN CERTIFICATE-----\nAQ==\n-----END CERTIFICATE-----\n".into(),
                    ca_chain: Vec::new(),
                },
            ))),
        }
    }

    fn env(&self, name: &str) -> Option<String> {
        match name {
            "EXV" => Some("hello".into()),
            "EXE" => Some(String::new()),
            _ => None,
        }
    }

    fn now(&self) -> (i64, u32) {
        (1_795_500_000, 123_456_789)
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), String> {
        for byte in bytes {
            // An xorshift generator: the same numbers in every run.
            let mut x = self.seed.get();
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            self.seed.set(x);
            *byte = (x >> 24) as u8;
        }
        Ok(())
    }

    fn resolve(&self, name: &str) -> Result<Vec<std::net::IpAddr>, String> {
        Ok(match name {
            "localhost" | "127.0.0.1" => vec![std::net::Ipv4Addr::LOCALHOST.into()],
            _ => Vec::new(),
        })
    }

    fn interfaces(&self) -> Result<Interfaces, String> {
        Ok(self.interfaces.clone())
    }

    fn plugin(&self, name: &str, arguments: &[String]) -> Result<Text, String> {
        let output = std::process::Command::new(name)
            .args(arguments)
            .output()
            .map_err(|_| {
                let why = if name.contains('/') {
                    format!("fork/exec {name}: no such file or directory")
                } else {
                    format!("exec: {name:?}: executable file not found in $PATH")
                };
                format!("exec {name:?}: {why}\n\nstdout:\n\n\n\nstderr:\n\n")
            })?;
        let (stdout, stderr) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        match output.status.code() {
            Some(0) => Ok(Text::from(stdout.trim())),
            code => {
                let code = code.unwrap_or(-1);
                Err(format!(
                    "exec {name:?}: exit status {code}\n\nstdout:\n\n{stdout}\n\nstderr:\n\n{stderr}"
                ))
            }
        }
    }

    fn write_file(&self, _file: &WriteFile) -> Result<(), String> {
        Ok(())
    }
}
