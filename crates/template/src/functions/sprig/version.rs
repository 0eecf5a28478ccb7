//! Semantic versions.

use crate::functions::{Failure, Function};
use crate::semver::{Constraints, Version};
use crate::value::{Type, Value};

pub(in crate::functions) const TABLE: &[Function] = &[
    Function::new(
        "sprig_semver",
        "sprig_semver S",
        "A version with `.Major .Minor .Patch .Prerelease .Metadata .Original` and `.Compare V`.",
        &[Type::String],
        Type::Pointer("*semver.Version"),
        |call| {
            Version::parse(&call.str(0))
                .map(Value::object)
                .map_err(|error| Failure::new(error.to_string()))
        },
    ),
    Function::new(
        "sprig_semverCompare",
        "sprig_semverCompare CONSTRAINT S",
        "Whether the version S meets the constraint, such as `>=1.2, <2 || ^3.1`.",
        &[Type::String, Type::String],
        Type::Bool,
        |call| {
            let constraints = Constraints::parse(&call.str(0))?;
            let version =
                Version::parse(&call.str(1)).map_err(|error| Failure::new(error.to_string()))?;
            Ok(Value::Bool(constraints.check(&version)))
        },
    ),
];
