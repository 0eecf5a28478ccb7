//! The same configurations before `bao agent -test-verify-only` and before our reader.
//!
//! `testdata/original/good`: both accept, and our values stand in the original's dump. `bad`: both refuse, and our
//! message has the original's text. `accepted` and `refused`: what only we accept or refuse, each a row in
//! COMPATIBILITY.md.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, thread};

use pannier_agent_config::{Body, Config, Source, load};
use pannier_go::Duration as GoDuration;
use pannier_go::quote::quote;

fn bao() -> PathBuf {
    let path = std::env::var_os("PANNIER_BAO");
    path.map(PathBuf::from)
        .expect("PANNIER_BAO is not set: run `make test`, which installs OpenBao")
}

/// Exit code and standard output of the original; the file's name is all that it sees of its path.
fn original(bao: &Path, file: &Path) -> (bool, String) {
    let output = Command::new(bao)
        .args(["agent", "-test-verify-only"])
        .arg(format!(
            "-config={}",
            file.file_name().unwrap().to_str().unwrap()
        ))
        .current_dir(file.parent().unwrap())
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("BAO_TEST_VERIFY_ONLY_DUMP_CONFIG", "1")
        .output()
        .unwrap();
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

fn ours(file: &Path) -> Result<Config, String> {
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    let text = fs::read_to_string(file).unwrap();
    load(&[Source { name, text }]).map_err(|problems| {
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    })
}

/// Runs a check on every file of a folder, on two threads, and reports all that it says.
fn each(folder: &str, least: usize, check: impl Fn(&Path) -> Result<(), String> + Sync) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/original")
        .join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= least, "only {} files", files.len());
    let run = |files: &[PathBuf]| -> Vec<String> {
        let say = |file: &PathBuf| {
            check(file)
                .err()
                .map(|text| format!("{}: {text}", file.display()))
        };
        files.iter().filter_map(say).collect()
    };
    let (first, second) = files.split_at(files.len() / 2);
    let said = thread::scope(|scope| {
        let other = scope.spawn(|| run(second));
        let mut said = run(first);
        said.extend(other.join().unwrap());
        said
    });
    assert!(
        said.is_empty(),
        "{} of {} files differ:\n{}",
        said.len(),
        files.len(),
        said.join("\n")
    );
}

#[test]
fn good_configurations_mean_the_same() {
    let bao = bao();
    each("good", 80, |file| {
        let (accepted, dump) = original(&bao, file);
        if !accepted {
            return Err(format!("the original refuses it: {dump}"));
        }
        let config = ours(file)?;
        let dump = dump.split_whitespace().collect::<Vec<_>>().join(" ");
        let missing: Vec<_> = in_the_dump(&config)
            .into_iter()
            .filter(|(text, times)| dump.matches(text).count() != *times)
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "not so often in the original's dump: {missing:?}\n{dump}"
            ))
        }
    });
}

#[test]
fn bad_configurations_are_refused_with_the_same_text() {
    let bao = bao();
    each("bad", 100, |file| {
        let (accepted, said) = original(&bao, file);
        if accepted {
            return Err("the original accepts it".to_owned());
        }
        let Err(message) = ours(file) else {
            return Err(format!("we accept it: {said}"));
        };
        let said = without_place(said.trim());
        let said = said
            .strip_prefix("error loading configuration from ")
            .map_or(said.as_str(), |rest| {
                rest.split_once(": ").map_or(rest, |(_, text)| text)
            });
        if without_place(&message).contains(said) {
            Ok(())
        } else {
            Err(format!("{message}\n  but the original says: {said}"))
        }
    });
}

#[test]
fn some_forms_only_we_accept() {
    let bao = bao();
    each("accepted", 5, |file| {
        match (original(&bao, file), ours(file)) {
            ((true, _), _) => Err("the original accepts it too: move it to good".to_owned()),
            (_, Err(message)) => Err(message),
            _ => Ok(()),
        }
    });
}

#[test]
fn some_mistakes_only_we_refuse() {
    let bao = bao();
    each("refused", 10, |file| {
        match (original(&bao, file), ours(file)) {
            ((false, said), _) => Err(format!("the original refuses it too: {said}")),
            (_, Ok(_)) => Err("we accept it".to_owned()),
            _ => Ok(()),
        }
    });
}

