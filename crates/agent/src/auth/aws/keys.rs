//! Where AWS keys come from.

use std::time::SystemTime;

use pannier_go::json::{self, Json};
use pannier_redacted::Redacted;
use pannier_vault::{Client, Method};

use super::sigv4::{Keys, escape};
use crate::auth::method::{Variables, read};
use crate::auth::web;

/// The instance metadata service.
const METADATA: &str = "http://169.254.169.254";

/// The ECS agent, for `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`.
const CONTAINER: &str = "http://169.254.170.2";

/// The places, as the process's environment describes them.
#[derive(Debug)]
pub(crate) struct Source {
    own: Option<Keys>,
    environment: Option<Keys>,
    web_identity: Option<WebIdentity>,
    container: Option<Container>,
    /// Base URL of the metadata service.
    pub(super) metadata: String,
}

#[derive(Debug)]
struct WebIdentity {
    role_arn: String,
    session: String,
    token_file: String,
    /// Another STS than the region's.
    endpoint: Option<String>,
}

#[derive(Debug)]
struct Container {
    base: String,
    target: String,
    token: Option<Redacted>,
    token_file: Option<String>,
}

impl Source {
    pub(super) fn new(variables: Variables<'_>) -> Self {
        let set = |name: &str| variables(name).filter(|value| !value.is_empty());
        let first = |names: &[&str]| names.iter().find_map(|name| set(name));
        let environment = match (
            first(&["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"]),
            first(&["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"]),
        ) {
            (Some(id), Some(secret)) => Some(Keys {
                id,
                secret: secret.into(),
                session: set("AWS_SESSION_TOKEN").map(Redacted::from),
            }),
            _ => None,
        };
        let web_identity = match (set("AWS_ROLE_ARN"), set("AWS_WEB_IDENTITY_TOKEN_FILE")) {
            (Some(role_arn), Some(token_file)) => Some(WebIdentity {
                role_arn,
                token_file,
                session: set("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| "pannier-agent".to_owned()),
                endpoint: first(&["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"]),
            }),
            _ => None,
        };
        let full = set("AWS_CONTAINER_CREDENTIALS_FULL_URI")
            .as_deref()
            .and_then(split);
        let relative = set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
            .map(|target| (CONTAINER.to_owned(), target));
        let container = relative.or(full).map(|(base, target)| Container {
            base,
            target,
            token: set("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Redacted::from),
            token_file: set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
        });
        let metadata =
            set("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| METADATA.to_owned());
        Self {
            own: None,
            environment,
            web_identity,
            container,
            metadata: metadata.trim_end_matches('/').to_owned(),
        }
    }

    pub(super) fn with_own(self, own: Option<Keys>) -> Self {
        Self { own, ..self }
    }

    /// Keys for now. Those of the first place that is configured, or its error: falling through to another identity
    /// would hide a mistake.
    pub(super) async fn keys(&self, client: &Client, region: &str) -> Result<Keys, String> {
        if let Some(keys) = self.own.as_ref().or(self.environment.as_ref()) {
            return Ok(keys.clone());
        }
        if let Some(identity) = &self.web_identity {
            return identity
                .keys(client, region)
                .await
                .map_err(|error| format!("web identity: {error}"));
        }
        if let Some(container) = &self.container {
            return container
                .keys()
                .await
                .map_err(|error| format!("container credentials: {error}"));
        }
        self.instance().await.map_err(|error| {
            format!(
                "no AWS credentials: neither `access_key` and `secret_key` nor a variable such as `AWS_ACCESS_KEY_ID`, \
                 `AWS_WEB_IDENTITY_TOKEN_FILE` or `AWS_CONTAINER_CREDENTIALS_FULL_URI` is set, and instance metadata says: {error}"
            )
        })
    }

    async fn instance(&self) -> Result<Keys, String> {
        let service = Metadata::connect(&self.metadata).await?;
        let path = "/latest/meta-data/iam/security-credentials/";
        let role = service.get(path).await?;
        let role = role
            .expose()
            .lines()
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        if role.is_empty() {
            return Err("the instance has no role".to_owned());
        }
        parse(
            &service.get(&format!("{path}{}", escape(&role))).await?,
            "Token",
        )
    }
}

impl WebIdentity {
    async fn keys(&self, client: &Client, region: &str) -> Result<Keys, String> {
        let token = read(&self.token_file)?;
        let base = self
            .endpoint
            .clone()
            .unwrap_or_else(|| format!("https://{}", sts_host(region)));
        let body = web::form(&[
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", &self.role_arn),
            ("RoleSessionName", &self.session),
            ("WebIdentityToken", token.expose().trim()),
        ]);
        let headers = [
            (
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            ),
            ("accept", "application/xml"),
        ];
        let service = web::service(&base, client)?;
        let answer =
            web::call(&service, Method::POST, "/", &headers, Some(body.as_bytes())).await?;
        let element = |name| {
            element(answer.expose(), name)
                .ok_or_else(|| format!("the answer of {base} has no `{name}`"))
        };
        Ok(Keys {
            id: element("AccessKeyId")?.to_owned(),
            secret: element("SecretAccessKey")?.into(),
            session: Some(element("SessionToken")?.into()),
        })
    }
}

impl Container {
    async fn keys(&self) -> Result<Keys, String> {
        let token = match (&self.token_file, &self.token) {
            (Some(file), _) => Some(read(file)?),
            (None, token) => token.clone(),
        };
        let headers: Vec<_> = token
            .iter()
            .map(|token| ("authorization", token.expose().trim()))
            .collect();
        parse(
            &web::get(&web::metadata(&self.base)?, &self.target, &headers).await?,
            "Token",
        )
    }
}

/// A session with the instance metadata service, version 2.
pub(super) struct Metadata {
    client: Client,
    token: Redacted,
}

impl Metadata {
    pub(super) async fn connect(base: &str) -> Result<Self, String> {
        let client = web::metadata(base)?;
        let headers = [("x-aws-ec2-metadata-token-ttl-seconds", "300")];
        let token = web::call(&client, Method::PUT, "/latest/api/token", &headers, None).await?;
        Ok(Self { client, token })
    }

    pub(super) async fn get(&self, target: &str) -> Result<Redacted, String> {
        web::get(
            &self.client,
            target,
            &[("x-aws-ec2-metadata-token", self.token.expose().trim())],
        )
        .await
    }
}

/// Keys as the container and instance services answer them.
fn parse(answer: &Redacted, session: &str) -> Result<Keys, String> {
    let json = json::decode(answer.expose_bytes())
        .map_err(|error| format!("the credentials are not JSON: {error}"))?;
    let text = |name: &str| json.get(name).and_then(Json::as_str);
    let wanted = |name: &str| text(name).ok_or_else(|| format!("the credentials have no `{name}`"));
    Ok(Keys {
        id: wanted("AccessKeyId")?.to_owned(),
        secret: wanted("SecretAccessKey")?.into(),
        session: text(session).map(Redacted::from),
    })
}

/// The text of the first element of that name; the answers of STS have neither attributes nor entities in these.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>"))
        .map(|(text, _)| text.trim())
}

/// `http://host:port/path?query` as base and target.
fn split(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, target) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    Some((format!("{scheme}://{authority}"), target.to_owned()))
}

/// The host of STS. The default region is served by the global endpoint.
pub(super) fn sts_host(region: &str) -> String {
    match region {
        "us-east-1" => "sts.amazonaws.com".to_owned(),
        china if china.starts_with("cn-") => format!("sts.{china}.amazonaws.com.cn"),
        other => format!("sts.{other}.amazonaws.com"),
    }
}

/// A moment in UTC, in `strftime` terms.
pub(crate) fn stamp(now: SystemTime, format: &str) -> String {
    jiff::Timestamp::try_from(now)
        .map(|time| time.strftime(format).to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::auth::stand_in::StandIn;
    use std::io::Write as _;

    fn vault() -> Client {
        web::metadata("http://127.0.0.1:1").unwrap()
    }

    async fn keys(variables: &[(&str, &str)]) -> Result<Keys, String> {
        let find = |name: &str| {
            variables
                .iter()
                .find(|(each, _)| *each == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Source::new(&find).keys(&vault(), "us-east-1").await
    }

    #[tokio::test]
    async fn the_environment_comes_first() {
        let keys = keys(&[
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "session"),
            ("AWS_ROLE_ARN", "arn"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent"),
        ])
        .await
        .unwrap();
        assert_eq!((keys.id.as_str(), keys.secret.expose()), ("id", "secret"));
        assert_eq!(keys.session.unwrap().expose(), "session");
    }

    #[tokio::test]
    async fn a_service_account_is_exchanged_for_a_role() {
        let answer = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA</AccessKeyId>\
                      <SecretAccessKey>a/b+c=</SecretAccessKey><SessionToken>session</SessionToken></Credentials></AssumeRoleWithWebIdentityResult>\
                      </AssumeRoleWithWebIdentityResponse>";
        let sts = StandIn::start(vec![("POST / ", 200, answer)]);
        let mut token = tempfile::NamedTempFile::new().unwrap();
        token.write_all(b"header.claims.signature\n").unwrap();
        let keys = keys(&[
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/app"),
            (
                "AWS_WEB_IDENTITY_TOKEN_FILE",
                token.path().to_str().unwrap(),
            ),
            ("AWS_ENDPOINT_URL_STS", &sts.base),
        ])
        .await
        .unwrap();
        assert_eq!((keys.id.as_str(), keys.secret.expose()), ("ASIA", "a/b+c="));
        let request = sts.requests().remove(0);
        assert!(request.ends_with(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fapp&\
             RoleSessionName=pannier-agent&WebIdentityToken=header.claims.signature"
        ));
        // Nothing of Vault's goes to a stranger.
        assert!(!request.to_lowercase().contains("x-vault"));
    }

    #[tokio::test]
    async fn pod_identity_sends_its_token() {
        let agent = StandIn::start(vec![(
            "GET /v1/credentials ",
            200,
            r#"{"AccessKeyId":"ASIA","SecretAccessKey":"secret","Token":"session","Expiration":"2030-01-01T00:00:00Z"}"#,
        )]);
        let mut token = tempfile::NamedTempFile::new().unwrap();
        token.write_all(b"pod-identity-token").unwrap();
        let keys = keys(&[
            (
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                &format!("{}/v1/credentials", agent.base),
            ),
            (
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                token.path().to_str().unwrap(),
            ),
        ])
        .await
        .unwrap();
        assert_eq!(keys.session.unwrap().expose(), "session");
        assert!(agent.requests()[0].contains("authorization: pod-identity-token"));
    }

    #[tokio::test]
    async fn an_instance_is_asked_with_a_session_token() {
        let service = StandIn::start(vec![
            ("PUT /latest/api/token ", 200, "imds-token"),
            (
                "GET /latest/meta-data/iam/security-credentials/ ",
                200,
                "node-role\n",
            ),
            (
                "GET /latest/meta-data/iam/security-credentials/node-role ",
                200,
                r#"{"Code":"Success","AccessKeyId":"ASIA","SecretAccessKey":"secret","Token":"session"}"#,
            ),
        ]);
        let keys = keys(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &service.base)])
            .await
            .unwrap();
        assert_eq!(keys.id, "ASIA");
        let requests = service.requests();
        assert!(requests[0].contains("x-aws-ec2-metadata-token-ttl-seconds: 300"));
        assert!(
            requests[1..]
                .iter()
                .all(|request| request.contains("x-aws-ec2-metadata-token: imds-token"))
        );
    }

    #[tokio::test]
    async fn without_any_keys_every_place_is_named() {
        let service = StandIn::start(vec![("PUT /latest/api/token ", 403, "disabled")]);
        let error = keys(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &service.base)])
            .await
            .unwrap_err();
        assert!(
            error.starts_with("no AWS credentials: neither `access_key` and `secret_key`"),
            "{error}"
        );
        assert!(error.contains("status 403: disabled"), "{error}");
    }
}
