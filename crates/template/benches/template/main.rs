//! This engine beside Go's: the same templates and data, on the same machine, in one run.
//!
//! ```text
//! PANNIER_GO=/path/to/go cargo bench -p pannier-template
//! ```
//!
//! A word after `--` chooses the cases whose names have it. Prints nanoseconds for one parse and one execution, and how many times as long as Go's ours take (below 1: faster).
#![expect(clippy::print_stdout, reason = "a command that reports to people")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pannier_go::json;
use pannier_template::{
    Answer, Dependency, Host, Limits, Options, Render, Secret, Template, Value,
};
use serde::{Deserialize, Serialize};

/// How long each measurement lasts, on both sides.
const TIME: Duration = Duration::from_millis(700);

/// Each measurement is the best of so many: the machine may be busy with other things, and then only a short round is left
/// alone.
const ROUNDS: usize = 100;

#[derive(Serialize)]
struct Case {
    name: &'static str,
    template: String,
    /// What `secret` answers as its data, in JSON.
    data: String,
}

#[derive(Deserialize)]
struct GoTimes {
    parse: f64,
    execute: f64,
    output: String,
}

struct World(Arc<Secret>);

impl Host for World {
    fn lookup(&self, _dependency: &Dependency) -> Option<Answer> {
        Some(Answer::Secret(Some(self.0.clone())))
    }
}

fn cases() -> Vec<Case> {
    let mut keys = String::from("{");
    for i in 0..50 {
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(keys, "{comma}\"key-{i:02}\":\"value number {i}\"");
    }
    keys.push('}');
    let mut large = String::from("{{ with secret \"secret/app\" }}");
    let mut line = 0;
    while large.len() < 200_000 {
        let _ = write!(
            large,
            "# section {line}: text that is copied as it is, as configuration files have it\n\
             {{{{ if .Data.data.username }}}}user_{line} = {{{{ .Data.data.username | printf \"%q\" }}}}\n\
             {{{{ else }}}}nobody_{line} = true\n{{{{ end }}}}",
        );
        line += 1;
    }
    large.push_str("{{ end }}");
    let app =
        r#"{"data":{"username":"app","password":"s3cr3t","port":5432},"metadata":{"version":3}}"#;
    vec![
        Case {
            name: "guide",
            template: "{{- with secret \"secret/helloworld\" -}}\n\
                       postgresql://{{ .Data.data.username }}:{{ .Data.data.password }}@postgres:{{ .Data.data.port }}/wizard\n\
                       {{- end }}\n"
                .into(),
            data: app.into(),
        },
        Case {
            name: "map of 50 keys",
            template: "{{ with secret \"secret/app\" }}{{ range $k, $v := .Data }}{{ $k }}: {{ $v }}\n{{ end }}{{ end }}".into(),
            data: keys,
        },
        Case {
            name: "10,000 rounds",
            template: "{{ range $i := 10000 }}{{ printf \"%05d %s %x|\" $i \"text\" $i }}{{ end }}".into(),
            data: app.into(),
        },
        Case { name: "200 KB", template: large, data: app.into() },
    ]
}

/// Nanoseconds for one call: the best of some rounds.
fn time(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    work();
    let once = start.elapsed().max(Duration::from_nanos(100));
    let count = (TIME.as_nanos() / once.as_nanos() / ROUNDS as u128).clamp(1, 1_000_000) as u32;
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..count {
            work();
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(count));
    }
    best
}

fn ours(case: &Case) -> Result<(f64, f64, Vec<u8>), Box<dyn std::error::Error>> {
    let options = Options::default();
    let parse = time(|| {
        let _ = black_box(Template::parse("t", black_box(&case.template), &options));
    });
    let template = Template::parse("t", &case.template, &options)?;
    let world = World(Arc::new(Secret {
        data: json::decode(&case.data)?,
        ..Secret::default()
    }));
    let limits = Limits::default();
    let execute = time(|| {
        let _ = black_box(template.render(&world, Value::Nil, &limits));
    });
    let Render::Text(text) = template.render(&world, Value::Nil, &limits)? else {
        return Err("the template needs data".into());
    };
    Ok((parse, execute, text.to_vec()))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo test --benches` and `cargo nextest` start this program too; there is nothing to check then.
    if !std::env::args().any(|arg| arg == "--bench") {
        return Ok(());
    }
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let mut cases = cases();
    cases.retain(|case| {
        wanted
            .as_ref()
            .is_none_or(|wanted| case.name.contains(wanted))
    });
    let go = go_times(&cases)?;
    println!(
        "{:16} {:>12} {:>12} {:>7}   {:>12} {:>12} {:>7}",
        "", "parse ns", "go", "ratio", "execute ns", "go", "ratio"
    );
    for (case, go) in cases.iter().zip(&go) {
        let (parse, execute, output) = ours(case)?;
        if output != go.output.as_bytes() {
            return Err(format!("{}: the outputs differ", case.name).into());
        }
        println!(
            "{:16} {parse:>12.0} {:>12.0} {:>7.2}   {execute:>12.0} {:>12.0} {:>7.2}",
            case.name,
            go.parse,
            parse / go.parse,
            go.execute,
            execute / go.execute
        );
    }
    Ok(())
}

fn go_times(cases: &[Case]) -> Result<Vec<GoTimes>, Box<dyn std::error::Error>> {
    let go = std::env::var_os("PANNIER_GO")
        .ok_or("the variable PANNIER_GO must name the program `go`: run `make bench`")?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/template/bench.go");
    let program = std::env::current_exe()?.with_file_name("template-bench-go");
    let status = Command::new(go)
        .arg("build")
        .arg("-o")
        .arg(&program)
        .arg(&source)
        .status()?;
    if !status.success() {
        return Err(format!("`go build` of the benchmark failed: {status}").into());
    }
    let mut child = Command::new(&program)
        .arg(TIME.as_millis().to_string())
        .arg(ROUNDS.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let input = serde_json::to_vec(cases)?;
    child
        .stdin
        .take()
        .ok_or("no standard input")?
        .write_all(&input)?;
    let output = child.wait_with_output()?;
    Ok(serde_json::from_slice(&output.stdout)?)
}
