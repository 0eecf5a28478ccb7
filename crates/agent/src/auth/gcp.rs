//! `gcp`: an identity token of the machine (`gce`), or a JWT signed by a service account (`iam`).

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pannier_agent_config::{MethodConfig, Plain};
use pannier_go::json::{self, Json};
use pannier_redacted::Redacted;
use pannier_vault::{Client, Method};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

use super::aws::sigv4::escape;
use super::method::{Credentials, MethodError, Variables, body, read, required};
use super::web;

/// The metadata service, by the name Google documents.
const METADATA: &str = "metadata.google.internal";

/// The service that signs for accounts whose key we do not have.
const SIGNER: &str = "https://iamcredentials.googleapis.com";

#[derive(Debug)]
pub(crate) struct Gcp {
    role: String,
    account: String,
    kind: Kind,
    /// Base URL of the metadata service.
    metadata: String,
    /// Base URL of the signing service.
    signer: String,
}

#[derive(Debug)]
enum Kind {
    Gce,
    Iam {
        key_file: Option<String>,
        life: Duration,
    },
}

impl Gcp {
    pub(super) fn new(
        config: &MethodConfig,
        variables: Variables<'_>,
    ) -> Result<Self, MethodError> {
        let kind = required(config, "type")?;
        let role = required(config, "role")?;
        let text = |key| {
            Ok::<_, MethodError>(
                config
                    .text(key)?
                    .filter(|text| !text.is_empty())
                    .map(str::to_owned),
            )
        };
        let set = |name: &str| variables(name).filter(|value| !value.is_empty());
        let kind = match kind.as_str() {
            "gce" => Kind::Gce,
            "iam" => Kind::Iam {
                key_file: text("credentials")?.or_else(|| set("GOOGLE_APPLICATION_CREDENTIALS")),
                life: minutes(config)?,
            },
            _ => {
                return Err(MethodError::Config(
                    "'type' value is invalid: expected `gce` or `iam`".to_owned(),
                ));
            }
        };
        let host = set("GCE_METADATA_HOST").unwrap_or_else(|| METADATA.to_owned());
        Ok(Self {
            role,
            account: text("service_account")?.unwrap_or_else(|| "default".to_owned()),
            kind,
            metadata: format!("http://{host}"),
            signer: SIGNER.to_owned(),
        })
    }

    pub(super) async fn credentials(&self, vault: &Client) -> Result<Credentials, String> {
        let jwt = match &self.kind {
            Kind::Gce => {
                let audience = escape(&format!("http://vault/{}", self.role));
                self.metadata(&format!("identity?audience={audience}&format=full"))
                    .await?
            }
            Kind::Iam { key_file, life } => {
                let now = SystemTime::now()
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .unwrap_or_default();
                let expires = (now + *life).as_secs();
                match key_file {
                    Some(path) => Account::read(path)?.sign(&self.role, expires)?,
                    None => self.signed_elsewhere(vault, expires).await?,
                }
            }
        };
        let jwt = Redacted::from(jwt.expose().trim());
        Ok(Credentials::login(body(&[
            ("role", &self.role.as_str().into()),
            ("jwt", &jwt),
        ])))
    }

    pub(super) fn role(&self) -> &str {
        &self.role
    }

    async fn metadata(&self, what: &str) -> Result<Redacted, String> {
        let target = format!(
            "/computeMetadata/v1/instance/service-accounts/{}/{what}",
            escape(&self.account)
        );
        web::get(
            &web::metadata(&self.metadata)?,
            &target,
            &[("metadata-flavor", "Google")],
        )
        .await
    }

