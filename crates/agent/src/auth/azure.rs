//! `azure`: a token of Entra ID, from the managed identity of the machine or from the pod's workload identity.

use pannier_agent_config::MethodConfig;
use pannier_go::json::{self, Json};
use pannier_redacted::Redacted;
use pannier_vault::{Client, Method};

use super::aws::sigv4::escape;
use super::method::{Credentials, MethodError, Variables, body, read, required};
use super::web;

/// The instance metadata service.
const METADATA: &str = "http://169.254.169.254";

#[derive(Debug)]
pub(crate) struct Azure {
    role: String,
    resource: String,
    identity: Identity,
    /// Base URL of the metadata service.
    metadata: String,
}

#[derive(Debug)]
enum Identity {
    /// The machine's; the query that picks one of several.
    Managed { pick: String },
    /// What the environment describes.
    Environment {
        authority: String,
        tenant: String,
        client: String,
        scope: String,
        proof: Proof,
    },
}

#[derive(Debug)]
enum Proof {
    TokenFile(String),
    Secret(Redacted),
}

impl Azure {
    pub(super) fn new(
        config: &MethodConfig,
        variables: Variables<'_>,
    ) -> Result<Self, MethodError> {
        let role = required(config, "role")?;
        let resource = required(config, "resource")?;
        let text = |key| {
            Ok::<_, MethodError>(
                config
                    .text(key)?
                    .filter(|text| !text.is_empty())
                    .map(str::to_owned),
            )
        };
        let (object, client) = (text("object_id")?, text("client_id")?);
        let identity = if config
            .bool("authenticate_from_environment")?
            .unwrap_or(false)
        {
            let scope = text("scope")?
                .unwrap_or_else(|| format!("{}/.default", resource.trim_end_matches('/')));
            from_environment(variables, client, scope)?
        } else {
            let pick = match (object, client) {
                (Some(_), Some(_)) => {
                    return Err(MethodError::Config(
                        "only one of 'object_id' or 'client_id' may be set".to_owned(),
                    ));
                }
                (Some(object), None) => format!("&object_id={}", escape(&object)),
                (None, Some(client)) => format!("&client_id={}", escape(&client)),
                (None, None) => String::new(),
            };
            Identity::Managed { pick }
        };
        Ok(Self {
            role,
            resource,
            identity,
            metadata: METADATA.to_owned(),
        })
    }

    pub(super) async fn credentials(&self, vault: &Client) -> Result<Credentials, String> {
        let jwt = match &self.identity {
            Identity::Managed { pick } => {
                let resource = escape(&self.resource);
                let target = format!(
                    "/metadata/identity/oauth2/token?api-version=2018-02-01&resource={resource}{pick}"
                );
                token(
                    &web::get(
                        &web::metadata(&self.metadata)?,
                        &target,
                        &[("metadata", "true")],
                    )
                    .await?,
                )?
            }
            Identity::Environment {
                authority,
                tenant,
                client,
                scope,
                proof,
            } => {
                let assertion = match proof {
                    Proof::TokenFile(path) => read(path)?,
                    Proof::Secret(secret) => secret.clone(),
                };
                let mut form = vec![
                    ("client_id", client.as_str()),
                    ("scope", scope),
                    ("grant_type", "client_credentials"),
                ];
                match proof {
                    Proof::TokenFile(_) => form.extend([
                        (
                            "client_assertion_type",
                            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                        ),
                        ("client_assertion", assertion.expose().trim()),
                    ]),
                    Proof::Secret(_) => form.push(("client_secret", assertion.expose())),
                }
                let headers = [("content-type", "application/x-www-form-urlencoded")];
                let target = format!("/{}/oauth2/v2.0/token", escape(tenant));
                let service = web::service(authority, vault)?;
                token(
                    &web::call(
                        &service,
                        Method::POST,
                        &target,
                        &headers,
                        Some(web::form(&form).as_bytes()),
                    )
                    .await?,
                )?
            }
        };
        let mut members = vec![("role", Redacted::from(self.role.as_str())), ("jwt", jwt)];
        // A pod's workload identity has no machine of its own that Vault could check.
        if matches!(self.identity, Identity::Managed { .. }) {
            let target = "/metadata/instance?api-version=2017-08-01";
            let answer = web::get(
                &web::metadata(&self.metadata)?,
                target,
                &[("metadata", "true")],
            )
            .await?;
            let machine = json::decode(answer.expose_bytes())
                .map_err(|error| format!("instance metadata: {error}"))?;
            let of = |name| {
                machine
                    .get("compute")
                    .and_then(|compute| compute.get(name))
                    .and_then(Json::as_str)
                    .unwrap_or("")
            };
            members.extend([
                ("subscription_id", of("subscriptionId").into()),
                ("resource_group_name", of("resourceGroupName").into()),
                ("vm_name", of("name").into()),
                ("vmss_name", of("vmScaleSetName").into()),
            ]);
        }
        let members: Vec<_> = members.iter().map(|(name, value)| (*name, value)).collect();
        Ok(Credentials::login(body(&members)))
    }

    pub(super) fn role(&self) -> &str {
        &self.role
    }
}

