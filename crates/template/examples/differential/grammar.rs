//! Random templates from a grammar: all actions, pipelines, verbs, constants, with a share of nonsense.

use crate::data::{self, KEYS};
use crate::random::Random;

pub(crate) struct Grammar<'r> {
    random: &'r mut Random,
    left: &'r str,
    right: &'r str,
    out: String,
    variables: Vec<String>,
    templates: Vec<String>,
    loops: usize,
}

/// Those of [`KEYS`] that can be written as fields.
const NAMES: &[&str] = &[
    "a", "b", "c", "k1", "name", "list", "m", "n", "s", "é", "i", "a", "n", "s",
];

const VERBS: &[&str] = &[
    "v", "v", "s", "d", "q", "x", "X", "o", "O", "b", "c", "U", "e", "E", "f", "F", "g", "G", "t",
    "T", "w", "z", "%", "!", "é", "i",
];

/// Functions with the kinds of their arguments: s text, i int, f float, b bool, a any, m map, l list, c function.
const FUNCTIONS: &[(&str, &str)] = &[
    ("print", "aa"),
    ("print", "a"),
    ("println", "aa"),
    ("print", "ss"),
    ("len", "s"),
    ("len", "l"),
    ("len", "m"),
    ("len", "a"),
    ("index", "li"),
    ("index", "ms"),
    ("index", "aa"),
    ("index", "si"),
    ("index", "a"),
    ("index", "lii"),
    ("index", "mss"),
    ("slice", "sii"),
    ("slice", "lii"),
    ("slice", "si"),
    ("slice", "l"),
    ("slice", "liii"),
    ("slice", "aaa"),
    ("slice", "siii"),
    ("eq", "aa"),
    ("eq", "aaa"),
    ("eq", "ii"),
    ("eq", "ss"),
    ("ne", "aa"),
    ("ne", "ss"),
    ("lt", "ii"),
    ("lt", "aa"),
    ("le", "ff"),
    ("gt", "ss"),
    ("ge", "aa"),
    ("lt", "ff"),
    ("and", "aa"),
    ("or", "aa"),
    ("and", "bba"),
    ("or", "aaa"),
    ("not", "a"),
    ("not", "b"),
    ("html", "s"),
    ("html", "aa"),
    ("js", "s"),
    ("js", "a"),
    ("urlquery", "s"),
    ("urlquery", "aa"),
    ("call", "cs"),
    ("call", "aa"),
    ("call", "ca"),
    ("call", "c"),
    ("dict", "sa"),
    ("dict", "sasa"),
    ("list", "aaa"),
    ("list", ""),
    ("list", "a"),
    ("strs", "ss"),
    ("strs", ""),
    ("set", "msa"),
    ("addi", "ii"),
    ("addi", "ai"),
    ("upper1", "s"),
    ("upper1", "a"),
    ("nilfn", ""),
    ("mkfn", ""),
    ("two", "ss"),
    ("bytes", "s"),
    ("ident", "a"),
    ("u", "i"),
    ("counter", ""),
    ("obj", ""),
    ("fail", "s"),
    ("panicfn", ""),
    ("i64", "i"),
    ("i8", "i"),
    ("dur", "i"),
    ("month", "i"),
    ("num", "s"),
    ("fl", "f"),
    ("bl", "b"),
    ("smap", "ssss"),
    ("ints", "iii"),
    ("ints", ""),
    ("smap", ""),
    ("fl", "a"),
    ("bl", "a"),
    ("u", "f"),
    ("i8", "f"),
    ("nan", ""),
    ("inf", "i"),
    ("vsum", "iii"),
    ("vsum", ""),
    ("vsum", "ai"),
    ("pickn", "saa"),
    ("pickn", "s"),
    ("u64", "i"),
    ("deep", "i"),
    ("sprig_toDate", "ss"),
];

const METHODS: &[&str] = &[
    "Hello",
    "Get",
    "Set",
    "Fail",
    "String",
    "Key",
    "Num",
    "inner",
    "Nope",
    "Int64",
    "Float64",
    "Hours",
    "Seconds",
    "Year",
    "Month",
    "Weekday",
    "Format",
    "Add",
    "Date",
    "Clock",
    "Unix",
    "Sub",
    "In",
    "GoString",
    "IsZero",
    "Before",
    "AddDate",
    "MarshalJSON",
    "wall",
    "Abs",
    "Round",
    "Truncate",
    "Minutes",
    "UTC",
    "Zone",
    "Value",
    "Get.x",
    "Month.String",
    "UTC.Year",
];

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "+4",
    "007",
    "0x1F",
    "0b101",
    "0o17",
    "1_000",
    "1.5",
    "1e3",
    "-0.0",
    ".5",
    "1.",
    "0x1p-2",
    "'a'",
    "'\\n'",
    "'é'",
    "1i",
    "2.5i",
    "1+2i",
    "-1-2.5e1i",
    "9223372036854775807",
    "3.0",
    "1e6",
    "100000000",
    "-9223372036854775808",
    "1.0e-7",
    "'\\x41'",
];

