//! What can only be seen by looking at the whole configuration, in the reference's order and words.

use std::collections::BTreeSet;

use crate::{ApiProxy, Config, Position, Problem, Stage};

/// Everything that does not fit together. Makes the `api_proxy` that `cache.use_auto_auth_token` stands for.
pub(crate) fn check(config: &mut Config, of_blocks: Vec<Problem>) -> Vec<Problem> {
    let mut found = Vec::new();
    auto_auth_token(config, &mut found);
    sinks(config, &mut found);
    if config.auto_auth.is_none() && config.cache.is_none() && config.listeners.is_empty() {
        found.push(problem(
            None,
            "no auto_auth, cache, or listener block found in config",
        ));
    }
    supervisor(config, of_blocks, &mut found);
    found
}

fn auto_auth_token(config: &mut Config, found: &mut Vec<Problem>) {
    let cache = config.cache.as_ref();
    let of_cache = cache
        .map(|cache| cache.use_auto_auth_token)
        .unwrap_or_default();
    if let (Some(cache), Some(proxy)) = (cache, &config.api_proxy)
        && of_cache.enabled()
        && proxy.use_auto_auth_token.enabled()
    {
        found.push(problem(
            Some(&cache.at),
            "use_auto_auth_token defined in both api_proxy and cache config. \
             Please remove this configuration from the cache block",
        ));
    }
    if let Some(cache) = cache {
        if config.templates.is_empty()
            && config.env_templates.is_empty()
            && config.listeners.is_empty()
        {
            found.push(problem(
                Some(&cache.at),
                "enabling the cache requires at least 1 template or 1 listener to be defined",
            ));
        }
        if of_cache.enabled() {
            token_can_be_used(config, &cache.at, "cache", found);
            if config.api_proxy.is_none() {
                config.api_proxy = Some(ApiProxy {
                    at: cache.at.clone(),
                    use_auto_auth_token: of_cache,
                });
                // Only the demand for a listener is new; the others are met or noted above.
                if config.listeners.is_empty() {
                    found.push(problem(Some(&cache.at), PROXY_WITHOUT_LISTENER));
                }
                return;
            }
        }
    }
    if let Some(proxy) = &config.api_proxy {
        if config.listeners.is_empty() {
            found.push(problem(Some(&proxy.at), PROXY_WITHOUT_LISTENER));
        }
        if proxy.use_auto_auth_token.enabled() {
            token_can_be_used(config, &proxy.at, "api_proxy", found);
        }
    }
}

const PROXY_WITHOUT_LISTENER: &str =
    "configuring the api_proxy requires at least 1 listener to be defined";

fn token_can_be_used(config: &Config, at: &Position, stanza: &str, found: &mut Vec<Problem>) {
    match &config.auto_auth {
        None => found.push(problem(
            Some(at),
            &format!("{stanza}.use_auto_auth_token is true but auto_auth not configured"),
        )),
        Some(auto_auth) if auto_auth.method.wrap_ttl.is_some() => found.push(problem(
            Some(at),
            &format!("{stanza}.use_auto_auth_token is true and auto_auth uses wrapping"),
        )),
        Some(_) => {}
    }
}

fn sinks(config: &Config, found: &mut Vec<Problem>) {
    let Some(auto_auth) = &config.auto_auth else {
        return;
    };
    let token_is_unused = auto_auth.sinks.is_empty()
        && config.templates.is_empty()
        && config.env_templates.is_empty()
        && !config
            .api_proxy
            .as_ref()
            .is_some_and(|proxy| proxy.use_auto_auth_token.enabled());
    if token_is_unused {
        found.push(problem(
            Some(&auto_auth.method.at),
            "auto_auth requires at least one sink or at least one template or api_proxy.use_auto_auth_token=true",
        ));
    }
}

fn supervisor(config: &Config, of_blocks: Vec<Problem>, found: &mut Vec<Problem>) {
    let first = config
        .env_templates
        .first()
        .map(|template| &template.text.at);
    match (&config.exec, first) {
        (None, Some(at)) => found.push(problem(
            Some(at),
            "a top-level 'exec' element must be specified with 'env_template' entries",
        )),
        (Some(exec), None) => found.push(problem(
            Some(&exec.at),
            "must specify at least one 'env_template' element with a top-level 'exec' element",
        )),
        _ => {}
    }
    if let (Some(proxy), Some(_)) = (&config.api_proxy, first) {
        found.push(problem(
            Some(&proxy.at),
            "'api_proxy' cannot be specified with 'env_template' entries",
        ));
    }
    if let (Some(template), Some(_)) = (config.templates.first(), first) {
        let at = Some(&template.text.at);
        found.push(problem(
            at,
            "'template' cannot be specified with 'env_template' entries",
        ));
    }
    if let Some(exec) = &config.exec
        && exec.command.first().is_none_or(String::is_empty)
    {
        found.push(problem(
            Some(&exec.at),
            "'exec' requires a non-empty 'command' field",
        ));
    }
    let mut names = BTreeSet::new();
    for template in &config.env_templates {
        if !names.insert(&template.name) {
            let name = template.name.escape_debug();
            let text = format!("env_template: duplicate environment variable name: \"{name}\"");
            found.push(problem(Some(&template.text.at), &text));
        }
    }
    found.extend(of_blocks);
}

fn problem(at: Option<&Position>, text: &str) -> Problem {
    Problem {
        stage: Stage::Validating,
        text: text.to_owned(),
        at: at.cloned(),
        hint: None,
    }
}
