//! The command `token revoke -self`, which a pod's preStop hook calls.

use std::process::ExitCode;

use pannier_agent::connection::client_config;
use pannier_agent_config::flags::FLAGS;
use pannier_agent_config::{Arguments, ArgumentsError, Config, Environment, Settings};
use pannier_go::flag::{self, Flag, FlagError, Kind};
use pannier_redacted::Redacted;
use pannier_vault::{Client, Method, Policy, Request};

use crate::{USAGE, VERSION};

/// Exit code when the server could not be asked or refused.
const FAILED: u8 = 2;

/// Where a token revokes itself.
const PATH: &str = "auth/token/revoke-self";

/// How often the request is sent again, as by every command of the original.
const RETRIES: u32 = 2;

const OWN: [Flag; 1] = [Flag {
    name: "self",
    kind: Kind::Bool,
    env: "",
    default: "false",
    help: "Revoke the token that makes the request.",
    hidden: false,
}];

/// Revokes the token of this process or of `~/.vault-token`.
pub(crate) fn revoke(words: &[&str], environment: &Environment) -> ExitCode {
    let arguments = match parse(words) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!(
                "Usage: vault token revoke [options] -self\n\nOptions:\n\n{}{}",
                flag::help(&OWN),
                flag::help(&FLAGS)
            );
            return ExitCode::SUCCESS;
        }
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::from(USAGE);
        }
    };
    match send(&arguments, environment) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("Error revoking token: {text}");
            ExitCode::from(FAILED)
        }
    }
}

/// The connection's flags, as settings are read from them and as they are.
struct Given(Arguments, flag::Parsed);

/// What is given; `None` when help was asked for.
fn parse(words: &[&str]) -> Result<Option<Given>, String> {
    let (own, others): (Vec<&str>, Vec<&str>) = words.iter().copied().partition(|word| {
        let name = word.trim_start_matches('-');
        word.starts_with('-') && (name == "self" || name.starts_with("self="))
    });
    let own = flag::parse(&OWN, &own).map_err(|error| ArgumentsError::Flag(error).to_string())?;
    let parsed = match flag::parse(&FLAGS, &others) {
        Ok(parsed) => parsed,
        Err(FlagError::Help) => return Ok(None),
        Err(error) => return Err(ArgumentsError::Flag(error).to_string()),
    };
    match (own.bool("self").unwrap_or(false), parsed.rest.len()) {
        (true, 0) => {}
        (true, many) => {
            return Err(format!(
                "Too many arguments with -self (expected 0, got {many})"
            ));
        }
        (false, 0) => return Err("Not enough arguments (expected 1 or -self, got 0)".to_owned()),
        (false, many @ 2..) => {
            return Err(format!(
                "Too many arguments (expected 1 or -self, got {many})"
            ));
        }
        (false, _) => return Err("only `token revoke -self` is understood here".to_owned()),
    }
    match Arguments::parse(&others) {
        Ok(arguments) => Ok(Some(Given(arguments, parsed))),
        Err(error) => Err(error.to_string()),
    }
}

/// Sends the request, or tells what would be sent when only that is asked for. What to print.
fn send(Given(arguments, given): &Given, environment: &Environment) -> Result<String, String> {
    if given.bool("output-policy") == Some(true) {
        return Ok(format!(
            "path \"{PATH}\" {{\n  capabilities = [\"create\", \"update\"]\n}}"
        ));
    }
    let mut settings = Settings::new(arguments, environment, &Config::default())
        .map_err(|error| error.to_string())?;
    // Commands, unlike the agent itself, may be sent through an agent.
    let agent = given.last("agent-address");
    if let Some(agent) = agent.or_else(|| environment.set("VAULT_AGENT_ADDR")) {
        agent.clone_into(&mut settings.address);
    }
    let token = settings.token.clone().or_else(|| kept(environment));
    if given.bool("output-curl-string") == Some(true) {
        let mut line = String::from("curl -X PUT");
        if token.is_some() {
            line.push_str(" -H \"X-Vault-Token: $(vault print token)\"");
        }
        line.push_str(" -H \"X-Vault-Request: true\"");
        if let Some(namespace) = settings.namespace {
            line.push_str(&format!(" -H \"X-Vault-Namespace: {namespace}\""));
        }
        return Ok(format!(
            "{line} \"{}/v1/{PATH}\"",
            settings.address.trim_end_matches('/')
        ));
    }
    let config = client_config(&settings, environment).map_err(|error| error.to_string())?;
    let client = Client::new(config)
        .map_err(|error| error.to_string())?
        .with_policy(Policy {
            user_agent: format!("Vault/{VERSION} (+https://www.vaultproject.io/; pannier)"),
            retries: settings.max_retries.unwrap_or(RETRIES),
            ..Policy::default()
        });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let request = Request::new(Method::PUT, PATH);
    let answer = runtime.block_on(client.with_token(token).send(&request));
    answer.map_err(|error| error.to_string())?;
    Ok("Success! Revoked token (if it existed)".to_owned())
}

/// The token in the home folder, where a sink may have put it.
fn kept(environment: &Environment) -> Option<Redacted> {
    let path = std::path::Path::new(environment.set("HOME")?).join(".vault-token");
    let text = Redacted::from(std::fs::read(path).ok()?);
    Some(Redacted::from(text.expose_bytes().trim_ascii())).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_dry_run_sends_nothing() {
        let environment = Environment::new([
            ("VAULT_ADDR", "http://127.0.0.1:1/"),
            ("VAULT_TOKEN", "s.x"),
            ("VAULT_NAMESPACE", "n"),
        ]);
        let said = |words: &[&str]| send(&parse(words).unwrap().unwrap(), &environment).unwrap();
        assert_eq!(
            said(&["-output-curl-string", "-self"]),
            r#"curl -X PUT -H "X-Vault-Token: $(vault print token)" -H "X-Vault-Request: true" -H "X-Vault-Namespace: n/" "http://127.0.0.1:1/v1/auth/token/revoke-self""#
        );
        assert!(
            said(&[
                "-output-curl-string",
                "-self",
                "-agent-address=http://a:2/x"
            ])
            .ends_with("\"http://a:2/x/v1/auth/token/revoke-self\"")
        );
        assert_eq!(
            said(&["-self", "-output-policy"]),
            "path \"auth/token/revoke-self\" {\n  capabilities = [\"create\", \"update\"]\n}"
        );
    }

    #[test]
    fn usage_is_checked_in_the_words_of_the_original() {
        let refused = |words: &[&str]| parse(words).err().unwrap_or_default();
        assert_eq!(
            refused(&["-address=http://v"]),
            "Not enough arguments (expected 1 or -self, got 0)"
        );
        assert_eq!(
            refused(&["-self", "x"]),
            "Too many arguments with -self (expected 0, got 1)"
        );
        assert_eq!(
            refused(&["-foo", "-self"]),
            "flag provided but not defined: -foo"
        );
        assert_eq!(
            refused(&["-self=maybe"]),
            "invalid boolean value \"maybe\" for -self: strconv.ParseBool: parsing \"maybe\": invalid syntax"
        );
        assert!(matches!(
            parse(&["-address=http://v", "-self"]),
            Ok(Some(_))
        ));
        assert!(matches!(
            parse(&["-self=true", "-address", "http://v"]),
            Ok(Some(_))
        ));
    }
}
