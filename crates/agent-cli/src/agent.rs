//! The command `agent`.

use std::process::ExitCode;
use std::time::Duration;

use pannier_agent::{Agent, Process};
use pannier_agent_config::{
    Arguments, ArgumentsError, Config, Environment, LogConfig, Settings, dump, flags, load,
    read_paths,
};
use pannier_log::{FileOptions, Format, Handle, Level, Options, Output};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::process::{PidFile, harden};
use crate::{USAGE, VERSION, notify};

/// How old a log file grows unless told.
const ROTATE_AFTER: Duration = Duration::from_hours(24);

/// Runs the agent; every reason not to start is told on the standard output, as the reference does.
pub(crate) fn run(words: &[&str], environment: &Environment) -> ExitCode {
    harden();
    let arguments = match Arguments::parse(words) {
        Ok(arguments) => arguments,
        Err(ArgumentsError::Help) => {
            println!("{}", flags::help());
            return ExitCode::SUCCESS;
        }
        Err(error) => return refuse(&error),
    };
    match start(&arguments, environment) {
        Ok(code) => ExitCode::from(code),
        Err(text) => refuse(&text),
    }
}

fn refuse(text: &dyn std::fmt::Display) -> ExitCode {
    println!("{text}");
    ExitCode::from(USAGE)
}

fn paths(arguments: &Arguments, environment: &Environment) -> Vec<String> {
    let given: Vec<String> = arguments.all("config").map(str::to_owned).collect();
    match environment.set("VAULT_AGENT_CONFIG_PATH") {
        Some(path) if given.is_empty() => vec![path.to_owned()],
        _ => given,
    }
}

/// Reads the configuration; all that is wrong with it comes as one text.
fn configuration(paths: &[String]) -> Result<Config, String> {
    let loaded = read_paths(paths).and_then(|sources| load(&sources));
    loaded.map_err(|problems| {
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    })
}

fn start(arguments: &Arguments, environment: &Environment) -> Result<u8, String> {
    let paths = paths(arguments, environment);
    if paths.is_empty() {
        return Err("Must specify exactly at least one config path using -config".to_owned());
    }
    let config = configuration(&paths)?;
    pannier_agent::check(&config).map_err(|error| error.to_string())?;
    let settings =
        Settings::new(arguments, environment, &config).map_err(|error| error.to_string());
    if arguments.switch("test-verify-only") == Some(true) {
        // Of what is not in the files, only the log is made before the check ends.
        if let Ok(settings) = &settings {
            log(settings)?;
        }
        if environment
            .set("VAULT_TEST_VERIFY_ONLY_DUMP_CONFIG")
            .is_some()
        {
            print!("{}", dump(&config));
        }
        return Ok(0);
    }
    let settings = settings?;
    let level_text = settings.log.level.clone().unwrap_or_default();
    let log = log(&settings)?;
    if config.auto_auth.is_none() {
        println!(
            "No auto_auth block found in config, the automatic authentication feature will not be started"
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("Error starting: {error}"))?;
    let combined = settings.combine_logs;
    let pid_file = config.pid_file.clone();
    let process = Process {
        version: VERSION.to_owned(),
        settings,
        environment: environment.clone(),
    };
    runtime.block_on(async {
        // Signals are heard from here on: a process with the id 1 would otherwise not die of them.
        let signals = Signals::new().map_err(|error| format!("Error starting: {error}"))?;
        let agent = Agent::new(config, process).map_err(|error| error.to_string())?;
        if !combined {
            println!("==> Vault Agent started! Log data will stream in below:\n");
        }
        println!("{}", banner(&level_text, &agent.addresses()));
        let _pid = pid_file.map(|path| PidFile::write(&path)).transpose()?;
        notify::tell(environment, "READY=1");
        let (stop, mut stopped) = watch::channel(false);
        let shutdown = async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        let dump = agent.dump();
        let exit = tokio::select! {
            exit = agent.run(shutdown) => exit,
            never = signals.handle(&stop, &log, &paths, environment, &dump) => match never {},
        };
        notify::tell(environment, "STOPPING=1");
        if exit.code != 0 {
            println!("Error encountered during run, refer to logs for more details.");
        }
        Ok(exit.code)
    })
}

fn banner(level: &str, addresses: &[String]) -> String {
    let listeners = (1..).zip(addresses);
    let mut rows: Vec<(String, &str)> = listeners
        .map(|(number, address)| (format!("Api Address {number}"), address.as_str()))
        .collect();
    rows.extend(
        [
            ("Cgo", "disabled"),
            ("Log Level", level),
            ("Version", VERSION),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    let mut text = String::from("==> Vault Agent configuration:\n");
    for (name, value) in rows {
        text.push_str(&format!("\n{name:>24}: {value}"));
    }
    text.push('\n');
    text
}

fn log(settings: &Settings) -> Result<Handle, String> {
    let LogConfig {
        level,
        format,
        file,
        rotate_bytes,
        rotate_duration,
        rotate_max_files,
    } = settings.log.clone();
    let level: Level = level
        .unwrap_or_default()
        .parse()
        .map_err(|error| format!("{error}"))?;
    let format: Format = format
        .unwrap_or_default()
        .parse()
        .map_err(|error| format!("{error}"))?;
    let mut options = Options::new(level, format);
    if settings.combine_logs {
        options.output = Output::Stdout;
    }
    options.file = file.map(|path| FileOptions {
        path,
        default_name: "agent.log".to_owned(),
        rotate_bytes: rotate_bytes.unwrap_or(0),
        rotate_duration: rotate_duration.unwrap_or(ROTATE_AFTER),
        max_files: rotate_max_files.unwrap_or(0),
    });
    pannier_log::init(options).map_err(|error| {
        // As Go says it.
        let text = error.to_string().replace(
            "No such file or directory (os error 2)",
            "no such file or directory",
        );
        format!("failed to setup logging: {text}")
    })
}

/// The signals that mean something.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    metrics: Signal,
    /// Heard so that they do not end the agent, which leaves them alone. (To ignore them would be passed on to children.)
    _unused: [Signal; 2],
}

/// A type without values: handling signals never ends by itself.
enum Never {}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            metrics: signal(SignalKind::user_defined1())?,
            _unused: [
                signal(SignalKind::user_defined2())?,
                signal(SignalKind::alarm())?,
            ],
        })
    }

    async fn handle(
        mut self,
        stop: &watch::Sender<bool>,
        log: &Handle,
        paths: &[String],
        environment: &Environment,
        dump: &dyn Fn() -> String,
    ) -> Never {
        loop {
            tokio::select! {
                Some(()) = self.terminate.recv() => shut_down(stop),
                Some(()) = self.interrupt.recv() => shut_down(stop),
                Some(()) = self.hangup.recv() => {
                    notify::tell(environment, "RELOADING=1");
                    reload(log, paths);
                    notify::tell(environment, "READY=1");
                }
                Some(()) = self.metrics.recv() => eprint!("{}", dump()),
            }
        }
    }
}

fn shut_down(stop: &watch::Sender<bool>) {
    if !stop.send_replace(true) {
        println!("==> Vault Agent shutdown triggered");
    }
}

/// Takes over what may change while running: the log level of the files. Certificates are read again by themselves.
fn reload(log: &Handle, paths: &[String]) {
    println!("==> Vault Agent config reload triggered");
    let level = match configuration(paths) {
        Ok(config) => config
            .log
            .level
            .unwrap_or_default()
            .parse::<Level>()
            .map_err(|error| error.to_string()),
        Err(text) => Err(text),
    };
    match level {
        Ok(level) => log.set_level(level),
        Err(text) => println!("{text}"),
    }
}
