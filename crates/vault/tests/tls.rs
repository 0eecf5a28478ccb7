//! Whom the client trusts, shows itself to, and what it does when certificate files change.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;
use std::sync::Arc;

use pannier_vault::{
    Address, BuildError, Client, ClientConfig, Error, Pem, ProxySettings, Request, TlsSettings,
};
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority {
        pem,
        issuer: Issuer::new(params, key),
    }
}

impl Authority {
    fn leaf(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let leaf: Certificate = CertificateParams::new(vec![name.to_owned()])
            .unwrap()
            .signed_by(&key, &self.issuer)
            .unwrap();
        (leaf.pem(), key.serialize_pem())
    }
}

/// Serves `{}` to every request over TLS, asking for a client certificate of `clients` if given.
async fn serve((certificate, key): (String, String), clients: Option<&str>) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = rustls::RootCertStore::empty();
            roots
                .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
                .unwrap();
            let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
                Arc::new(roots),
                provider,
            );
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let config = builder
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut text = Vec::new();
                while let Ok(byte) = stream.read_u8().await {
                    text.push(byte);
                    if text.ends_with(b"\r\n\r\n") {
                        text.clear();
                        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
                        stream.write_all(answer).await.unwrap();
                    }
                }
            });
        }
    });
    port
}

async fn call(port: u16, tls: TlsSettings) -> Result<(), Error> {
    let mut config =
        ClientConfig::new(Address::parse(&format!("https://localhost:{port}")).unwrap());
    config.tls = tls;
    Client::new(config)
        .unwrap()
        .send(&Request::get("x"))
        .await
        .map(drop)
}

fn trusting(pem: &str) -> TlsSettings {
    TlsSettings {
        ca: Some(Pem::Bytes(pem.into())),
        ..TlsSettings::default()
    }
}

#[tokio::test]
async fn trusts_the_named_ca_and_nobody_else() {
    let (ours, other) = (authority(), authority());
    let port = serve(ours.leaf("localhost"), None).await;
    call(port, trusting(&ours.pem)).await.unwrap();
    call(port, trusting(&format!("{}{}", other.pem, ours.pem)))
        .await
        .unwrap();
    let none = TlsSettings {
        system_roots: Some(Vec::new()),
        ..TlsSettings::default()
    };
    for stranger in [trusting(&other.pem), none] {
        let error = call(port, stranger).await.unwrap_err().to_string();
        assert!(
            error.ends_with(
                "tls: failed to verify certificate: x509: certificate signed by unknown authority"
            ),
            "{error}"
        );
    }
}

#[tokio::test]
async fn checks_the_name_or_the_one_told_in_its_place() {
    let ours = authority();
    let port = serve(ours.leaf("vault.internal"), None).await;
    let error = call(port, trusting(&ours.pem))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("x509: certificate is valid for vault.internal, not localhost"),
        "{error}"
    );
    let named = TlsSettings {
        server_name: Some("vault.internal".to_owned()),
        ..trusting(&ours.pem)
    };
    call(port, named).await.unwrap();
    call(
        port,
        TlsSettings {
            skip_verify: true,
            ..TlsSettings::default()
        },
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn a_server_without_tls_is_told_as_goes_client_tells_it() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await;
        }
    });
    let error = call(port, trusting(&authority().pem))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("http: server gave HTTP response to HTTPS client"),
        "{error}"
    );
}

#[tokio::test]
async fn a_self_signed_server_certificate_named_as_ca_is_trusted_for_its_name_only() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    for is_ca in [
        IsCa::NoCa,
        IsCa::ExplicitNoCa,
        IsCa::Ca(BasicConstraints::Unconstrained),
    ] {
        params.is_ca = is_ca;
        let pem = params.self_signed(&key).unwrap().pem();
        let port = serve((pem.clone(), key.serialize_pem()), None).await;
        call(port, trusting(&pem)).await.unwrap();
        let named = TlsSettings {
            server_name: Some("other".to_owned()),
            ..trusting(&pem)
        };
        assert!(call(port, named).await.is_err());
    }
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    params.not_before = rcgen::date_time_ymd(2019, 1, 1);
    let pem = params.self_signed(&key).unwrap().pem();
    let port = serve((pem.clone(), key.serialize_pem()), None).await;
    let error = call(port, trusting(&pem)).await.unwrap_err().to_string();
    assert!(
        error.contains("certificate has expired or is not yet valid"),
        "{error}"
    );
}

