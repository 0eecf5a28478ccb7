//! Every verb with every set of flags, widths and precisions, for one value of each kind.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::Request;

const FLAGS: &[char] = &['+', '-', '#', '0', ' '];
const WIDTHS: &[&str] = &["", "1", "9", "30"];
const PRECISIONS: &[&str] = &["", ".", ".0", ".1", ".4", ".12"];
const VERBS: &[char] = &[
    'v', 'T', 't', 'b', 'c', 'd', 'o', 'O', 'q', 'x', 'X', 'U', 'e', 'E', 'f', 'F', 'g', 'G', 's',
    'w', 'z',
];

/// As templates write them; the functions are those of the oracle.
const VALUES: &[&str] = &[
    "nil",
    "true",
    "0",
    "-1",
    "42",
    "9223372036854775807",
    "-9223372036854775808",
    "128512",
    "(u 7)",
    "(i8 200)",
    "(i64 65)",
    "0.0",
    "-0.0",
    "1.5",
    "-2.75",
    "1e6",
    "1e20",
    "1e21",
    "1e-7",
    "123456789.125",
    "5e-324",
    "1.7976931348623157e308",
    "1+2i",
    "\"\"",
    "\"héllo ☃\"",
    "\"a\\\"b\\n\\x00\\u200b\"",
    "\"back`tick\"",
    "\"\\xff\\xfe\"",
    "(bytes \"hé\")",
    "(bytes \"\")",
    "(num \"12.50\")",
    "(dur 1500000000)",
    "(month 3)",
    "(list)",
    "(list nil 1 -2.5 \"x\" true)",
    "(list (list 1) (dict \"k\" 2))",
    "(strs \"a\" \"b`c\")",
    "(ints 1 -2 300)",
    "(dict)",
    "(dict \"b\" nil \"a\" 1 \"c\" \"x\")",
    "(smap \"k\" \"v\")",
    "(smap)",
    "obj",
];

pub(crate) fn requests() -> Vec<Request> {
    let mut requests = Vec::new();
    for value in VALUES {
        for set in 0..1_u32 << FLAGS.len() {
            let flags: String = FLAGS
                .iter()
                .enumerate()
                .filter(|(i, _)| set & (1 << i) != 0)
                .map(|(_, flag)| *flag)
                .collect();
            for width in WIDTHS {
                for precision in PRECISIONS {
                    let format: String = VERBS
                        .iter()
                        .map(|verb| format!("%[1]{flags}{width}{precision}{verb}|"))
                        .collect();
                    let template = format!("{{{{ printf \"{format}\" {value} }}}}");
                    requests.push(Request {
                        t: BASE64_STANDARD.encode(&template),
                        d: json!({}),
                        l: String::new(),
                        r: String::new(),
                        mk: String::new(),
                        mode: "float".to_owned(),
                        template: template.into_bytes(),
                    });
                }
            }
        }
    }
    requests
}