/// What Go refuses as a number, or as one that fits.
const BAD_NUMBERS: &[&str] = &[
    "1e400",
    "0x",
    "1__0",
    "08",
    "1e",
    "0b2",
    "99999999999999999999",
    "'ab'",
    "9223372036854775808",
    "0xFFFFFFFFFFFFFFFF",
];

impl<'r> Grammar<'r> {
    pub(crate) fn new(random: &'r mut Random, left: &'r str, right: &'r str) -> Self {
        Self {
            random,
            left,
            right,
            out: String::new(),
            variables: vec!["$".into()],
            templates: Vec::new(),
            loops: 0,
        }
    }

    pub(crate) fn template(mut self) -> String {
        if self.random.chance(45) {
            // One action alone: nothing before it that could fail first.
            self.open();
            self.pipeline(3);
            self.close();
            return self.out;
        }
        if self.random.chance(25) {
            for _ in 0..=self.random.below(2) {
                self.define();
            }
        }
        let count = 1 + self.random.below(5);
        self.items(count, 3);
        self.out
    }

    fn define(&mut self) {
        let name = self.random.word(&["T", "U", "t", "x y", "L"]).to_owned();
        self.open();
        let quoted = if self.random.chance(20) {
            format!("`{name}`")
        } else {
            format!("{name:?}")
        };
        self.out.push_str(&format!("define {quoted}"));
        self.close();
        let variables = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let loops = std::mem::take(&mut self.loops);
        let count = self.random.below(4);
        // Known from now on only: a template that calls itself would take Go a hundred thousand rounds.
        self.items(count, 2);
        self.templates.push(name);
        self.variables = variables;
        self.loops = loops;
        self.word("end");
    }

    fn open(&mut self) {
        self.out.push_str(self.left);
        if self.random.chance(15) {
            self.out.push('-');
            self.out
                .push_str(self.random.word(&[" ", "\n", "\t", "  "]));
        } else if self.random.chance(30) {
            self.space();
        }
    }

    fn close(&mut self) {
        if self.random.chance(15) {
            self.out
                .push_str(self.random.word(&[" -", "\n-", "\t-", "  -"]));
        } else if self.random.chance(30) {
            self.space();
        }
        self.out.push_str(self.right);
    }

    fn space(&mut self) {
        let space = self.random.word(&[" ", " ", " ", "  ", "\t", "\n", "\r\n"]);
        self.out.push_str(space);
    }

    fn word(&mut self, word: &str) {
        self.open();
        self.out.push_str(word);
        self.close();
    }

    fn text(&mut self) {
        let text = self.random.word(&[
            "x",
            "\n",
            "  ",
            "a b",
            "\n\n  ",
            "<é>",
            "}}",
            "{",
            "-",
            " \t\n",
            "}",
            "end",
            "\r\n",
            "\r\n  \r\n",
            "\u{a0}",
            "\u{feff}",
        ]);
        self.out.push_str(text);
    }

    fn items(&mut self, count: usize, depth: usize) {
        let variables = self.variables.len();
        for _ in 0..count {
            self.item(depth);
        }
        self.variables.truncate(variables);
    }

    fn item(&mut self, depth: usize) {
        let kinds = if depth == 0 { 60 } else { 100 };
        match self.random.below(kinds) {
            0..10 => self.text(),
            10..40 => {
                self.open();
                self.pipeline(2);
                self.close();
            }
            40..50 => self.assignment(),
            50..53 => {
                self.out.push_str(self.left);
                self.out.push_str(self.random.word(&[
                    "/* c */",
                    "- /* c\nd */",
                    "/* {{x}} */",
                    "/**/",
                ]));
                self.out
                    .push_str(self.random.word(&["", "", " -", "\n-", " "]));
                self.out.push_str(self.right);
            }
            53..56 => self.call_template(),
            56..60 => {
                if self.loops > 0 || self.random.chance(8) {
                    let word = self.random.word(&["break", "continue"]);
                    self.word(word);
                }
            }
            60..72 => self.branch("if", depth),
            72..80 => self.branch("with", depth),
            80..96 => self.range(depth),
            _ => {
                let name = self.random.word(&["B1", "B2", "T"]);
                self.open();
                self.out.push_str(&format!("block {name:?} "));
                self.pipeline(1);
                self.close();
                let variables = std::mem::replace(&mut self.variables, vec!["$".into()]);
                let loops = std::mem::take(&mut self.loops);
                let count = self.random.below(3);
                self.items(count, depth - 1);
                self.variables = variables;
                self.loops = loops;
                self.word("end");
            }
        }
    }

