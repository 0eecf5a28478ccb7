//! `aws`: proves an IAM identity with a signed call that Vault sends on, or an EC2 instance with its signed document.
//!
//! The keys for `iam` come from the first place that has some, in the order of AWS's SDKs: `config`, environment, web
//! identity (IRSA), container (EKS Pod Identity, ECS), instance metadata (IMDSv2 only).

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pannier_agent_config::MethodConfig;
use pannier_redacted::Redacted;
use pannier_vault::Client;

use super::jwt::seconds;
use super::method::{Credentials, MethodError, Variables, body, required};

pub(crate) mod keys;
pub(crate) mod sigv4;

use keys::Source;
use sigv4::{Call, Keys, Scope};

/// What Vault sends on.
const IDENTITY_CALL: &str = "Action=GetCallerIdentity&Version=2011-06-15";

/// How often polled keys are looked at.
const POLL: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(crate) struct Aws {
    role: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Iam {
        source: Box<Source>,
        region: String,
        server_id: Option<String>,
        period: Duration,
        sent: Option<String>,
    },
    Ec2 {
        metadata: String,
        nonce: String,
    },
}

impl Aws {
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
        let source = Source::new(variables);
        let kind = match kind.as_str() {
            "iam" => {
                let own = match (text("access_key")?, text("secret_key")?) {
                    (Some(id), Some(secret)) => Some(Keys {
                        id,
                        secret: secret.into(),
                        session: text("session_token")?.map(Redacted::from),
                    }),
                    _ => None,
                };
                Kind::Iam {
                    source: Box::new(source.with_own(own)),
                    region: text("region")?.unwrap_or_else(|| "us-east-1".to_owned()),
                    server_id: text("header_value")?,
                    period: seconds(config, "credential_poll_interval")?.unwrap_or(POLL),
                    sent: None,
                }
            }
            "ec2" => Kind::Ec2 {
                metadata: source.metadata,
                nonce: text("nonce")?.unwrap_or_else(random_nonce),
            },
            _ => {
                return Err(MethodError::Config(
                    "'type' value is invalid: expected `iam` or `ec2`".to_owned(),
                ));
            }
        };
        Ok(Self { role, kind })
    }

    pub(super) async fn credentials(&mut self, client: &Client) -> Result<Credentials, String> {
        let role = Redacted::from(self.role.as_str());
        let body = match &mut self.kind {
            Kind::Iam {
                source,
                region,
                server_id,
                sent,
                ..
            } => {
                let keys = source.keys(client, region).await?;
                *sent = Some(keys.id.clone());
                signed(
                    &role,
                    &keys,
                    region,
                    server_id.as_deref(),
                    SystemTime::now(),
                )
            }
            Kind::Ec2 { metadata, nonce } => {
                let service = keys::Metadata::connect(metadata).await?;
                let document = service
                    .get("/latest/dynamic/instance-identity/document")
                    .await?;
                let signature = service
                    .get("/latest/dynamic/instance-identity/signature")
                    .await?;
                let signature: String = signature.expose().split_ascii_whitespace().collect();
                body(&[
                    ("role", &role),
                    ("identity", &STANDARD.encode(document.expose_bytes()).into()),
                    ("signature", &signature.into()),
                    ("nonce", &nonce.as_str().into()),
                ])
            }
        };
        Ok(Credentials::login(body))
    }

    /// How often [`Self::poll`] looks for other keys; an instance's document never changes.
    pub(super) fn period(&self) -> Option<Duration> {
        match self.kind {
            Kind::Iam { period, .. } => Some(period),
            Kind::Ec2 { .. } => None,
        }
    }

    /// True if there are other keys than at the last login.
    pub(super) async fn poll(&mut self, client: &Client) -> bool {
        let Kind::Iam {
            source,
            region,
            sent,
            ..
        } = &mut self.kind
        else {
            return false;
        };
        match source.keys(client, region).await {
            Ok(keys) => sent.as_ref().is_some_and(|sent| *sent != keys.id),
            Err(_) => false,
        }
    }

    pub(super) fn role(&self) -> &str {
        &self.role
    }
}