#[tokio::test]
async fn shows_the_client_certificate() {
    let ours = authority();
    let port = serve(ours.leaf("localhost"), Some(&ours.pem)).await;
    let (certificate, key) = ours.leaf("client");
    let shown = TlsSettings {
        client_cert: Some(Pem::Bytes(certificate.as_str().into())),
        client_key: Some(Pem::Bytes(key.as_str().into())),
        ..trusting(&ours.pem)
    };
    call(port, shown).await.unwrap();
    assert!(call(port, trusting(&ours.pem)).await.is_err());
}

#[tokio::test]
async fn a_changed_ca_file_counts_from_the_next_request_and_a_broken_one_does_not() {
    let (old, new) = (authority(), authority());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &old.pem).unwrap();
    let old_port = serve(old.leaf("localhost"), None).await;
    let new_port = serve(new.leaf("localhost"), None).await;
    let client = |port: u16| {
        let mut config =
            ClientConfig::new(Address::parse(&format!("https://localhost:{port}")).unwrap());
        config.tls.ca = Some(Pem::File(file.clone()));
        Client::new(config).unwrap()
    };
    let (to_old, to_new) = (client(old_port), client(new_port));
    to_old.send(&Request::get("x")).await.unwrap();
    assert!(to_new.send(&Request::get("x")).await.is_err());
    // Kubernetes swaps files by a rename, so the inode changes.
    let replace = |text: &str| {
        std::fs::write(folder.path().join("next"), text).unwrap();
        std::fs::rename(folder.path().join("next"), &file).unwrap();
    };
    replace("no certificate");
    to_old.send(&Request::get("x")).await.unwrap();
    replace(&new.pem);
    to_new.send(&Request::get("x")).await.unwrap();
    // The kept connection to a server that is no longer trusted is not used again.
    assert!(to_old.send(&Request::get("x")).await.is_err());
}

#[tokio::test]
async fn a_folder_of_certificates_is_read_whole() {
    let (ours, other) = (authority(), authority());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.pem"), &other.pem).unwrap();
    std::fs::write(folder.path().join("b.pem"), &ours.pem).unwrap();
    std::fs::write(folder.path().join("README"), "not a certificate").unwrap();
    let port = serve(ours.leaf("localhost"), None).await;
    let settings = TlsSettings {
        ca_dir: Some(folder.path().to_owned()),
        ..TlsSettings::default()
    };
    call(port, settings).await.unwrap();
}

#[test]
fn unusable_files_are_named_at_start() {
    let new = |tls: TlsSettings| {
        let mut config = ClientConfig::new(Address::parse("https://localhost:1").unwrap());
        config.tls = tls;
        match Client::new(config).unwrap_err() {
            BuildError::Tls(error) => error.to_string(),
            other => panic!("{other}"),
        }
    };
    let missing = PathBuf::from("/nonexistent/ca.pem");
    let ca = |pem| TlsSettings {
        ca: Some(pem),
        ..TlsSettings::default()
    };
    assert_eq!(
        new(ca(Pem::File(missing))),
        "Error loading CA File: open /nonexistent/ca.pem: no such file or directory"
    );
    assert_eq!(
        new(ca(Pem::Bytes("x".into()))),
        "no certificates found in given as text"
    );
    let half = TlsSettings {
        client_cert: Some(Pem::Bytes("x".into())),
        ..TlsSettings::default()
    };
    assert_eq!(
        new(half),
        "both client cert and client key must be provided"
    );
}

#[tokio::test]
async fn tls_goes_through_a_proxys_tunnel() {
    let ours = authority();
    let port = serve(ours.leaf("localhost"), None).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    let asked = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        client
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .await
            .unwrap();
        let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        String::from_utf8(head).unwrap()
    });
    let mut config =
        ClientConfig::new(Address::parse(&format!("https://localhost:{port}")).unwrap());
    config.tls = trusting(&ours.pem);
    config.keep_idle = std::time::Duration::ZERO;
    config.proxy = ProxySettings {
        always: Some(format!("http://{proxy}").into()),
        ..ProxySettings::default()
    };
    Client::new(config)
        .unwrap()
        .send(&Request::get("x"))
        .await
        .unwrap();
    let asked = asked.await.unwrap();
    assert!(
        asked.starts_with(&format!("CONNECT localhost:{port} HTTP/1.1\r\n")),
        "{asked}"
    );
}