    fn variable_name(&mut self) -> String {
        self.random
            .word(&["$x", "$y", "$k", "$é", "$x_1"])
            .to_owned()
    }

    fn assignment(&mut self) {
        let name = self.variable_name();
        let declares =
            self.random.chance(70) || (self.variables.len() == 1 && self.random.chance(80));
        self.open();
        self.out.push_str(&name);
        self.out.push_str(if declares { " := " } else { " = " });
        self.pipeline(2);
        self.close();
        if declares {
            self.variables.push(name);
        }
    }

    fn call_template(&mut self) {
        let name = if self.templates.is_empty() || self.random.chance(10) {
            "nope".to_owned()
        } else {
            self.random.pick(&self.templates).clone()
        };
        self.open();
        self.out.push_str(&format!("template {name:?}"));
        if self.random.chance(70) {
            self.out.push(' ');
            self.pipeline(1);
        }
        self.close();
    }

    fn branch(&mut self, word: &str, depth: usize) {
        let variables = self.variables.len();
        self.open();
        self.out.push_str(word);
        self.out.push(' ');
        if self.random.chance(20) {
            let name = self.variable_name();
            self.out.push_str(&format!("{name} := "));
            self.variables.push(name);
        }
        self.pipeline(2);
        self.close();
        let count = self.random.below(3);
        self.items(count, depth - 1);
        if self.random.chance(25) {
            let word = if self.random.chance(5) { "if" } else { word };
            self.open();
            self.out.push_str(&format!("else {word} "));
            self.pipeline(1);
            self.close();
            let count = self.random.below(3);
            self.items(count, depth - 1);
        }
        if self.random.chance(35) {
            self.word("else");
            let count = self.random.below(3);
            self.items(count, depth - 1);
        }
        self.word("end");
        self.variables.truncate(variables);
    }

    fn range(&mut self, depth: usize) {
        let variables = self.variables.len();
        self.open();
        self.out.push_str("range ");
        let declared = self.random.below(100);
        let sign = if self.random.chance(90) { ":=" } else { "=" };
        if declared < 30 {
            let name = self.variable_name();
            self.out.push_str(&format!("{name} {sign} "));
            self.variables.push(name);
        } else if declared < 60 {
            let (first, second) = (self.variable_name(), self.variable_name());
            self.out.push_str(&format!("{first}, {second} {sign} "));
            self.variables.push(first);
            self.variables.push(second);
        }
        match self.random.below(10) {
            0..5 => {
                let what = self.random.word(&[
                    ".a",
                    ".list",
                    ".m",
                    "$.a",
                    "$.m",
                    "(list 1 \"x\" nil)",
                    "(dict \"k\" 1 \"j\" 2)",
                    "(strs \"p\" \"q\")",
                ]);
                self.out.push_str(what);
            }
            5 | 6 => {
                let what = self.random.word(&[
                    "3",
                    ".i",
                    "(u 2)",
                    "(i8 3)",
                    "(dur 2)",
                    "0",
                    "(bytes \"ab\")",
                    "(ints 5 6)",
                    "-2",
                    "(month 2)",
                ]);
                self.out.push_str(what);
            }
            _ => self.pipeline(1),
        }
        self.close();
        self.loops += 1;
        let count = self.random.below(4);
        self.items(count, depth - 1);
        self.loops -= 1;
        if self.random.chance(30) {
            self.word("else");
            let count = self.random.below(3);
            self.items(count, depth - 1);
        }
        self.word("end");
        self.variables.truncate(variables);
    }

    // === expressions ===

    fn pipeline(&mut self, depth: usize) {
        self.command(depth);
        for _ in 0..self.random.below(3) {
            if self.random.chance(60) {
                break;
            }
            self.out.push_str(self.random.word(&[" | ", "|", " |\n"]));
            self.piped_command(depth);
        }
    }

