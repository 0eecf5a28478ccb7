//! Random templates and data, given to Go and to this crate: both must answer alike, errors included.
//!
//! ```text
//! PANNIER_GO=/path/to/go cargo run -p pannier-template --example differential -- --cases 20000 --seed 1
//! ```
//!
//! With `--grid` the cases are not random: all verbs of `printf` with all flags, widths and precisions, for each kind of value.
//!
//! With `--record` it writes `tests/data/go-recorded.json` instead: Go's answers to `oracle/cases/engine.json` and to some
//! random cases, which `tests/go_cases.rs` holds the engine to without needing Go.
//!
//! One run asks Go once, for all cases. A difference is printed with everything needed to look at it, and the exit code is 1.
#![expect(clippy::print_stdout, reason = "a command that reports to people")]

mod data;
mod grammar;
mod grid;
mod mutate;
mod random;
mod record;
#[path = "../../oracle/support.rs"]
mod support;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use pannier_go::json;
use pannier_template::{ErrorKind, Limits, MissingKey, Options, Template};
use random::Random;
use serde::{Deserialize, Serialize};

const DELIMITERS: &[(&str, &str)] = &[
    ("[[", "]]"),
    ("<<", ">>"),
    ("(", ")"),
    ("@", "@"),
    ("«", "»"),
    ("{%", "%}"),
    ("{{", "|}"),
    ("-", "-"),
];

/// Enough for what the grammar makes, unless it loops over a huge number.
const LIMITS: Limits = Limits {
    steps: 100_000,
    depth: 100_000,
    output: 8 << 20,
};

/// How many differences are printed in full.
const SHOWN: usize = 10;

#[derive(Serialize)]
struct Request {
    t: String,
    d: serde_json::Value,
    l: String,
    r: String,
    mk: String,
    mode: String,
    #[serde(skip)]
    template: Vec<u8>,
}

