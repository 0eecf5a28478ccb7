//! The functions and data of `oracle/oracle.go`, for the engine: whoever compares the two uses both.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use pannier_go::json::Json;
use pannier_template::functions::{Call, Failure, Function, SharedRun};
use pannier_template::value::{FuncValue, IntType, Method, Object, UintType};
use pannier_template::{Answer, Dependency, Host, List, Map, Text, Type, Value};

/// A host that knows nothing.
#[derive(Debug)]
pub(crate) struct NoHost;

impl Host for NoHost {
    fn lookup(&self, _dependency: &Dependency) -> Option<Answer> {
        None
    }
}

/// Where the oracle's function values live; Go prints it, and it depends on how the oracle was built.
static FUNCTION_ADDRESS: AtomicU64 = AtomicU64::new(0);

/// To be called once, before any template is parsed.
pub(crate) fn set_function_address(address: u64) {
    FUNCTION_ADDRESS.store(address, Ordering::Relaxed);
}

/// JSON as the oracle's decoder gives it: floats or `json.Number`, `{"$int": 5}`, `{"$uint": 7}`.
pub(crate) fn data(json: &Json, numbers: bool) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(text) if numbers => Value::Number(text.as_str().into()),
        Json::Number(text) => Value::Float(text.parse().unwrap_or(f64::NAN)),
        Json::String(text) => Value::string(text.as_str()),
        Json::Array(items) => {
            let mut store: Vec<Value> = items.iter().map(|item| data(item, numbers)).collect();
            let length = store.len();
            // Go's decoder appends one by one: the capacity doubles.
            if length > 0 {
                store.resize(length.next_power_of_two(), Value::Nil);
            }
            Value::List(List::with_spare(&Type::Any, store, length))
        }
        Json::Object(members) => {
            if members.len() == 1 {
                if let Some(n) = members.get("$int").and_then(Json::as_i64) {
                    return Value::int(n);
                }
                if let Some(n) = members.get("$uint").and_then(Json::as_i64) {
                    return Value::uint64(n.cast_unsigned());
                }
            }
            Value::map(members.iter().map(|(k, v)| (k.as_str(), data(v, numbers))))
        }
    }
}

/// The oracle's object: three public fields, a private one, methods.
struct Obj {
    inner: Map,
}

