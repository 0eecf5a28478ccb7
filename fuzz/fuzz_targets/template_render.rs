//! Whatever parses renders, needs data or fails, within small limits.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pannier_template::host::{Interface, Interfaces};
use pannier_template::{
    Answer, Dependency, Host, Limits, MissingKey, Options, Render, Template, Value,
};

/// Knows files and lists, and half of everything else.
struct World;

impl Host for World {
    fn lookup(&self, dependency: &Dependency) -> Option<Answer> {
        match dependency {
            Dependency::File { path } => Some(Answer::File(path.as_str().into())),
            Dependency::List { path } => Some(Answer::List(vec![path.clone(), "b".into()])),
            Dependency::Write { .. } => Some(Answer::Secret(None)),
            Dependency::Read { path, .. } if path.len() % 2 == 0 => None,
            Dependency::Read { .. } => Some(Answer::Secret(Some(Arc::default()))),
            Dependency::Pki { .. } => Some(Answer::Failed("no certificate".into())),
        }
    }

    fn interfaces(&self) -> Result<Interfaces, String> {
        let interface = |index: u32, name: &str, addresses: &[(IpAddr, u8)]| Interface {
            index,
            mtu: 1500,
            name: name.to_owned(),
            flags: Interface::UP | Interface::BROADCAST,
            addresses: addresses.to_vec(),
            ..Interface::default()
        };
        let (v4, v6) = (
            Ipv4Addr::new(10, 1, 2, 3).into(),
            Ipv6Addr::LOCALHOST.into(),
        );
        Ok(Interfaces {
            list: vec![
                interface(1, "lo", &[(Ipv4Addr::LOCALHOST.into(), 8), (v6, 128)]),
                interface(2, "eth0", &[(v4, 24), (Ipv4Addr::BROADCAST.into(), 0)]),
                interface(3, "eth1", &[(v6, 0), (Ipv6Addr::UNSPECIFIED.into(), 64)]),
            ],
            default: Some("eth0".to_owned()),
        })
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), String> {
        bytes.fill(7);
        Ok(())
    }
}

fuzz_target!(|data: &[u8]| {
    let (choice, source) = data.split_first().unwrap_or((&0, &[]));
    let missing_key =
        [MissingKey::Invalid, MissingKey::Zero, MissingKey::Error][usize::from(choice % 3)];
    // Slow on purpose: keys and password hashes.
    let denied = [
        "sprig_gen*",
        "sprig_bcrypt",
        "sprig_htpasswd",
        "sprig_derivePassword",
        "sprig_buildCustomCert",
    ];
    let options = Options {
        missing_key,
        denied: denied.map(str::to_owned).to_vec(),
        ..Options::default()
    };
    let Ok(template) = Template::parse("t", source, &options) else {
        return;
    };
    let dot = Value::map([
        (
            "a",
            Value::list(vec![Value::int(1), Value::string("x"), Value::Nil]),
        ),
        ("b", Value::map([("k", Value::Number("12".into()))])),
        ("s", Value::string("text")),
        ("f", Value::Float(1.5)),
    ]);
    let limits = Limits {
        steps: 20_000,
        depth: 500,
        output: 1 << 20,
    };
    match template.render(&World, dot, &limits) {
        Ok(Render::Text(text)) => assert!(text.len() <= limits.output),
        Ok(Render::Needs(needs)) => assert!(!needs.is_empty()),
        Err(error) => assert!(!error.report().is_empty()),
    }
});