    /// Has Google sign for the machine's or the pod's account (workload identity).
    async fn signed_elsewhere(&self, vault: &Client, expires: u64) -> Result<Redacted, String> {
        let email = self.metadata("email").await?;
        let email = email.expose().trim();
        let access = self.metadata("token").await?;
        let access = json::decode(access.expose_bytes())
            .map_err(|error| format!("the access token is not JSON: {error}"))?;
        let access = access
            .get("access_token")
            .and_then(Json::as_str)
            .ok_or("the metadata service gave no access token")?;
        let authorization = zeroize::Zeroizing::new(format!("Bearer {access}"));
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
        ];
        let payload =
            serde_json::json!({ "payload": claims(email, &self.role, expires) }).to_string();
        let target = format!("/v1/projects/-/serviceAccounts/{}:signJwt", escape(email));
        let service = web::service(&self.signer, vault)?;
        let answer = web::call(
            &service,
            Method::POST,
            &target,
            &headers,
            Some(payload.as_bytes()),
        )
        .await?;
        let answer = json::decode(answer.expose_bytes())
            .map_err(|error| format!("the signed JWT: {error}"))?;
        let jwt = answer
            .get("signedJwt")
            .and_then(Json::as_str)
            .map(Redacted::from);
        jwt.ok_or_else(|| "the answer of `signJwt` has no `signedJwt`".to_owned())
    }
}

/// `jwt_exp`: minutes, as a number or digits.
fn minutes(config: &MethodConfig) -> Result<Duration, MethodError> {
    let minutes = match config.get("jwt_exp") {
        None => Some(15),
        Some(Plain::Int(minutes)) => u64::try_from(*minutes).ok(),
        Some(Plain::Text(text)) => text.parse().ok(),
        Some(_) => None,
    };
    let wrong = || {
        MethodError::Config(
            "error parsing 'jwt_exp' value: expected a number of minutes".to_owned(),
        )
    };
    minutes
        .map(|minutes| Duration::from_secs(minutes * 60))
        .ok_or_else(wrong)
}

fn claims(email: &str, role: &str, expires: u64) -> String {
    serde_json::json!({ "sub": email, "aud": format!("vault/{role}"), "exp": expires }).to_string()
}

/// A service account's key file.
struct Account {
    email: String,
    key_id: String,
    key: RsaKeyPair,
}

impl Account {
    fn read(path: &str) -> Result<Self, String> {
        let text = read(path)?;
        let wrong = |what: &str| format!("{path}: {what}");
        let json = json::decode(text.expose_bytes()).map_err(|error| wrong(&error.to_string()))?;
        let member = |name: &str| {
            json.get(name).and_then(Json::as_str).ok_or_else(|| {
                wrong(&format!(
                    "no `{name}`, expected the key file of a service account"
                ))
            })
        };
        let pem = member("private_key")?;
        let base64: String = pem
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .flat_map(str::split_ascii_whitespace)
            .collect();
        let der = base64::engine::general_purpose::STANDARD
            .decode(base64)
            .map_err(|_| wrong("`private_key` is not PEM"))?;
        let der = zeroize::Zeroizing::new(der);
        let key = RsaKeyPair::from_pkcs8(&der)
            .map_err(|error| wrong(&format!("`private_key`: {error}")))?;
        Ok(Self {
            email: member("client_email")?.to_owned(),
            key_id: member("private_key_id").unwrap_or_default().to_owned(),
            key,
        })
    }

    fn sign(&self, role: &str, expires: u64) -> Result<Redacted, String> {
        let header =
            serde_json::json!({ "alg": "RS256", "kid": self.key_id, "typ": "JWT" }).to_string();
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let text = format!(
            "{}.{}",
            part(&header),
            part(&claims(&self.email, role, expires))
        );
        let mut signature = vec![0; self.key.public().modulus_len()];
        let signed = self.key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            text.as_bytes(),
            &mut signature,
        );
        signed.map_err(|_| "the service account's key cannot sign".to_owned())?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::auth::method::tests::{config, sent};
    use crate::auth::stand_in::StandIn;

    fn vault() -> Client {
        web::metadata("http://127.0.0.1:1").unwrap()
    }

    fn on(base: &str) -> impl Fn(&str) -> Option<String> + use<> {
        let host = base.trim_start_matches("http://").to_owned();
        move |name| (name == "GCE_METADATA_HOST").then(|| host.clone())
    }

