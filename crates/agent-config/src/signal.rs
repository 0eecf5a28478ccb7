use std::fmt;

use crate::ast::{Literal, Scalar, Value};
use crate::stanza::{Reading, Stanza};

/// A signal that a configuration can name. Numbers are Linux's on x86 and Arm.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    name: &'static str,
    number: i32,
}

/// Names in the order in which the reference lists them.
const SIGNALS: [Signal; 28] = [
    Signal::new("SIGABRT", 6),
    Signal::new("SIGALRM", 14),
    Signal::new("SIGBUS", 7),
    Signal::new("SIGCONT", 18),
    Signal::new("SIGFPE", 8),
    Signal::new("SIGHUP", 1),
    Signal::new("SIGILL", 4),
    Signal::new("SIGINT", 2),
    Signal::new("SIGIO", 29),
    Signal::new("SIGIOT", 6),
    Signal::new("SIGKILL", 9),
    Signal::new("SIGNULL", 0),
    Signal::new("SIGPIPE", 13),
    Signal::new("SIGPROF", 27),
    Signal::new("SIGQUIT", 3),
    Signal::new("SIGSEGV", 11),
    Signal::new("SIGSTOP", 19),
    Signal::new("SIGSYS", 31),
    Signal::new("SIGTERM", 15),
    Signal::new("SIGTRAP", 5),
    Signal::new("SIGTSTP", 20),
    Signal::new("SIGTTIN", 21),
    Signal::new("SIGTTOU", 22),
    Signal::new("SIGUSR1", 10),
    Signal::new("SIGUSR2", 12),
    Signal::new("SIGWINCH", 28),
    Signal::new("SIGXCPU", 24),
    Signal::new("SIGXFSZ", 25),
];

impl Signal {
    const fn new(name: &'static str, number: i32) -> Self {
        Self { name, number }
    }

    /// `SIGTERM`, the default.
    pub const TERM: Self = Self::new("SIGTERM", 15);

    /// The signal of that name, in any case.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        SIGNALS
            .into_iter()
            .find(|signal| signal.name.eq_ignore_ascii_case(name))
    }

    /// Every signal that can be named, in alphabetical order.
    #[must_use]
    pub fn all() -> [Self; 28] {
        SIGNALS
    }

    pub(crate) fn read(stanza: &Stanza<'_>, reading: &mut Reading, key: &str) -> Option<Self> {
        if let Some(value @ Value::Literal(Literal { scalar, .. })) = stanza.get(key)
            && !matches!(scalar, Scalar::Text(_) | Scalar::Null)
        {
            stanza.refuse(
                reading,
                key,
                value,
                "os.Signal",
                "a signal's name, such as \"SIGTERM\"",
            );
            return None;
        }
        let name = stanza.set_text(reading, key)?;
        let signal = Self::by_name(&name);
        if signal.is_none() {
            let valid: Vec<String> = SIGNALS
                .iter()
                .map(|signal| format!("\"{}\"", signal.name))
                .collect();
            let text = format!(
                "'{key}' invalid signal \"{}\" - valid signals are [{}]",
                name.escape_debug(),
                valid.join(" ")
            );
            stanza.map_problem(reading, stanza.place_of(key), &text);
        }
        signal
    }

    /// Its name, such as `SIGTERM`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Its number; 0 for `SIGNULL`, which only asks whether the process is there.
    #[must_use]
    pub fn number(self) -> i32 {
        self.number
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
