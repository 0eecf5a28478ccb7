//! Regular expressions. The pattern comes first, the text second.

use crate::functions::{Call, Failure, Function};
use crate::regexp::{self, Regexp};
use crate::value::{List, Type, Value};

const SS: &[Type] = &[Type::String, Type::String];
const SSN: &[Type] = &[Type::String, Type::String, Type::INT];
const SSS: &[Type] = &[Type::String, Type::String, Type::String];

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "sprig_mustRegexFind",
        "sprig_mustRegexFind RE S",
        "The first match of RE in S, or `\"\"`; an error for a bad RE.",
        SS,
        Type::String,
        |call| find(call, Regexp::compile),
    ),
    Function::new(
        "sprig_mustRegexFindAll",
        "sprig_mustRegexFindAll RE S N",
        "The first N matches of RE in S, all with −1; an error for a bad RE.",
        SSN,
        Type::STRING_LIST,
        |call| find_all(call, Regexp::compile),
    ),
    Function::new(
        "sprig_mustRegexMatch",
        "sprig_mustRegexMatch RE S",
        "Whether RE matches in S; an error for a bad RE.",
        SS,
        Type::Bool,
        |call| {
            Ok(Value::Bool(
                Regexp::compile(call.text(0))?.is_match(call.text(1)),
            ))
        },
    ),
    Function::new(
        "sprig_mustRegexReplaceAll",
        "sprig_mustRegexReplaceAll RE S REPL",
        "S with each match of RE replaced; `$1` in REPL stands for a group.",
        SSS,
        Type::String,
        |call| replace_all(call, Regexp::compile),
    ),
    Function::new(
        "sprig_mustRegexReplaceAllLiteral",
        "sprig_mustRegexReplaceAllLiteral RE S REPL",
        "S with each match of RE replaced by REPL as it is.",
        SSS,
        Type::String,
        |call| replace_literal(call, Regexp::compile),
    ),
    Function::new(
        "sprig_mustRegexSplit",
        "sprig_mustRegexSplit RE S N",
        "At most N parts of S between matches of RE, all with −1.",
        SSN,
        Type::STRING_LIST,
        |call| split(call, Regexp::compile),
    ),
    Function::new(
        "sprig_regexFind",
        "sprig_regexFind RE S",
        "The first match of RE in S, or `\"\"`.",
        SS,
        Type::String,
        |call| find(call, Regexp::must_compile),
    ),
    Function::new(
        "sprig_regexFindAll",
        "sprig_regexFindAll RE S N",
        "The first N matches of RE in S, all with −1.",
        SSN,
        Type::STRING_LIST,
        |call| find_all(call, Regexp::must_compile),
    ),
    Function::new(
        "sprig_regexMatch",
        "sprig_regexMatch RE S",
        "Whether RE matches in S; false for a bad RE.",
        SS,
        Type::Bool,
        |call| {
            Ok(Value::Bool(
                Regexp::compile(call.text(0)).is_ok_and(|re| re.is_match(call.text(1))),
            ))
        },
    ),
    Function::new(
        "sprig_regexQuoteMeta",
        "sprig_regexQuoteMeta S",
        "S with everything escaped that means something in a regular expression.",
        &[Type::String],
        Type::String,
        |call| Ok(regexp::quote_meta(call.text(0)).into()),
    ),
    Function::new(
        "sprig_regexReplaceAll",
        "sprig_regexReplaceAll RE S REPL",
        "S with each match of RE replaced; `$1` in REPL stands for a group.",
        SSS,
        Type::String,
        |call| replace_all(call, Regexp::must_compile),
    ),
    Function::new(
        "sprig_regexReplaceAllLiteral",
        "sprig_regexReplaceAllLiteral RE S REPL",
        "S with each match of RE replaced by REPL as it is.",
        SSS,
        Type::String,
        |call| replace_literal(call, Regexp::must_compile),
    ),
    Function::new(
        "sprig_regexSplit",
        "sprig_regexSplit RE S N",
        "At most N parts of S between matches of RE, all with −1.",
        SSN,
        Type::STRING_LIST,
        |call| split(call, Regexp::must_compile),
    ),
];

type Compile = fn(&[u8]) -> Result<Regexp, Failure>;

fn find(call: &mut Call<'_>, compile: Compile) -> Result<Value, Failure> {
    Ok(Value::string(
        compile(call.text(0))?
            .find(call.text(1))
            .unwrap_or_default(),
    ))
}

fn find_all(call: &mut Call<'_>, compile: Compile) -> Result<Value, Failure> {
    let found = compile(call.text(0))?.find_all(call.text(1), call.int(2));
    call.spend(found.len())?;
    Ok(if found.is_empty() {
        List::nil(&Type::String).into()
    } else {
        Value::strings(found)
    })
}

fn replace_all(call: &mut Call<'_>, compile: Compile) -> Result<Value, Failure> {
    let (text, new) = (call.text(1), call.text(2));
    call.spend(text.len().saturating_mul(new.len() / 8 + 1) / 8)?;
    Ok(compile(call.text(0))?.replace_all(text, new).into())
}

fn replace_literal(call: &mut Call<'_>, compile: Compile) -> Result<Value, Failure> {
    let (text, new) = (call.text(1), call.text(2));
    call.spend(text.len().saturating_mul(new.len() / 8 + 1) / 8)?;
    Ok(compile(call.text(0))?.replace_all_literal(text, new).into())
}

fn split(call: &mut Call<'_>, compile: Compile) -> Result<Value, Failure> {
    let parts = compile(call.text(0))?.split(call.text(1), call.int(2));
    Ok(parts.map_or_else(|| List::nil(&Type::String).into(), Value::strings))
}
