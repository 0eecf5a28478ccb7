//! `pannier agent-inject`: the admission webhook.

use crate::command::say;
use crate::version::VERSION;
use pannier_inject::settings::{self, Failure, LogFormat, Settings, TlsVersion};
use pannier_log::{Format, Level, Options};
use pannier_webhook::admission::Injector;
use pannier_webhook::tls::TlsOptions;
use pannier_webhook::{Automatic, BodyLimits, Certificates, Config, Files, Limits};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    // Names and values that are no UTF-8 are nobody's settings.
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let (config, settings) = match configure(arguments, &environment) {
        Ok(both) => both,
        Err(Failure::Help) => {
            say(help());
            return ExitCode::SUCCESS;
        }
        Err(Failure::Mistakes(mistakes)) => {
            for mistake in &mistakes {
                say(mistake);
            }
            if mistakes.iter().any(|mistake| mistake.setting.is_empty()) {
                say(format_args!("\n{}", help()));
            }
            return ExitCode::FAILURE;
        }
    };
    let format = if settings.log_format == LogFormat::Json {
        Format::Json
    } else {
        Format::Standard
    };
    let level = settings.log_level.name().parse().unwrap_or(Level::Info);
    if let Err(error) = pannier_log::init(Options::new(level, format)) {
        say(format_args!("failed to setup logging: {error}"));
        return ExitCode::FAILURE;
    }
    log_panics();
    for note in &settings.notes {
        tracing::warn!(target: "handler", "{note}");
    }
    if settings.use_leader_elector {
        tracing::info!(target: "handler", "leader election is not needed: replicas agree on certificates through the Secret alone");
    }
    serve(config, settings)
}

fn serve(config: Config, settings: Settings) -> ExitCode {
    // A review takes well under a millisecond, and one thread answers thousands a second. A second thread on the same two
    // cores only makes both wake each other: a tenth more CPU for each review, and a third more for the slowest of a hundred.
    let threads = (std::thread::available_parallelism().map_or(1, usize::from) / 2).clamp(1, 4);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build();
    let served = runtime
        .map_err(|error| error.to_string())
        .and_then(|runtime| {
            let served = runtime.block_on(async {
                let stop =
                    stop_signal().map_err(|error| format!("cannot listen for signals: {error}"))?;
                pannier_webhook::run(config, Arc::new(Injector::new(settings)), stop)
                    .await
                    .map_err(|error| error.to_string())
            });
            runtime.shutdown_timeout(Duration::from_secs(1));
            served
        });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Both: the line for people who look for the reference's words, the event for those who read logs.
            tracing::error!(target: "handler", error, "Shutting down due to error");
            say(error);
            ExitCode::FAILURE
        }
    }
}

/// Completes at the first SIGTERM or SIGINT with its name; a second one ends the process at once.
fn stop_signal() -> std::io::Result<impl Future<Output = String>> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    Ok(async move {
        let name = either(&mut terminate, &mut interrupt).await;
        tokio::spawn(async move {
            let again = either(&mut terminate, &mut interrupt).await;
            tracing::warn!(target: "handler", signal = again, "second signal, ending at once");
            std::process::exit(1);
        });
        name.to_owned()
    })
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "terminated",
        _ = interrupt.recv() => "interrupt",
    }
}

/// A panic costs one request; its place goes to the log. The payload may hold what a user wrote, so it stays out.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(target: "handler", place, "this is a bug, please report it");
    }));
}

fn configure(
    arguments: &[String],
    environment: &BTreeMap<String, String>,
) -> Result<(Config, Settings), Failure> {
    let settings = Settings::new(arguments, environment)?;
    let only_tls13 = settings.tls_min_version == TlsVersion::Tls13;
    let tls = TlsOptions::new(only_tls13, &settings.tls_cipher_suites.0).map_err(|error| {
        let message = format!("Failed to configure TLS: {error}");
        Failure::Mistakes(vec![settings::Mistake {
            setting: Settings::names("tls_cipher_suites"),
            message,
        }])
    })?;
    let config = Config {
        listen: settings.listen.0.clone(),
        tls,
        certificates: certificates(&settings),
        follow_kube_version: settings.kube_version.is_none(),
        metrics_path: Some(settings.telemetry_path.0.clone()).filter(|path| !path.is_empty()),
        limits: Limits::default(),
        body_limits: BodyLimits::default(),
        linger: settings.shutdown_delay.0,
        version: VERSION.to_owned(),
    };
    Ok((config, settings))
}

fn certificates(settings: &Settings) -> Certificates {
    let webhook = Some(settings.tls_auto.clone()).filter(|name| !name.is_empty());
    if !settings.tls_cert_file.is_empty() || !settings.tls_key_file.is_empty() {
        let ca = Some(&settings.tls_ca_cert_file).filter(|path| !path.is_empty());
        let files = Files {
            certificate: (&settings.tls_cert_file).into(),
            key: (&settings.tls_key_file).into(),
            ca: ca.map(Into::into),
        };
        return Certificates::Files { files, webhook };
    }
    Certificates::Automatic(Automatic {
        hosts: settings.tls_auto_hosts.0.clone(),
        lifetime: settings.tls_auto_lifetime.0,
        webhook,
        secret_namespace: settings
            .use_leader_elector
            .then(|| settings.namespace.clone()),
    })
}

fn help() -> String {
    format!(
        "Usage: pannier agent-inject [options]\n\n  Serves the admission webhook that injects agents into pods.\n\nOptions:\n\n{}",
        settings::help()
    )
}