#[derive(Deserialize)]
struct Answers {
    function: String,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    out: Option<String>,
    err: Option<String>,
    phase: String,
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let Arguments {
        cases,
        seed,
        record,
        grid,
    } = arguments()?;
    let mut random = Random::new(seed);
    if record {
        record::record(&mut random)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (requests, endless) = if grid {
        (grid::requests(), 0)
    } else {
        requests(&mut random, cases)?
    };
    let answers = ask_go(&requests)?;
    if answers.answers.len() != requests.len() {
        return Err(format!(
            "go answered {} of {} cases",
            answers.answers.len(),
            requests.len()
        )
        .into());
    }
    let address = u64::from_str_radix(answers.function.trim_start_matches("0x"), 16)?;
    support::set_function_address(address);
    let mut differences = 0;
    let mut addresses = 0;
    let mut phases: BTreeMap<&str, usize> = BTreeMap::new();
    for (request, answer) in requests.iter().zip(&answers.answers) {
        *phases
            .entry(if answer.phase.is_empty() {
                "rendered"
            } else {
                answer.phase.as_str()
            })
            .or_default() += 1;
        let go = (
            bytes(answer.out.as_deref())?,
            bytes(answer.err.as_deref())?,
            answer.phase.clone(),
        );
        let ours = respond(request)?;
        // An error of ours is text: what is not UTF-8 in it is replaced.
        let same_error = String::from_utf8_lossy(&go.1).as_bytes() == ours.1;
        if go.0 == ours.0 && same_error && go.2 == ours.2 {
            continue;
        }
        // Where a list or an object lives is Go's own affair.
        if shows_heap_address(&go.0) || shows_heap_address(&go.1) {
            addresses += 1;
            continue;
        }
        differences += 1;
        if differences <= SHOWN {
            println!("--- difference {differences}");
            println!("template {:?}", String::from_utf8_lossy(&request.template));
            println!("data     {}", request.d);
            println!(
                "options  {:?} {:?} missingkey={:?} mode={:?}",
                request.l, request.r, request.mk, request.mode
            );
            show("go", &go);
            show("ours", &ours);
        }
    }
    let counts: Vec<String> = phases
        .iter()
        .map(|(phase, count)| format!("{count} {phase}"))
        .collect();
    println!(
        "{} cases {}: {differences} differences ({}; {addresses} skipped for printing a heap address; {endless} endless ones not asked)",
        requests.len(),
        if grid {
            "of the grid".to_owned()
        } else {
            format!("with seed {seed}")
        },
        counts.join(", ")
    );
    Ok(if differences == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Arguments {
    cases: usize,
    seed: u64,
    record: bool,
    grid: bool,
}

fn arguments() -> Result<Arguments, Box<dyn std::error::Error>> {
    let mut arguments = Arguments {
        cases: 20_000,
        seed: 1,
        record: false,
        grid: false,
    };
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("`{flag}` needs a value"));
        match flag.as_str() {
            "--cases" => arguments.cases = value()?.parse()?,
            "--seed" => arguments.seed = value()?.parse()?,
            "--record" => arguments.record = true,
            "--grid" => arguments.grid = true,
            _ => {
                return Err(format!(
                    "unknown flag `{flag}`: use --cases N, --seed N, --grid or --record"
                )
                .into());
            }
        }
    }
    Ok(arguments)
}

/// Cases that end, and how many were left out because they do not: Go would loop over a number of many digits for ever, and
/// our limit on steps finds such cases first.
fn requests(
    random: &mut Random,
    cases: usize,
) -> Result<(Vec<Request>, usize), Box<dyn std::error::Error>> {
    let mut requests = Vec::with_capacity(cases);
    let mut endless = 0;
    while requests.len() < cases {
        let request = request(random);
        if respond(&request)?.2 == "limit" {
            endless += 1;
        } else {
            requests.push(request);
        }
    }
    Ok((requests, endless))
}

fn request(random: &mut Random) -> Request {
    let (l, r) = if random.chance(90) {
        ("{{", "}}")
    } else {
        *random.pick(DELIMITERS)
    };
    let template = grammar::Grammar::new(random, l, r).template();
    let template = if random.chance(20) {
        mutate::mutate(random, &template)
    } else {
        template.into_bytes()
    };
    Request {
        t: BASE64_STANDARD.encode(&template),
        d: data::dot(random),
        l: if l == "{{" && r == "}}" {
            String::new()
        } else {
            l.to_owned()
        },
        r: if l == "{{" && r == "}}" {
            String::new()
        } else {
            r.to_owned()
        },
        mk: random
            .word(&["", "", "zero", "error", "invalid", "default"])
            .to_owned(),
        mode: random.word(&["float", "float", "number"]).to_owned(),
        template,
    }
}

/// Output, error and phase.
type Response = (Vec<u8>, Vec<u8>, String);

fn respond(request: &Request) -> Result<Response, Box<dyn std::error::Error>> {
    let options = Options {
        left: request.l.clone(),
        right: request.r.clone(),
        missing_key: match request.mk.as_str() {
            "zero" => MissingKey::Zero,
            "error" => MissingKey::Error,
            _ => MissingKey::Invalid,
        },
        functions: support::functions(),
        bare: true,
        ..Options::default()
    };
    let template = match Template::parse("t", &request.template, &options) {
        Ok(template) => template,
        Err(error) => {
            return Ok((
                Vec::new(),
                error.message().as_bytes().to_vec(),
                "parse".into(),
            ));
        }
    };
    let dot = support::data(
        &json::decode(request.d.to_string())?,
        request.mode == "number",
    );
    let (result, out) = template.render_with_output(&support::NoHost, dot, &LIMITS);
    let (error, phase) = match result {
        Ok(_) => (Vec::new(), String::new()),
        Err(error) if error.kind() == ErrorKind::Limit => (Vec::new(), "limit".into()),
        Err(error) => (error.message().as_bytes().to_vec(), "exec".into()),
    };
    Ok((out.to_vec(), error, phase))
}

fn ask_go(requests: &[Request]) -> Result<Answers, Box<dyn std::error::Error>> {
    let program = oracle()?;
    let mut child = Command::new(&program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    let input = serde_json::to_vec(requests)?;
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output()?;
    writer.join().map_err(|_| "the writer failed")??;
    if !output.status.success() {
        return Err(format!("the oracle failed: {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The oracle's templates that call each method of Go's own types.
fn methods() -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let output = Command::new(oracle()?).arg("methods").output()?;
    if !output.status.success() {
        return Err(format!("the oracle failed: {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn oracle() -> Result<PathBuf, Box<dyn std::error::Error>> {
    let go = std::env::var_os("PANNIER_GO")
        .ok_or("the variable PANNIER_GO must name the program `go`: run `make differential`")?;
    build_oracle(Path::new(&go))
}

/// Builds the oracle into the folder this program was built into.
fn build_oracle(go: &Path) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle/oracle.go");
    let program = std::env::current_exe()?.with_file_name("template-oracle");
    let status = Command::new(go)
        .arg("build")
        .arg("-o")
        .arg(&program)
        .arg(&source)
        .status()?;
    if !status.success() {
        return Err(format!("`go build` of the oracle failed: {status}").into());
    }
    Ok(program)
}

fn bytes(base64: Option<&str>) -> Result<Vec<u8>, base64::DecodeError> {
    BASE64_STANDARD.decode(base64.unwrap_or_default())
}

/// Such as `0xc000012345`: ten digits or more, but fewer than the largest numbers have.
fn shows_heap_address(text: &[u8]) -> bool {
    text.windows(2).enumerate().any(|(at, window)| {
        let digits = text[at + 2..]
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        window == b"0x" && (10..=12).contains(&digits)
    }) || text
        .windows(4)
        .any(|window| window.eq_ignore_ascii_case(b"c000"))
        // What `%d` makes of an address: Go's heap begins at 0xc000000000 or, since 1.26, at random within 47 bits.
        || text
            .chunk_by(|left, right| left.is_ascii_digit() == right.is_ascii_digit())
            .filter_map(|digits| std::str::from_utf8(digits).ok()?.parse::<u64>().ok())
            .any(|number| (0xC0_0000_0000..1 << 47).contains(&number))
}

fn show(who: &str, (out, error, phase): &Response) {
    println!("{who:8} {:?}", String::from_utf8_lossy(out));
    println!("         {phase} {}", String::from_utf8_lossy(error));
}