/// The variables of Azure's workload identity webhook, or of a service principal.
fn from_environment(
    variables: Variables<'_>,
    client: Option<String>,
    scope: String,
) -> Result<Identity, MethodError> {
    let set = |name: &str| variables(name).filter(|value| !value.is_empty());
    let wanted = |name: &str| {
        let text = format!("'authenticate_from_environment' needs the variable `{name}`");
        set(name).ok_or(MethodError::Config(text))
    };
    let proof = match (
        set("AZURE_FEDERATED_TOKEN_FILE"),
        set("AZURE_CLIENT_SECRET"),
    ) {
        (Some(path), _) => Proof::TokenFile(path),
        (None, Some(secret)) => Proof::Secret(secret.into()),
        (None, None) => {
            let text = "'authenticate_from_environment' needs the variable `AZURE_FEDERATED_TOKEN_FILE` or `AZURE_CLIENT_SECRET`";
            return Err(MethodError::Config(text.to_owned()));
        }
    };
    let authority = set("AZURE_AUTHORITY_HOST")
        .unwrap_or_else(|| "https://login.microsoftonline.com".to_owned());
    Ok(Identity::Environment {
        authority: authority.trim_end_matches('/').to_owned(),
        tenant: wanted("AZURE_TENANT_ID")?,
        client: client.map_or_else(|| wanted("AZURE_CLIENT_ID"), Ok)?,
        scope,
        proof,
    })
}

fn token(answer: &Redacted) -> Result<Redacted, String> {
    let json = json::decode(answer.expose_bytes())
        .map_err(|error| format!("the token answer is not JSON: {error}"))?;
    let token = json
        .get("access_token")
        .and_then(Json::as_str)
        .map(Redacted::from);
    token.ok_or_else(|| "the token answer has no `access_token`".to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::auth::method::tests::{config, sent};
    use crate::auth::stand_in::StandIn;
    use std::io::Write as _;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[tokio::test]
    async fn a_machine_proves_its_managed_identity() {
        let service = StandIn::start(vec![
            (
                "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault&client_id=c%201 ",
                200,
                r#"{"access_token":"a.b.c"}"#,
            ),
            (
                "GET /metadata/instance?api-version=2017-08-01 ",
                200,
                r#"{"compute":{"name":"vm","resourceGroupName":"rg","subscriptionId":"s","vmScaleSetName":"set"}}"#,
            ),
        ]);
        let config = config(&[
            ("role", "app"),
            ("resource", "https://vault"),
            ("client_id", "c 1"),
        ]);
        let mut azure = Azure::new(&config, &nothing).unwrap();
        azure.metadata.clone_from(&service.base);
        let vault = web::metadata("http://127.0.0.1:1").unwrap();
        assert_eq!(
            sent(azure.credentials(&vault).await.unwrap()),
            r#"{"role":"app","jwt":"a.b.c","subscription_id":"s","resource_group_name":"rg","vm_name":"vm","vmss_name":"set"}"#
        );
        assert!(
            service
                .requests()
                .iter()
                .all(|request| request.contains("metadata: true"))
        );
    }

    #[tokio::test]
    async fn a_pod_exchanges_its_service_account_token() {
        let service = StandIn::start(vec![(
            "POST /tenant/oauth2/v2.0/token ",
            200,
            r#"{"access_token":"a.b.c"}"#,
        )]);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"projected.token").unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let base = service.base.clone();
        let variables = move |name: &str| match name {
            "AZURE_TENANT_ID" => Some("tenant".to_owned()),
            "AZURE_CLIENT_ID" => Some("client".to_owned()),
            "AZURE_FEDERATED_TOKEN_FILE" => Some(path.clone()),
            "AZURE_AUTHORITY_HOST" => Some(format!("{base}/")),
            _ => None,
        };
        let mut pairs = config(&[("role", "app"), ("resource", "https://vault/")]);
        pairs.0.insert(
            "authenticate_from_environment".to_owned(),
            pannier_agent_config::Plain::Bool(true),
        );
        let azure = Azure::new(&pairs, &variables).unwrap();
        let vault = web::metadata("http://127.0.0.1:1").unwrap();
        assert_eq!(
            sent(azure.credentials(&vault).await.unwrap()),
            r#"{"role":"app","jwt":"a.b.c"}"#
        );
        assert!(service.requests()[0].ends_with(
            "client_id=client&scope=https%3A%2F%2Fvault%2F.default&grant_type=client_credentials&\
             client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=projected.token"
        ));
    }

    #[test]
    fn mistakes_are_named() {
        let error = |pairs: &[(&str, &str)]| {
            Azure::new(&config(pairs), &nothing)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(error(&[("role", "app")]), "missing 'resource' value");
        let both = [
            ("role", "app"),
            ("resource", "r"),
            ("object_id", "o"),
            ("client_id", "c"),
        ];
        assert_eq!(
            error(&both),
            "only one of 'object_id' or 'client_id' may be set"
        );
        let environment = [
            ("role", "app"),
            ("resource", "r"),
            ("authenticate_from_environment", "true"),
        ];
        assert!(
            error(&environment).contains("`AZURE_FEDERATED_TOKEN_FILE` or `AZURE_CLIENT_SECRET`")
        );
    }
}