impl Object for Obj {
    fn type_name(&self) -> &'static str {
        "*main.Obj"
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Key", "k".into()),
            ("Value", "v".into()),
            ("Num", Value::int(7)),
            ("inner", Value::Map(self.inner.clone())),
        ]
    }

    fn method(&self, name: &str) -> Option<Method> {
        let method = |params, result| Some(Method::new(params, result));
        match name {
            "Hello" => method(&[Type::String], Type::String),
            "Get" => method(&[Type::String], Type::Any),
            "Set" => method(&[Type::String, Type::Any], Type::String),
            "Fail" | "String" => method(&[], Type::String),
            _ => None,
        }
    }

    fn call(&self, name: &str, call: &mut Call<'_>) -> Result<Value, Failure> {
        match name {
            "Hello" => Ok(Value::string([b"hello ", &**call.text(0)].concat())),
            "Get" => Ok(self.inner.get(call.text(0)).unwrap_or(Value::Nil)),
            "Set" => {
                self.inner.set(call.text(0), call.arg(1).clone());
                Ok("".into())
            }
            "String" => Ok("OBJ<k>".into()),
            _ => Err("obj failed".into()),
        }
    }

    fn string(&self) -> Option<Text> {
        Some("OBJ<k>".into())
    }

    fn equals(&self, _other: &dyn Object) -> Option<bool> {
        Some(true) // the oracle has one object only
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn function(name: &'static str, params: &'static [Type], result: Type, run: SharedRun) -> Function {
    Function::new(name, name, "", params, result, |_| Ok(Value::Nil)).with_state(run)
}

fn variadic(name: &'static str, params: &'static [Type], result: Type, run: SharedRun) -> Function {
    Function::variadic(name, name, "", params, result, |_| Ok(Value::Nil)).with_state(run)
}

/// The oracle's function table, fresh for one template.
pub(crate) fn functions() -> Vec<Function> {
    const INT: Type = Type::INT;
    let counter = Arc::new(AtomicI64::new(0));
    let to_date = pannier_template::functions::find("sprig_toDate").cloned();
    let own = vec![
        function(
            "fail",
            &[Type::String],
            Type::String,
            Arc::new(|c| Err(Failure::new(c.str(0)))),
        ),
        function(
            "panicfn",
            &[],
            Type::String,
            Arc::new(|_| Err("boom".into())),
        ),
        function(
            "counter",
            &[],
            INT,
            Arc::new(move |_| Ok(Value::int(counter.fetch_add(1, Ordering::Relaxed) + 1))),
        ),
        function(
            "obj",
            &[],
            Type::Pointer("*main.Obj"),
            Arc::new(|c| {
                // One object for the whole execution: its map lives in the scratch store.
                let scratch = c.scratch();
                let inner = match scratch.get(b"obj") {
                    Some(Value::Map(map)) => map,
                    _ => {
                        let map = Map::of_any([("a", Value::from("b"))]);
                        scratch.set("obj", Value::Map(map.clone()));
                        map
                    }
                };
                Ok(Value::object(Obj { inner }))
            }),
        ),
        variadic(
            "dict",
            &[Type::Any],
            Type::ANY_MAP,
            Arc::new(|c| {
                let map = Map::empty();
                for pair in c.args().chunks_exact(2) {
                    let key = pannier_template::fmt::sprint(&pair[..1])
                        .map_err(|e| Failure::new(format!("{e:?}")))?;
                    map.set(key, pair[1].clone());
                }
                Ok(Value::Map(map))
            }),
        ),
        variadic(
            "list",
            &[Type::Any],
            Type::ANY_LIST,
            Arc::new(|c| Ok(Value::list(c.args().to_vec()))),
        ),
        variadic(
            "strs",
            &[Type::String],
            Type::STRING_LIST,
            Arc::new(|c| Ok(Value::List(List::new(&Type::String, c.args().to_vec())))),
        ),
        function(
            "set",
            &[Type::ANY_MAP, Type::String, Type::Any],
            Type::ANY_MAP,
            Arc::new(|c| {
                if matches!(c.arg(2), Value::Map(_)) || c.arg(2).type_of() == Some(Type::ANY_LIST) {
                    return Err("not a scalar".into());
                }
                if c.map(0).is_nil() {
                    return Err("assignment to entry in nil map".into());
                }
                c.map(0).set(c.text(1), c.arg(2).clone());
                Ok(c.arg(0).clone())
            }),
        ),
        function(
            "addi",
            &[INT, INT],
            INT,
            Arc::new(|c| Ok(Value::int(c.int(0).wrapping_add(c.int(1))))),
        ),
        function(
            "upper1",
            &[Type::String],
            Type::String,
            Arc::new(|c| Ok(Value::string([b"U:", &**c.text(0)].concat()))),
        ),
        function("nilfn", &[], Type::Any, Arc::new(|_| Ok(Value::Nil))),
        function(
            "mkfn",
            &[],
            Type::Func("func(string) string"),
            Arc::new(|_| {
                Ok(Value::Func(std::rc::Rc::new(FuncValue {
                    type_name: "func(string) string",
                    params: &[Type::String],
                    variadic: false,
                    result: Type::String,
                    run: std::rc::Rc::new(|c| Ok(Value::string([b"fn:", &**c.text(0)].concat()))),
                    address: FUNCTION_ADDRESS.load(Ordering::Relaxed),
                })))
            }),
        ),
        function(
            "two",
            &[Type::String, Type::String],
            Type::String,
            Arc::new(|c| {
                Ok(Value::string(
                    [c.text(0), b"+".as_slice(), c.text(1)].concat(),
                ))
            }),
        ),
        function(
            "bytes",
            &[Type::String],
            Type::Bytes,
            Arc::new(|c| Ok(Value::Bytes(c.text(0).clone()))),
        ),
        function(
            "ident",
            &[Type::Any],
            Type::Any,
            Arc::new(|c| Ok(c.arg(0).clone())),
        ),
        function(
            "u",
            &[INT],
            Type::Uint(UintType::Uint),
            Arc::new(|c| Ok(Value::Uint(UintType::Uint, c.int(0).cast_unsigned()))),
        ),
        // The following are not in the first set of cases.
        function(
            "i64",
            &[INT],
            Type::INT64,
            Arc::new(|c| Ok(Value::int64(c.int(0)))),
        ),
        function(
            "i8",
            &[INT],
            Type::Int(IntType::Int8),
            Arc::new(|c| Ok(Value::Int(IntType::Int8, i64::from(c.int(0) as i8)))),
        ),
        function(
            "dur",
            &[INT],
            Type::DURATION,
            Arc::new(|c| Ok(Value::duration(c.int(0)))),
        ),
        function(
            "month",
            &[INT],
            Type::Int(IntType::Month),
            Arc::new(|c| Ok(Value::Int(IntType::Month, c.int(0)))),
        ),
        function(
            "num",
            &[Type::String],
            Type::Number,
            Arc::new(|c| Ok(Value::Number(c.text(0).clone()))),
        ),
        function(
            "fl",
            &[Type::Float],
            Type::Float,
            Arc::new(|c| Ok(c.arg(0).clone())),
        ),
        function(
            "bl",
            &[Type::Bool],
            Type::Bool,
            Arc::new(|c| Ok(c.arg(0).clone())),
        ),
        variadic(
            "smap",
            &[Type::String],
            Type::STRING_MAP,
            Arc::new(|c| {
                let map = Map::new::<Text>(&Type::String, []);
                for pair in c.args().chunks_exact(2) {
                    if let Value::String(key) = &pair[0] {
                        map.set(key, pair[1].clone());
                    }
                }
                Ok(Value::Map(map))
            }),
        ),
        variadic(
            "ints",
            &[INT],
            Type::List(&Type::INT),
            Arc::new(|c| Ok(Value::List(List::new(&Type::INT, c.args().to_vec())))),
        ),
        function(
            "nan",
            &[],
            Type::Float,
            Arc::new(|_| Ok(Value::Float(f64::NAN))),
        ),
        function(
            "inf",
            &[INT],
            Type::Float,
            Arc::new(|c| {
                Ok(Value::Float(if c.int(0) < 0 {
                    f64::NEG_INFINITY
                } else {
                    f64::INFINITY
                }))
            }),
        ),
        variadic(
            "vsum",
            &[INT],
            INT,
            Arc::new(|c| {
                let sum = (0..c.len()).fold(0_i64, |sum, i| sum.wrapping_add(c.int(i)));
                Ok(Value::int(sum))
            }),
        ),
        variadic(
            "pickn",
            &[Type::String, Type::Any],
            Type::Any,
            Arc::new(|c| match c.rest(1) {
                [] => Ok(Value::Nil),
                values => Ok(values[c.text(0).len() % values.len()].clone()),
            }),
        ),
        function(
            "u64",
            &[INT],
            Type::UINT64,
            Arc::new(|c| Ok(Value::uint64(c.int(0).cast_unsigned()))),
        ),
        function(
            "deep",
            &[INT],
            Type::Any,
            Arc::new(|c| {
                let mut n = c.int(0);
                let mut value = Value::map([("x", Value::int(n))]);
                while n > 0 && n < 50 {
                    value = Value::map([("d", Value::list(vec![value, Value::int(n)]))]);
                    n -= 1;
                }
                Ok(value)
            }),
        ),
    ];
    own.into_iter().chain(to_date).collect()
}