    fn command(&mut self, depth: usize) {
        match self.random.below(100) {
            0..25 => self.printf(depth),
            25..65 => self.function(depth, 0),
            65..70 => self.method(depth),
            70..97 => self.operand('a', depth),
            _ => {
                self.operand('a', depth);
                self.out.push(' ');
                self.operand('a', depth);
            }
        }
    }

    /// A command that gets one more argument from the pipeline.
    fn piped_command(&mut self, depth: usize) {
        match self.random.below(100) {
            0..20 => {
                let format = self.format(1);
                self.out.push_str(&format!("printf {format}"));
            }
            20..90 => self.function(depth, 1),
            90..95 => self.method(depth),
            _ => self.operand('a', depth),
        }
    }

    fn function(&mut self, depth: usize, given: usize) {
        let (name, kinds) = if self.random.below(300) == 0 {
            ("nosuch", "a")
        } else {
            *self.random.pick(FUNCTIONS)
        };
        self.out.push_str(name);
        let mut kinds: Vec<char> = kinds.chars().collect();
        for _ in 0..given {
            kinds.pop();
        }
        if self.random.chance(4) {
            kinds.push('a');
        }
        if self.random.chance(3) {
            kinds.pop();
        }
        for kind in kinds {
            self.out.push(' ');
            let kind = if self.random.chance(8) { 'a' } else { kind };
            self.operand(kind, depth);
        }
    }

    fn method(&mut self, depth: usize) {
        let name = self.random.word(METHODS);
        let of = self.random.word(&[
            "obj",
            "(obj)",
            "(num \"5\")",
            "(dur 90)",
            "(num \"x\")",
            "(ident obj)",
            "(month 3)",
            ".m",
            "(sprig_toDate \"2006-01-02\" \"2020-05-06\")",
            "(sprig_toDate \"2006-01-02T15:04:05Z07:00\" \"2024-02-29T23:59:59-07:00\")",
            "(dur -90000000001)",
            "(fl 2.5)",
            "(strs \"a\")",
            "(deep 2)",
        ]);
        self.out.push_str(&format!("{of}.{name}"));
        for _ in 0..self.random.below(3) {
            self.out.push(' ');
            let kind = *self.random.pick(&['s', 's', 'a', 'i', 't']);
            self.operand(kind, depth);
        }
    }

    fn operand(&mut self, kind: char, depth: usize) {
        if depth > 0 && self.random.chance(22) {
            self.out.push('(');
            self.pipeline(depth - 1);
            self.out.push(')');
            if self.random.chance(15) {
                self.chain();
            }
            return;
        }
        if self.random.chance(15) {
            return self.path();
        }
        match kind {
            's' => self.string(),
            'i' => {
                if self.random.chance(80) {
                    let n = self.random.word(&[
                        "0", "1", "2", "3", "-1", "65", "1000", "8364", "0x10", "'a'",
                    ]);
                    self.out.push_str(n);
                } else {
                    self.number();
                }
            }
            'f' => {
                let f = self
                    .random
                    .word(&["1.5", "0.0", "1e6", "-2.5", "1", "1e21", "3.0"]);
                self.out.push_str(f);
            }
            'b' => {
                let b = self.random.word(&["true", "false", ".b"]);
                self.out.push_str(b);
            }
            'm' => {
                let m = self.random.word(&[
                    ".m",
                    "$.m",
                    "(dict \"a\" 1)",
                    "(smap \"a\" \"b\")",
                    ".",
                    "(dict)",
                    "(smap)",
                ]);
                self.out.push_str(m);
            }
            'l' => {
                let l = self.random.word(&[
                    ".a",
                    "$.list",
                    "(list 1 2)",
                    "(strs \"p\")",
                    "(bytes \"xyz\")",
                    "(ints 1 2 3)",
                    "(list)",
                    "(ints)",
                ]);
                self.out.push_str(l);
            }
            't' => {
                let t = self.random.word(&[
                    "(sprig_toDate \"2006-01-02\" \"1999-12-31\")",
                    "(dur 1500000000)",
                    "\"2006-01-02 15:04:05.000 Mon Jan _2 MST\"",
                ]);
                self.out.push_str(t);
            }
            'c' => {
                let c = self.random.word(&["mkfn", "(mkfn)", "(ident mkfn)"]);
                self.out.push_str(c);
            }
            _ => match self.random.below(12) {
                0 | 1 => self.string(),
                2 => self.number(),
                3 => {
                    let b = self.random.word(&["true", "false", "nil", "nil"]);
                    self.out.push_str(b);
                }
                4..6 => {
                    let other = self.random.word(&[
                        "obj",
                        "mkfn",
                        "nilfn",
                        "counter",
                        "(bytes \"hé\")",
                        "(dur 1500000000)",
                        "(num \"12\")",
                        "(i64 7)",
                        "(u 9)",
                        "(i8 200)",
                        "(month 4)",
                        "(list nil 1)",
                        "(dict \"z\" nil)",
                        "(strs)",
                        "(smap \"k\" \"v\")",
                        "(ints 1 2)",
                        "(ident nil)",
                        "(fl 2.5)",
                        "nan",
                        "(inf 1)",
                        "(inf -1)",
                        "(list nan (inf -1) -0.0)",
                        "(list nan 1)",
                        "(dict \"o\" nan \"t\" (dur 1))",
                        "(u64 -1)",
                        "(deep 3)",
                        "(sprig_toDate \"2006-01-02\" \"2020-05-06\")",
                        "(list (sprig_toDate \"2006-01-02\" \"2020-05-06\") (month 2))",
                    ]);
                    self.out.push_str(other);
                }
                _ => self.path(),
            },
        }
    }