    #[tokio::test]
    async fn a_machine_shows_its_identity_token() {
        let service = StandIn::start(vec![(
            "GET /computeMetadata/v1/instance/service-accounts/default/identity?audience=http%3A%2F%2Fvault%2Fapp&format=full ",
            200,
            "a.b.c\n",
        )]);
        let gcp = Gcp::new(
            &config(&[("type", "gce"), ("role", "app")]),
            &on(&service.base),
        )
        .unwrap();
        assert_eq!(
            sent(gcp.credentials(&vault()).await.unwrap()),
            r#"{"role":"app","jwt":"a.b.c"}"#
        );
        assert!(service.requests()[0].contains("metadata-flavor: Google"));
    }

    #[tokio::test]
    async fn google_signs_for_an_account_without_a_key() {
        let service = StandIn::start(vec![
            (
                "GET /computeMetadata/v1/instance/service-accounts/default/email ",
                200,
                "app@project.iam.gserviceaccount.com",
            ),
            (
                "GET /computeMetadata/v1/instance/service-accounts/default/token ",
                200,
                r#"{"access_token":"ya29.token","expires_in":3599}"#,
            ),
            (
                "POST /v1/projects/-/serviceAccounts/app%40project.iam.gserviceaccount.com:signJwt ",
                200,
                r#"{"keyId":"k","signedJwt":"d.e.f"}"#,
            ),
        ]);
        let mut gcp = Gcp::new(
            &config(&[("type", "iam"), ("role", "app")]),
            &on(&service.base),
        )
        .unwrap();
        gcp.signer.clone_from(&service.base);
        assert_eq!(
            sent(gcp.credentials(&vault()).await.unwrap()),
            r#"{"role":"app","jwt":"d.e.f"}"#
        );
        let request = service.requests().pop().unwrap();
        assert!(request.contains("authorization: Bearer ya29.token"));
        assert!(request.contains(r#"\"aud\":\"vault/app\""#), "{request}");
    }

    #[tokio::test]
    async fn a_key_file_signs_here() {
        // Made by `openssl genpkey` for this test alone.
        let pem = include_str!("gcp/test-key.pem");
        let public = include_bytes!("gcp/test-key.der");
        let file = tempfile::NamedTempFile::new().unwrap();
        let account = serde_json::json!({"type": "service_account", "client_email": "app@project", "private_key_id": "k1", "private_key": pem});
        std::fs::write(file.path(), account.to_string()).unwrap();
        let gcp = Gcp::new(
            &config(&[
                ("type", "iam"),
                ("role", "app"),
                ("credentials", file.path().to_str().unwrap()),
                ("jwt_exp", "5"),
            ]),
            &|_| None,
        )
        .unwrap();
        let body = sent(gcp.credentials(&vault()).await.unwrap());
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let jwt = body["jwt"].as_str().unwrap();
        let (text, signature) = jwt.rsplit_once('.').unwrap();
        let key = ring::signature::UnparsedPublicKey::new(
            &ring::signature::RSA_PKCS1_2048_8192_SHA256,
            public,
        );
        key.verify(text.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
            .unwrap();
        let claims = URL_SAFE_NO_PAD
            .decode(text.split('.').nth(1).unwrap())
            .unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(
            (claims["sub"].as_str(), claims["aud"].as_str()),
            (Some("app@project"), Some("vault/app"))
        );
    }

    #[test]
    fn mistakes_are_named() {
        let error =
            |pairs: &[(&str, &str)]| Gcp::new(&config(pairs), &|_| None).unwrap_err().to_string();
        assert_eq!(error(&[("type", "gce")]), "missing 'role' value");
        assert_eq!(
            error(&[("type", "x"), ("role", "r")]),
            "'type' value is invalid: expected `gce` or `iam`"
        );
        assert_eq!(
            error(&[("type", "iam"), ("role", "r"), ("jwt_exp", "soon")]),
            "error parsing 'jwt_exp' value: expected a number of minutes"
        );
    }
}