/// The login body with a signed `GetCallerIdentity`.
fn signed(
    role: &Redacted,
    keys: &Keys,
    region: &str,
    server_id: Option<&str>,
    now: SystemTime,
) -> Redacted {
    let time = keys::stamp(now, "%Y%m%dT%H%M%SZ");
    let host = keys::sts_host(region);
    let mut headers = BTreeMap::from([
        ("content-length".to_owned(), IDENTITY_CALL.len().to_string()),
        (
            "content-type".to_owned(),
            "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
        ),
        ("host".to_owned(), host.clone()),
        ("x-amz-date".to_owned(), time.clone()),
    ]);
    if let Some(id) = server_id {
        headers.insert("x-vault-aws-iam-server-id".to_owned(), id.to_owned());
    }
    if let Some(session) = &keys.session {
        headers.insert(
            "x-amz-security-token".to_owned(),
            session.expose().to_owned(),
        );
    }
    let call = Call {
        method: "POST",
        path: "/",
        query: &[],
        headers: &headers,
        body: IDENTITY_CALL.as_bytes(),
    };
    let authorization = sigv4::authorization(
        &call,
        keys,
        &Scope {
            region,
            service: "sts",
            time: &time,
        },
    );
    // Vault reads the headers as Go writes them: canonical names, each with a list of values.
    let mut list = serde_json::Map::new();
    for (name, value) in headers
        .iter()
        .chain([(&"authorization".to_owned(), &authorization)])
    {
        list.insert(canonical_name(name), serde_json::json!([value]));
    }
    let list = zeroize::Zeroizing::new(serde_json::Value::Object(list).to_string());
    body(&[
        ("role", role),
        ("iam_http_request_method", &"POST".into()),
        (
            "iam_request_url",
            &STANDARD.encode(format!("https://{host}/")).into(),
        ),
        ("iam_request_body", &STANDARD.encode(IDENTITY_CALL).into()),
        (
            "iam_request_headers",
            &STANDARD.encode(list.as_bytes()).into(),
        ),
    ])
}

/// `x-amz-date` → `X-Amz-Date`.
fn canonical_name(name: &str) -> String {
    let part = |part: &str| {
        part.get(..1)
            .map_or_else(String::new, |first| first.to_uppercase() + &part[1..])
    };
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}

/// Ties later logins of this instance to this process.
fn random_nonce() -> String {
    let mut bytes = [0; 16];
    pannier_vault::random::fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_login_carries_a_signed_identity_call() {
        let keys = Keys {
            id: "AKIDEXAMPLE".to_owned(),
            secret: "secret".into(),
            session: Some("session".into()),
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        let body = signed(
            &"app".into(),
            &keys,
            "eu-central-1",
            Some("vault.example"),
            now,
        );
        let body: serde_json::Value = serde_json::from_str(body.expose()).unwrap();
        let decoded = |key: &str| {
            String::from_utf8(STANDARD.decode(body[key].as_str().unwrap()).unwrap()).unwrap()
        };
        assert_eq!(
            (
                body["role"].as_str(),
                body["iam_http_request_method"].as_str()
            ),
            (Some("app"), Some("POST"))
        );
        assert_eq!(
            decoded("iam_request_url"),
            "https://sts.eu-central-1.amazonaws.com/"
        );
        assert_eq!(
            decoded("iam_request_body"),
            "Action=GetCallerIdentity&Version=2011-06-15"
        );
        let headers: serde_json::Value =
            serde_json::from_str(&decoded("iam_request_headers")).unwrap();
        let names: Vec<_> = headers
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            names,
            [
                "Authorization",
                "Content-Length",
                "Content-Type",
                "Host",
                "X-Amz-Date",
                "X-Amz-Security-Token",
                "X-Vault-Aws-Iam-Server-Id"
            ]
        );
        assert_eq!(headers["X-Amz-Date"][0], "20150830T123600Z");
        let authorization = headers["Authorization"][0].as_str().unwrap();
        assert!(authorization.starts_with(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-central-1/sts/aws4_request, "
        ));
        assert!(authorization.contains(
            "SignedHeaders=content-length;content-type;host;x-amz-date;x-amz-security-token;x-vault-aws-iam-server-id, "
        ));
    }

    #[test]
    fn the_global_endpoint_serves_the_default_region() {
        assert_eq!(keys::sts_host("us-east-1"), "sts.amazonaws.com");
        assert_eq!(
            keys::sts_host("cn-north-1"),
            "sts.cn-north-1.amazonaws.com.cn"
        );
    }
}