/// Leaves out `At 1:2: ` and the like: where a mistake is counted from differs by a character here and there, and
/// the original does not know places in JSON.
fn without_place(text: &str) -> String {
    let numbers = |word: &str| {
        word.chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ':' | '-'))
            && word.contains([':', '-'])
    };
    let mut out: Vec<&str> = Vec::new();
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        if word == "At" && words.peek().is_some_and(|next| numbers(next)) {
            words.next();
        } else if !numbers(word) {
            out.push(word);
        }
    }
    out.join(" ")
}

/// Texts of the original's dump and how often each must be there, from our values.
fn in_the_dump(config: &Config) -> Vec<(String, usize)> {
    let mut wanted: Vec<(String, usize)> = vec![
        (
            "&TemplateConfig{".to_owned(),
            config.templates.len() + config.env_templates.len(),
        ),
        ("*configutil.Listener{".to_owned(), config.listeners.len()),
        (
            "&config.Sink{".to_owned(),
            config
                .auto_auth
                .as_ref()
                .map_or(0, |auto_auth| auto_auth.sinks.len()),
        ),
        (format!("ExitAfterAuth: {}", config.exit_after_auth), 1),
        (
            "Cache: (*config.Cache)(nil)".to_owned(),
            usize::from(config.cache.is_none()),
        ),
        (
            "APIProxy: (*config.APIProxy)(nil)".to_owned(),
            usize::from(config.api_proxy.is_none()),
        ),
        (
            format!(
                "DisableIdleConnsAPIProxy: {}",
                config.disable_idle_connections.proxying
            ),
            1,
        ),
        (
            format!(
                "DisableIdleConnsTemplating: {}",
                config.disable_idle_connections.templating
            ),
            1,
        ),
        (
            format!(
                "DisableIdleConnsAutoAuth: {}",
                config.disable_idle_connections.auto_auth
            ),
            1,
        ),
        (
            format!(
                "DisableKeepAlivesAPIProxy: {}",
                config.disable_keep_alives.proxying
            ),
            1,
        ),
        (
            format!(
                "DisableKeepAlivesTemplating: {}",
                config.disable_keep_alives.templating
            ),
            1,
        ),
        (
            format!(
                "DisableKeepAlivesAutoAuth: {}",
                config.disable_keep_alives.auto_auth
            ),
            1,
        ),
    ];
    let mut text = |name: &str, value: &Option<String>| {
        if let Some(value) = value {
            let shown = format!("{name}: {}", quote(value))
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            wanted.push((shown, 1));
        }
    };
    text("PidFile", &config.pid_file);
    text("LogLevel", &config.log.level);
    text("LogFormat", &config.log.format);
    text("LogFile", &config.log.file);
    text("Address", &config.vault.address);
    text("CACert", &config.vault.ca_cert);
    text("CAPath", &config.vault.ca_path);
    text("ClientCert", &config.vault.client_cert);
    text("ClientKey", &config.vault.client_key);
    text("TLSServerName", &config.vault.tls_server_name);
    if let Some(bytes) = config.log.rotate_bytes {
        wanted.push((format!("LogRotateBytes: {bytes},"), 1));
    }
    if let Some(files) = config.log.rotate_max_files {
        wanted.push((format!("LogRotateMaxFiles: {files},"), 1));
    }
    of_auto_auth(config, &mut wanted);
    of_cache(config, &mut wanted);
    of_templates(config, &mut wanted);
    if let Some(telemetry) = &config.telemetry {
        let nanos = telemetry
            .prometheus_retention_time
            .unwrap_or_default()
            .as_nanos();
        wanted.push((format!("PrometheusRetentionTime:{nanos}, "), 1));
        wanted.push((
            format!("DisableHostname:{}, ", telemetry.disable_hostname),
            1,
        ));
    }
    wanted
}