    fn path(&mut self) {
        match self.random.below(10) {
            0 | 1 => self.out.push('.'),
            2 => self.out.push('$'),
            3 | 4 => {
                let name = self.random.pick(&self.variables).clone();
                self.out.push_str(&name);
                if self.random.chance(40) {
                    self.chain();
                }
            }
            5 if self.random.chance(3) => self.out.push_str("$undefined"),
            _ => self.chain(),
        }
    }

    fn chain(&mut self) {
        for _ in 0..=self.random.below(3) {
            let key = if self.random.chance(1) {
                self.random.word(KEYS)
            } else {
                self.random.word(NAMES)
            };
            self.out.push('.');
            self.out.push_str(key);
            if self.random.chance(50) {
                break;
            }
        }
    }

    fn number(&mut self) {
        let numbers = if self.random.chance(4) {
            BAD_NUMBERS
        } else {
            NUMBERS
        };
        let number = self.random.word(numbers);
        self.out.push_str(number);
    }

    fn string(&mut self) {
        if self.random.chance(12) {
            let raw = self.random.word(&[
                "`raw`",
                "`a\nb`",
                "``",
                "`\\n`",
                "\"\\x41\\u00e9\"",
                "\"\\xff\\xfe\"",
                "\"\\q\"",
                "\"\\101\"",
                "\"\\U0001F600\"",
            ]);
            return self.out.push_str(raw);
        }
        let text = data::string(self.random);
        self.out.push_str(&go_quoted(text));
    }

    // === printf ===

    fn printf(&mut self, depth: usize) {
        let count = self.random.below(4);
        let format = self.format(count);
        self.out.push_str(&format!("printf {format}"));
        let given = if self.random.chance(85) {
            count
        } else {
            self.random.below(4)
        };
        for _ in 0..given {
            self.out.push(' ');
            match self.random.below(5) {
                0 => self.operand('i', depth),
                1 => self.operand('f', depth),
                2 => self.operand('s', depth),
                _ => self.operand('a', depth),
            }
        }
    }

    fn format(&mut self, verbs: usize) -> String {
        let mut format = String::new();
        for _ in 0..verbs.max(1) {
            if self.random.chance(20) {
                format.push_str(self.random.word(&["x", " ", "é", "%%", "=", "100% "]));
            }
            format.push('%');
            for _ in 0..self.random.below(3) {
                format.push_str(self.random.word(&["+", "-", "#", "0", " "]));
            }
            if self.random.chance(8) {
                format.push_str(self.random.word(&[
                    "[1]", "[2]", "[3]", "[x]", "[", "[1", "[0]", "[-1]", "[]", "[1]*",
                ]));
            }
            if self.random.chance(30) {
                format.push_str(
                    self.random
                        .word(&["5", "8", "20", "1", "0", "*", "03", "12"]),
                );
            }
            if self.random.chance(25) {
                format.push_str(
                    self.random
                        .word(&[".2", ".0", ".", ".5", ".*", ".10", ".1", ".[1]*", ".-1"]),
                );
            }
            if self.random.chance(4) {
                format.push_str(self.random.word(&["[1]", "[2]"]));
            }
            if self.random.chance(97) {
                format.push_str(self.random.word(VERBS));
            }
        }
        go_quoted(&format)
    }
}

/// A Go string constant.
pub(crate) fn go_quoted(text: &str) -> String {
    pannier_go::quote::quote(text)
}
