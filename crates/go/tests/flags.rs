//! Command lines as Go's `flag` package takes and refuses them.

use pannier_go::flag::{self, Flag, FlagError, Kind};

const fn flag(name: &'static str, kind: Kind) -> Flag {
    Flag {
        name,
        kind,
        env: "",
        default: "",
        help: "Something.",
        hidden: false,
    }
}

static TABLE: &[Flag] = &[
    flag("config", Kind::Value("PATH")),
    flag("exit-after-auth", Kind::Bool),
];

fn shown(arguments: &[&str]) -> String {
    match flag::parse(TABLE, arguments) {
        Ok(parsed) => {
            let given: Vec<String> = parsed
                .given
                .iter()
                .map(|(n, v)| format!("{n}={v}"))
                .collect();
            format!("{} | {}", given.join(" "), parsed.rest.join(" "))
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn forms_of_a_flag_are_read_and_others_refused() {
    let table: &[(&[&str], &str)] = &[
        (
            &["-config", "a", "--config=b", "-config=c=d"],
            "config=a config=b config=c=d | ",
        ),
        (&["-exit-after-auth", "true"], "exit-after-auth=true | true"),
        (
            &["-exit-after-auth=F", "-config", "-x"],
            "exit-after-auth=false config=-x | ",
        ),
        (&["word", "-config", "a"], " | word -config a"),
        (&["--", "-config"], " | -config"),
        (&["-", "-config"], " | - -config"),
        (&["", "-config"], " |  -config"),
        (&["-config="], "config= | "),
        (&["-foo"], "flag provided but not defined: -foo"),
        (&["--foo=1"], "flag provided but not defined: -foo"),
        (&["-config"], "flag needs an argument: -config"),
        (&["---config"], "bad flag syntax: ---config"),
        (&["--=x"], "bad flag syntax: --=x"),
        (&["-=x"], "bad flag syntax: -=x"),
        (
            &["-exit-after-auth=maybe"],
            "invalid boolean value \"maybe\" for -exit-after-auth: parse error",
        ),
        (&["-h"], "flag: help requested"),
        (&["--help"], "flag: help requested"),
    ];
    for (arguments, expected) in table {
        assert_eq!(shown(arguments), *expected, "{arguments:?}");
    }
    assert_eq!(flag::parse(TABLE, &["-h"]), Err(FlagError::Help));
}

#[test]
fn help_names_every_flag_that_is_not_hidden() {
    static ROWS: &[Flag] = &[
        Flag {
            env: "CONFIG",
            default: "x",
            ..flag("config", Kind::Value("PATH"))
        },
        Flag {
            hidden: true,
            ..flag("secret", Kind::Bool)
        },
    ];
    assert_eq!(
        flag::help(ROWS),
        "  -config PATH\n      Something. Default: `x`. Environment: `CONFIG`.\n"
    );
    assert!(flag::markdown(ROWS).contains("| `-config PATH` | `CONFIG` | `x` | Something. |"));
    assert!(!flag::markdown(ROWS).contains("secret"));
}