fn of_auto_auth(config: &Config, wanted: &mut Vec<(String, usize)>) {
    let Some(auto_auth) = &config.auto_auth else {
        return;
    };
    let method = &auto_auth.method;
    let nanos = |duration: Option<std::time::Duration>| duration.unwrap_or_default().as_nanos();
    wanted.push((
        format!(
            "Method: &config.Method{{ Type: {}, MountPath: {},",
            quote(&method.kind),
            quote(&method.mount_path)
        ),
        1,
    ));
    wanted.push((format!(" MinBackoff: {},", nanos(method.min_backoff)), 1));
    wanted.push((format!(" MaxBackoff: {},", nanos(method.max_backoff)), 1));
    wanted.push((
        format!(
            " Namespace: {},",
            quote(method.namespace.as_deref().unwrap_or_default())
        ),
        1,
    ));
    wanted.push((format!(" ExitOnError: {},", method.exit_on_err), 1));
    wanted.push((
        format!(
            "EnableReauthOnNewCredentials: {}",
            auto_auth.enable_reauth_on_new_credentials
        ),
        1,
    ));
    for sink in &auto_auth.sinks {
        let same = auto_auth
            .sinks
            .iter()
            .filter(|other| other.path == sink.path)
            .count();
        wanted.push((format!("\"path\": {}", quote(&sink.path)), same));
        if sink.mode != 0o640 {
            wanted.push((format!("\"mode\": int({})", sink.mode), 1));
        }
        if let Some(dh) = &sink.dh {
            wanted.push((
                format!("DeriveKey: {}, DHPath: {},", dh.derive_key, quote(&dh.path)),
                1,
            ));
        }
    }
}

fn of_cache(config: &Config, wanted: &mut Vec<(String, usize)>) {
    use pannier_agent_config::AutoAuthToken;
    if let Some(proxy) = &config.api_proxy
        && proxy.use_auto_auth_token.enabled()
    {
        let token = proxy.use_auto_auth_token;
        let (on, force) = (token.enabled(), token == AutoAuthToken::Force);
        let both = config
            .cache
            .as_ref()
            .is_some_and(|cache| cache.use_auto_auth_token == token);
        wanted.push((
            format!("UseAutoAuthToken: {on}, ForceAutoAuthToken: {force},"),
            1 + usize::from(both),
        ));
    }
    if let Some(persist) = config
        .cache
        .as_ref()
        .and_then(|cache| cache.persist.as_ref())
    {
        wanted.push((format!("Path:{}, ", quote(&persist.path)), 1));
        wanted.push((
            format!("KeepAfterImport:{}, ", persist.keep_after_import),
            1,
        ));
        wanted.push((format!("ExitOnErr:{}, ", persist.exit_on_err), 1));
    }
}

fn of_templates(config: &Config, wanted: &mut Vec<(String, usize)>) {
    let texts = config.templates.iter().map(|template| &template.text);
    for text in texts.chain(config.env_templates.iter().map(|template| &template.text)) {
        let (name, body) = match &text.body {
            Body::Source(path) => ("Source", path),
            Body::Contents(contents) => ("Contents", contents),
        };
        let shown = format!("{name}:{}, ", quote(body));
        wanted.push((shown.split_whitespace().collect::<Vec<_>>().join(" "), 1));
    }
    for template in &config.templates {
        wanted.push((format!("Destination:{}", quote(&template.destination)), 1));
        if let Some(command) = &template.command {
            wanted.push((format!("Command:[{}]", command.words.join(" ")), 1));
            if command.timeout.as_secs() != 30 {
                wanted.push((
                    format!(
                        "imeout:{}",
                        GoDuration::from_secs(command.timeout.as_secs() as i64)
                    ),
                    1,
                ));
            }
        }
        if let Some(perms) = template.perms {
            wanted.push((format!("Perms:\"{}\"", symbolic(perms)), 1));
        }
        if let Some(wait) = template.wait {
            wanted.push((
                format!("Min:{}, ", GoDuration::from_secs(wait.min.as_secs() as i64)),
                1,
            ));
        }
    }
}

/// `-rw-r-----` and the like.
fn symbolic(mode: u32) -> String {
    let bit = |i: u32| {
        if mode & (1 << (8 - i)) == 0 {
            '-'
        } else {
            ['r', 'w', 'x'][i as usize % 3]
        }
    };
    std::iter::once('-').chain((0..9).map(bit)).collect()
}
